// The threads that run through a finding: a rule may gather what several people did, and each of them has a path of its own.
import type { Finding } from "../../api/client";
import type { Row } from "../../api/query";
import { asDate } from "../../parts/time";
import { short, type Seen } from "./events";

export interface Lead {
  key: string;
  ip: string;
  /** The session or principal; nothing where it is not known. */
  who: string;
  events: number;
  /** Of its events; not a number where they are not known. */
  first: number;
  last: number;
}

/** One for each address and who used it, those with most events first. Addresses whose events are not loaded stand for themselves. */
export function leadsOf(events: Seen[], ips: string[]): Lead[] {
  const all = new Map<string, Lead>();
  for (const { ip, session, principal, ms } of events) {
    if (ip === "") continue;
    const who = short(session || principal);
    const key = `${ip} ${who}`;
    const lead = all.get(key) ?? { key, ip, who, events: 0, first: ms, last: ms };
    all.set(key, { ...lead, events: lead.events + 1, first: Math.min(lead.first, ms), last: Math.max(lead.last, ms) });
  }
  const known = new Set([...all.values()].map((lead) => lead.ip));
  const rest = ips.filter((ip) => !known.has(ip)).map((ip): Lead => ({ key: ip, ip, who: "", events: 0, first: Number.NaN, last: Number.NaN }));
  return [...[...all.values()].sort((a, b) => b.events - a.events || a.first - b.first), ...rest];
}

/** When a rule fired on an account for events with the address. */
export interface Span {
  first: number;
  last: number;
}

export function spansOf(rows: Row[]): Map<string, Span> {
  const at = (value: unknown) => asDate(String(value ?? ""))?.getTime() ?? Number.NaN;
  return new Map(rows.map((row) => [`${row.rule_uid} ${row.event_account}`, { first: at(row.first), last: at(row.last) }]));
}

export interface Step {
  finding: Finding;
  first: number;
  last: number;
}

/** Findings with the times of the lead alone, first one first. */
export function stepsOf(findings: Finding[], current: Finding, lead: Lead | undefined, spans: Map<string, Span>): Step[] {
  const steps = findings.map((finding): Step => {
    const [first, last] = [Date.parse(finding.first_seen), Date.parse(finding.last_seen)];
    if (finding.uid === current.uid && lead && !Number.isNaN(lead.first)) return { finding, first: lead.first, last: lead.last };
    const span = spans.get(`${finding.rule} ${finding.account}`);
    if (!span || Number.isNaN(span.first) || span.first > last || span.last < first) return { finding, first, last };
    return { finding, first: Math.max(first, span.first), last: Math.min(last, span.last) };
  });
  return steps.sort((a, b) => a.first - b.first || b.finding.severity_id - a.finding.severity_id);
}
