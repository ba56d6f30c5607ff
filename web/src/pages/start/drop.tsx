// Files from this machine, sent as they are, one after another; and what became of each.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FileDropzone from "@cloudscape-design/components/file-dropzone";
import FileInput from "@cloudscape-design/components/file-input";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { ApiProblem, call, type Finding, type Schema } from "../../api/client";
import { quoted, runQuery } from "../../api/query";
import { AWAY_WHY, useAway } from "../../api/reach";
import { useMay, useSession } from "../../api/session";
import { useStatus } from "../../app/bar";
import { link, queryLink } from "../../app/url";
import { Severity } from "../../parts/severity";
import { Failed } from "../../parts/states";
import { Value, visible } from "../../parts/value";
import { bytes, count, counted } from "../../parts/words";
import { asideAdvice, refusalAdvice } from "./advice";
import { tables, useLedger, useStatusEvery } from "../sources/ask";

const BYTES_MAX = 32 * 1024 * 1024;
const NAME_MAX = 512;
const SHOWN_MAX = 200;

interface Sent {
  id: number;
  name: string;
  /** What the server calls it: two files of one name are told apart. */
  called: string;
  size: number;
  state: "waits" | "sending" | "kept" | "refused";
  why?: string;
  position?: number;
}

/** What became of a file once it is in the lake. */
interface Outcome {
  events: number;
  aside: number;
  reason: string | null;
}

export function Drop() {
  const maySend = useMay("ingest:write");
  const isAway = useAway() !== null;
  const status = useStatus();
  const [all, setAll] = useState<Sent[]>([]);
  const [began, setBegan] = useState<{ at: string; events: number } | null>(null);
  const [isTold, setTold] = useState(false);
  const waiting = useRef<{ id: number; file: File; called: string }[]>([]);
  const used = useRef(new Map<string, number>());
  const isBusy = useRef(false);
  const nextId = useRef(0);

  const change = (id: number, to: Partial<Sent>) => setAll((before) => before.map((one) => (one.id === id ? { ...one, ...to } : one)));
  const work = async () => {
    if (isBusy.current) return;
    isBusy.current = true;
    for (let next = waiting.current.shift(); next; next = waiting.current.shift()) {
      change(next.id, { state: "sending" });
      change(next.id, await send(next.file, next.called));
    }
    isBusy.current = false;
  };
  const add = (files: File[]) => {
    const known = files.map((file) => {
      const nth = (used.current.get(file.name) ?? 0) + 1;
      used.current.set(file.name, nth);
      const short = [...file.name].slice(0, NAME_MAX - 8).join("");
      return { id: nextId.current++, file, called: nth === 1 ? short : `${short} (${nth})` };
    });
    setBegan((before) => before ?? { at: new Date(Date.now() - 2000).toISOString(), events: status.data?.events ?? 0 });
    setAll((before) => [...before, ...known.map(({ id, file, called }): Sent => ({ id, name: file.name, called, size: file.size, state: "waits" }))]);
    waiting.current.push(...known);
    void work();
  };
  const done = all.filter((one) => one.state === "kept" || one.state === "refused").length;
  const total = all.reduce((sum, one) => sum + one.size, 0);
  const through = all.reduce((sum, one) => sum + (one.state === "kept" || one.state === "refused" ? one.size : 0), 0);
  const keptFiles = all.filter((one) => one.state === "kept");
  const outcomes = useOutcomes(all, began?.at ?? null);

  if (!maySend) {
    return <Alert type="info">Your role may not send logs. An admin can, or can make a token with the role ingest-only.</Alert>;
  }
  return (
    <SpaceBetween size="s">
      {status.data?.demo && all.length === 0 ? (
        <Alert type="info">This is the demo: what you drop is mixed with made-up logs, and gone when its folder is. For your own logs start skywarden serve.</Alert>
      ) : null}
      {isAway ? (
        <Alert type="info">{AWAY_WHY}</Alert>
      ) : (
        <FileDropzone onChange={({ detail }) => add(detail.value)}>
          <SpaceBetween size="xs" alignItems="center">
            <Box color="text-body-secondary" textAlign="center">
              CloudTrail files, VPC flow logs, events a line: json, gz, zst, log, txt, parquet. 32 MiB a file at most.
            </Box>
            <FileInput multiple value={[]} onChange={({ detail }) => add(detail.value)}>
              Choose files
            </FileInput>
          </SpaceBetween>
        </FileDropzone>
      )}
      {all.length > 0 ? (
        <SpaceBetween size="s">
          <ProgressBar
            label={done === all.length ? "All sent" : `Sending ${count(done + 1)} of ${count(all.length)}`}
            value={total === 0 ? 0 : Math.round((100 * through) / total)}
            status={done === all.length ? "success" : "in-progress"}
            resultText={`${counted(keptFiles.length, "file")} on the server's disk, ${bytes(keptFiles.reduce((sum, one) => sum + one.size, 0))}`}
          />
          <div className="sent" role="list" aria-label="Files">
            {all.slice(-SHOWN_MAX).map((one) => (
              <FileLine key={one.id} one={one} outcome={outcomes.data?.get(one.called)} isSettled={outcomes.data !== undefined} />
            ))}
          </div>
          {all.length > SHOWN_MAX ? <Box color="text-body-secondary">The last {SHOWN_MAX} are shown.</Box> : null}
          {outcomes.error ? <Failed what="tell what became of the files" error={outcomes.error} /> : null}
          <Arrivals since={began?.events ?? 0} isSettled={outcomes.data !== undefined} />
          {began ? <FirstFindings since={began.at} isSettled={outcomes.data !== undefined} /> : null}
        </SpaceBetween>
      ) : null}
      <span>
        <Button variant="inline-link" onClick={() => setTold(!isTold)} ariaExpanded={isTold}>
          From a script or a folder
        </Button>
        {isTold ? <ByHand /> : null}
      </span>
    </SpaceBetween>
  );
}

async function send(file: File, name: string): Promise<Partial<Sent>> {
  if (file.size === 0) return { state: "refused", why: "It is empty. Look whether it was downloaded whole, and drop it again." };
  if (file.size > BYTES_MAX) {
    return { state: "refused", why: `It has ${bytes(file.size)}; 32 MiB is the most over HTTP. On the server: skywarden serve --import FILE reads files of any size.` };
  }
  try {
    const taken = await call<Schema<"Taken">>("/api/v1/ingest", {
      method: "POST",
      query: { name },
      raw: file,
      headers: { "content-type": "application/octet-stream" },
    });
    return { state: "kept", position: taken.position };
  } catch (err) {
    return { state: "refused", why: err instanceof ApiProblem ? `${sentence(err.detail)} ${refusalAdvice(err.status)}` : "The browser could not read the file. If it was changed or moved, choose it again." };
  }
}

/** A problem as the server words it, as a sentence. */
function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** Asked once all is in the lake. */
function useOutcomes(all: Sent[], since: string | null) {
  const { data: me } = useSession();
  const mayAsk = useMay("query:run");
  const ledger = useLedger();
  const sources = useMemo(() => tables(ledger.data ?? []), [ledger.data]);
  const kept = all.filter((one) => one.state === "kept");
  const last = Math.max(-1, ...kept.map((one) => one.position ?? -1));
  const isSending = all.some((one) => one.state === "waits" || one.state === "sending");
  const settled = useQuery({
    queryKey: ["in-lake", last],
    queryFn: async () => (await call<Schema<"ServerStatus">>("/api/v1/status")).log.committed > last,
    enabled: last >= 0 && !isSending,
    refetchInterval: (query) => (query.state.data ? false : 1000),
  });
  return useQuery({
    queryKey: ["outcomes", last, kept.length, since],
    queryFn: async ({ signal }) => {
      const names = new Map(kept.slice(-SHOWN_MAX).map((one) => [`http/${me?.name ?? ""}/${one.called}`, one.called]));
      const where = `event_object IN (${[...names.keys()].map((name) => quoted(name, "sql")).join(", ")}) AND event_ingested_at >= ${quoted((since ?? "").slice(0, 19).replace("T", " "), "sql")}`;
      const parts = sources.map((source) => `SELECT event_object AS object, count(*) AS events, 0 AS aside, NULL AS reason FROM ${source} WHERE ${where} GROUP BY 1`);
      parts.push(`SELECT event_object AS object, 0 AS events, count(*) AS aside, min(reason) AS reason FROM quarantine WHERE ${where} GROUP BY 1`);
      const { rows } = await runQuery({ text: parts.join(" UNION ALL "), lang: "sql", rows: 5000 }, signal);
      const out = new Map<string, Outcome>();
      for (const row of rows as { object: string; events?: number; aside?: number; reason?: string }[]) {
        const name = names.get(row.object) ?? row.object;
        const before = out.get(name) ?? { events: 0, aside: 0, reason: null };
        out.set(name, { events: before.events + (row.events ?? 0), aside: before.aside + (row.aside ?? 0), reason: row.reason ?? before.reason });
      }
      return out;
    },
    enabled: mayAsk && settled.data === true && sources.length > 0,
    retry: false,
    staleTime: Infinity,
  });
}

function FileLine({ one, outcome, isSettled }: { one: Sent; outcome?: Outcome; isSettled: boolean }) {
  return (
    <div role="listitem" className="file">
      <Value text={one.name} />
      <span className="muted nowrap">{bytes(one.size)}</span>
      <span className="fate">
        <Fate one={one} outcome={outcome} isSettled={isSettled} />
      </span>
    </div>
  );
}

function Fate({ one, outcome, isSettled }: { one: Sent; outcome?: Outcome; isSettled: boolean }) {
  if (one.state === "waits") return <StatusIndicator type="pending">Waits</StatusIndicator>;
  if (one.state === "sending") return <StatusIndicator type="in-progress">Sending</StatusIndicator>;
  if (one.state === "refused") {
    return (
      <>
        <StatusIndicator type="error">Not taken</StatusIndicator> {visible(one.why ?? "")}
      </>
    );
  }
  if (!isSettled) return <StatusIndicator type="in-progress">On disk, being read</StatusIndicator>;
  if (!outcome) return <StatusIndicator type="info">Taken: nothing new, all of it was there already</StatusIndicator>;
  if (outcome.aside > 0) {
    return (
      <>
        <StatusIndicator type="warning">
          {outcome.events > 0 ? `${counted(outcome.events, "new event")}, ` : ""}
          <Link href={link("/sources", { tab: "quarantine" })}>{counted(outcome.aside, "piece")} quarantined</Link>
        </StatusIndicator>{" "}
        {visible(sentence((outcome.reason ?? "not a log that is known").slice(0, 160)))} {asideAdvice(outcome.reason ?? "")}
      </>
    );
  }
  return <StatusIndicator type="success">Taken: {counted(outcome.events, "new event")}</StatusIndicator>;
}

function Arrivals({ since, isSettled }: { since: number; isSettled: boolean }) {
  const events = useStatusEvery(isSettled ? 10_000 : 1500).data?.events;
  if (events === undefined) return null;
  const grown = Math.max(0, events - since);
  return (
    <div className="live" role="status">
      <StatusIndicator type={grown > 0 ? "success" : isSettled ? "warning" : "in-progress"}>
        {grown > 0
          ? `Events arrive: ${count(grown)} since you dropped the first file, from all senders`
          : isSettled
            ? "No event was read since you dropped the first file"
            : "Waiting for the first event"}
      </StatusIndicator>{" "}
      <Link href={queryLink("sort @timestamp desc | limit 200")}>See the newest events</Link>
    </div>
  );
}

function FirstFindings({ since, isSettled }: { since: string; isSettled: boolean }) {
  const mayRead = useMay("findings:read");
  const asked = useQuery({
    queryKey: ["first-findings", since],
    queryFn: () => call<Schema<"Page">>("/api/v1/findings", { query: { sort: "latest", limit: 200 } }),
    enabled: mayRead,
    refetchInterval: 3000,
  });
  const fresh = (asked.data?.findings ?? []).filter((finding: Finding) => finding.updated >= since);
  fresh.sort((a, b) => b.severity_id - a.severity_id);
  if (asked.error) return <Failed what="load findings" error={asked.error} retry={() => void asked.refetch()} />;
  if (fresh.length === 0) {
    return <Box color="text-body-secondary">{isSettled ? "No rule found anything in these files. That can be right: look at the events, and at which rules there are." : "No finding yet."}</Box>;
  }
  return (
    <div>
      <Box variant="h3" padding={{ top: "n" }}>
        First findings
      </Box>
      <ul className="first">
        {fresh.slice(0, 6).map((finding) => (
          <li key={finding.uid}>
            <Severity level={finding.severity_id} /> <Link href={`/findings/${encodeURIComponent(finding.uid)}`}>{visible(finding.title)}</Link>
          </li>
        ))}
      </ul>
      <Link className="linked" href="/findings">{fresh.length > 6 ? `All findings, ${count(fresh.length - 6)} more of these` : "All findings"}</Link>
    </div>
  );
}

function ByHand() {
  return (
    <Box padding={{ top: "xs" }} color="text-body-secondary">
      <SpaceBetween size="xs">
        <span>
          With a token of the role ingest-only (<Link className="linked" href={link("/settings", { tab: "tokens" })}>make one</Link>):
        </span>
        <pre className="json">{`curl -H "authorization: Bearer $TOKEN" --data-binary @FILE \\\n  "${location.origin}/api/v1/ingest?name=FILE"`}</pre>
        <span>Folders, on the server:</span>
        <pre className="json">{"skywarden serve --data ./data --import ./cloudtrail\nskywarden serve --data ./data --watch ./incoming"}</pre>
      </SpaceBetween>
    </Box>
  );
}
