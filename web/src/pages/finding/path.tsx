// What else came from the same addresses around the same time: the way in, the path, the damage.
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useLocation } from "wouter";
import { call, type Finding, type Schema } from "../../api/client";
import { entityLink, link, useUrl } from "../../app/url";
import { quoted, runQuery } from "../../api/query";
import { useRules } from "../../api/rules";
import { Asked, Empty } from "../../parts/states";
import { Severity, SEVERITY_VARS } from "../../parts/severity";
import { Time, utc } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { counted, span } from "../../parts/words";
import { Lanes, type Mark } from "./lanes";
import { spansOf, stepsOf, type Lead, type Step } from "./leads";

const AROUND_MS = 24 * 3_600_000;
const SHAPES: Mark["shape"][] = ["ring", "ring", "dot", "square", "triangle", "diamond"];
const ADDRESSES_MAX = 3;
const SPANS_MAX = 2000;
const LEADS_SHOWN = 12;
type Page = Schema<"Page">;

export function aroundOf(finding: Finding): { from: string; to: string } {
  return {
    from: new Date(Date.parse(finding.first_seen) - AROUND_MS).toISOString(),
    to: new Date(Date.parse(finding.last_seen) + AROUND_MS).toISOString(),
  };
}

/** Findings with one of the addresses within a day of this one, first one first. */
export function useAround(finding: Finding, ips: string[]) {
  const some = ips.slice(0, ADDRESSES_MAX);
  const window = aroundOf(finding);
  return useQuery({
    queryKey: ["around", finding.uid, some, window],
    queryFn: async () => {
      const pages = await Promise.all(some.map((text) => call<Page>("/api/v1/findings", { query: { text, ...window, limit: 200 } })));
      const all = new Map([finding, ...pages.flatMap((page) => page.findings)].map((one) => [one.uid, one]));
      const findings = [...all.values()].sort((a, b) => a.first_seen.localeCompare(b.first_seen) || b.severity_id - a.severity_id);
      return { findings, isMore: pages.some((page) => page.next) };
    },
    enabled: some.length > 0,
    staleTime: 15_000,
  });
}

/** Tactics of rules. */
function useTactics(): Map<string, string[]> {
  const rules = useRules();
  return useMemo(() => new Map((rules ?? []).map((rule) => [rule.id, rule.tactics])), [rules]);
}

/** When rules fired on events with the address: a finding may have others too. */
function useSpans(ip: string | undefined, window: { from: string; to: string }, mayAsk: boolean) {
  return useQuery({
    queryKey: ["spans", ip, window],
    queryFn: async ({ signal }) => {
      const text = `SELECT rule_uid, event_account, min(time_dt) AS first, max(time_dt) AS last FROM hits WHERE strpos(raw, ${quoted(ip ?? "", "sql")}) > 0 GROUP BY 1, 2`;
      return spansOf((await runQuery({ text, lang: "sql", ...window, rows: SPANS_MAX }, signal)).rows);
    },
    enabled: mayAsk && ip !== undefined,
    staleTime: 60_000,
    retry: false,
  });
}

interface Props {
  finding: Finding;
  /** What runs through the finding, and which of it is followed. */
  leads: Lead[];
  lead: Lead | undefined;
  onLead: (key: string) => void;
  around: ReturnType<typeof useAround>;
  mayAsk: boolean;
}

export function Path({ finding, leads, lead, onLead, around, mayAsk }: Props) {
  const [by, setBy] = useUrl("path", "principal");
  const [, go] = useLocation();
  const tactics = useTactics();
  const spans = useSpans(lead?.ip, aroundOf(finding), mayAsk);
  if (!lead) return <Empty title="No address to follow">The events of this finding name none. Look at what the principal did instead.</Empty>;
  return (
    <Asked what="findings of the same address" asked={around}>
      {({ findings, isMore }) => {
        const steps = stepsOf(findings, finding, lead, spans.data ?? new Map());
        const marks = steps.map(
          ({ finding: one, first: begun, last: ended }): Mark => ({
            id: one.uid,
            ms: begun,
            end: ended,
            lane: by === "tactic" ? (tactics.get(one.rule)?.[0] ?? "No tactic told") : by === "account" ? one.account : one.principal,
            title: one.title,
            tone: SEVERITY_VARS[one.severity_id] ?? "--info",
            shape: SHAPES[one.severity_id] ?? "ring",
          }),
        );
        const [{ finding: first, first: begun }] = steps as [Step];
        const last = Math.max(...steps.map((step) => step.last));
        const principals = new Set(findings.map((one) => one.principal)).size;
        const accounts = new Set(findings.map((one) => one.account)).size;
        return (
          <SpaceBetween size="s">
            {leads.length > 1 ? <Leads leads={leads} lead={lead} onLead={onLead} /> : null}
            <p className="lead">
              <Value text={lead.ip} to={entityLink("ip", lead.ip)} />{" "}
              {findings.length === 1 ? "has no other finding" : `has ${isMore ? "at least " : ""}${counted(findings.length, "finding")} of ${counted(principals, "principal")} in ${counted(accounts, "account")}`} within a day of this one
              {findings.length > 1 ? `, over ${span((last - begun) / 1000)}. It begins at ${utc(begun)}:` : "."}{" "}
              {findings.length > 1 ? <Link href={`/findings/${encodeURIComponent(first.uid)}?tab=path`}>{visible(first.title.slice(0, 240))}</Link> : null}
            </p>
            {findings.length > 1 ? (
              <>
                <div className="tools">
                  <SegmentedControl
                    label="A lane for each"
                    selectedId={["tactic", "account"].includes(by) ? by : "principal"}
                    options={[
                      { id: "principal", text: "By principal" },
                      ...(tactics.size > 0 ? [{ id: "tactic", text: "By tactic" }] : []),
                      { id: "account", text: "By account" },
                    ]}
                    onChange={({ detail }) => setBy(detail.selectedId)}
                  />
                  <span className="grows" />
                  <Link href={link("/findings", { text: lead.ip, status: "all", sort: "latest" })}>As a list</Link>
                </div>
                <Lanes label={`Findings of ${lead.ip} over time`} marks={marks} chosen={finding.uid} onChoose={(uid) => go(`/findings/${encodeURIComponent(uid)}?tab=path`)} />
              </>
            ) : null}
            <ol className="story">
              {steps.map(({ finding: one, first: begun }) => (
                <li key={one.uid} aria-current={one.uid === finding.uid ? "true" : undefined}>
                  <Time at={begun} />
                  <Severity level={one.severity_id} />
                  <span>
                    {one.uid === finding.uid ? <b>{visible(one.title.slice(0, 400))}</b> : <Link href={`/findings/${encodeURIComponent(one.uid)}?tab=path`}>{visible(one.title.slice(0, 400))}</Link>}
                    <span className="muted"> {[...(one.count > 1 ? [counted(one.count, "event")] : []), ...(tactics.get(one.rule) ?? [])].join(", ")}</span>
                  </span>
                </li>
              ))}
            </ol>
          </SpaceBetween>
        );
      }}
    </Asked>
  );
}

/** The finding gathers what more than one did, or did from elsewhere: each is followed by itself. */
function Leads({ leads, lead, onLead }: { leads: Lead[]; lead: Lead; onLead: (key: string) => void }) {
  const told = ({ ip, who, events, first, last }: Lead) =>
    `${visible(ip)}${who === "" ? "" : ` as ${visible(who.slice(0, 80))}`}${events === 0 ? "" : `: ${counted(events, "event")}, ${utc(first)}${last > first ? `, over ${span((last - first) / 1000)}` : ""}`}`;
  return (
    <fieldset className="leads">
      <legend>Its events come from {counted(leads.length, "actor or address", "actors or addresses")}. Follow</legend>
      {leads.slice(0, LEADS_SHOWN).map((one) => (
        <label key={one.key}>
          <input type="radio" name="lead" checked={one.key === lead.key} onChange={() => onLead(one.key)} /> {told(one)}
        </label>
      ))}
      {leads.length > LEADS_SHOWN ? <span className="muted">and {leads.length - LEADS_SHOWN} with fewer events</span> : null}
    </fieldset>
  );
}
