// Trying the rule on the past: what it would have found, and how that differs from the rule as it is.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useRef, useState } from "react";
import { call } from "../../api/client";
import { useMay } from "../../api/session";
import { useUrl } from "../../app/url";
import { ActButton } from "../../parts/act";
import { Raw } from "../../parts/json";
import { Failed } from "../../parts/states";
import { count, counted } from "../../parts/words";
import { RangePicker, resolved } from "../query/range";
import type { BacktestJob, RuleRef } from "./api";

const PATH = "/api/v1/backtests";
const ASK_MS = 500;
const SAMPLE_MAX = 20;

export function Backtest({ rule, isDraft }: { rule: RuleRef; isDraft: boolean }) {
  const [from, setFrom] = useUrl("from", "-7d");
  const [to, setTo] = useUrl("to");
  const [job, setJob] = useState<BacktestJob | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isRunning, setRunning] = useState(false);
  const [triedOn, setTriedOn] = useState<RuleRef | null>(null);
  const stop = useRef<AbortController | null>(null);
  const mayRun = useMay("query:run");
  useEffect(() => () => stop.current?.abort(), []);

  const run = async () => {
    stop.current?.abort();
    const control = new AbortController();
    stop.current = control;
    setError(null);
    setJob(null);
    setRunning(true);
    setTriedOn(rule);
    try {
      const window = resolved({ from: from === "all" ? "" : from, to }, Date.now());
      let now = await call<BacktestJob>(PATH, { method: "POST", body: { ...rule, ...(window.from ? { from: window.from } : {}), ...(window.to ? { to: window.to } : {}) }, signal: control.signal });
      control.signal.addEventListener("abort", () => void call(`${PATH}/${now.id}`, { method: "DELETE" }).catch(() => undefined));
      while (now.state === "running" || now.state === "pending") {
        setJob(now);
        await new Promise((later) => setTimeout(later, ASK_MS));
        if (control.signal.aborted) return;
        now = await call<BacktestJob>(`${PATH}/${now.id}`, { signal: control.signal });
      }
      setJob(now);
    } catch (err) {
      if (!control.signal.aborted) setError(err);
    }
    if (stop.current === control) {
      stop.current = null;
      setRunning(false);
    }
  };
  const cancel = () => {
    stop.current?.abort();
    stop.current = null;
    setRunning(false);
  };
  return (
    <SpaceBetween size="s">
      <Box color="text-body-secondary">
        Tries {isDraft ? "the draft" : "the rule"} on all events of a time range. {isDraft ? "Nothing is kept, and no finding is made." : ""}
      </Box>
      <div className="backtest-bar">
        <RangePicker
          range={{ from: from === "all" ? "" : from, to }}
          onChange={(range) => {
            setFrom(range.from === "" && range.to === "" ? "all" : range.from);
            setTo(range.to);
          }}
        />
        {isRunning ? (
          <ActButton onClick={cancel}>Cancel</ActButton>
        ) : (
          <ActButton variant="primary" onClick={() => void run()} disabled={!mayRun}>
            Run the backtest
          </ActButton>
        )}
      </div>
      {error ? <Failed what="run the backtest" error={error} retry={() => void run()} /> : null}
      {isRunning ? <ProgressBar variant="standalone" value={100} status="in-progress" label="Trying events" additionalInfo={job ? `${counted(job.events ?? 0, "event")} tried, ${counted(job.hits ?? 0, "hit")} so far` : undefined} /> : null}
      {job && !isRunning ? <Outcome job={job} isOld={JSON.stringify(triedOn) !== JSON.stringify(rule)} /> : null}
    </SpaceBetween>
  );
}

function Outcome({ job, isOld }: { job: BacktestJob; isOld: boolean }) {
  const wrong = job.state === "failed" || job.error ? (typeof job.error === "string" ? job.error : job.error?.detail) : null;
  if (job.state === "failed" || wrong) return <Alert type="error" header="The backtest failed">{wrong ?? "The server did not say why."}</Alert>;
  const { events, hits, compared } = job;
  const sample = job.sample ?? [];
  return (
    <SpaceBetween size="m">
      {isOld ? <Alert type="warning">The rule was changed since; run it again.</Alert> : null}
      {job.partial ? <Alert type="warning">There were too many hits, so it ended early: these numbers are not of all events.</Alert> : null}
      {job.state === "cancelled" ? <Alert type="warning">It was cancelled, so these numbers are not of all events.</Alert> : null}
      <KeyValuePairs
        columns={2}
        items={[
          { label: "Events tried", value: count(events ?? 0) },
          { label: "Hits", value: `${count(hits ?? 0)}${events && hits ? `, one in ${count(Math.round(events / hits))} events` : ""}` },
        ]}
      />
      {compared ? (
        <div>
          <Box variant="h3">Against what was found as events came in</Box>
          <div className="compared" role="list">
            <Side label="Only before" n={compared.only_before} title="Matched as the events came in, and not now" />
            <Side label="Both" n={compared.both} title="Matched as the events came in, and now" />
            <Side label="Only now" n={compared.only_after} title="Matched now, and not as the events came in" />
          </div>
        </div>
      ) : null}
      {sample.length > 0 ? (
        <div>
          <Box variant="h3">{hits !== undefined && hits !== null && hits > sample.length ? `${sample.length} of ${counted(hits, "event")}` : counted(sample.length, "event")}</Box>
          {sample.slice(0, SAMPLE_MAX).map((one, at) => (
            <ExpandableSection key={at} headerText={titleOf(one, at)}>
              <Raw text={textOf(one)} />
            </ExpandableSection>
          ))}
        </div>
      ) : (hits ?? 0) === 0 ? (
        <Box color="text-body-secondary">No event of this time range matches.</Box>
      ) : null}
    </SpaceBetween>
  );
}

function Side({ label, n, title }: { label: string; n: number; title: string }) {
  return (
    <div role="listitem" title={title} data-empty={n === 0}>
      <b>{count(n)}</b>
      <span>{label}</span>
    </div>
  );
}

function textOf(sample: unknown): string {
  if (typeof sample === "string") return sample;
  const raw = (sample as { raw?: unknown } | null)?.raw;
  return typeof raw === "string" ? raw : JSON.stringify(sample);
}

function titleOf(sample: unknown, at: number): string {
  try {
    const event = JSON.parse(textOf(sample)) as Record<string, unknown>;
    const words = [event.eventTime ?? (sample as { time?: unknown }).time, event.eventName, event.awsRegion, event.sourceIPAddress].filter((word) => typeof word === "string");
    if (words.length > 0) return words.join(" · ").slice(0, 120);
  } catch {
    // A line of a flow log is its own title.
  }
  return textOf(sample).slice(0, 100) || `Event ${at + 1}`;
}
