// Rules as the server tells, tests and tries them on the past.
import { call, type Rule } from "../../api/client";

/** Servers of before tell neither tactics nor the document, and keep no rules themselves. */
export type ToldRule = Omit<Rule, "tactics" | "source"> & {
  tactics?: string[];
  source?: string | null;
  /** Ours, a file of a folder, or kept by the server; only the last can be written. */
  origin?: "skywarden" | "folder" | "server";
  enabled?: boolean;
  off?: { why: string; who: string; since: string } | null;
  changed?: string | null;
  changed_by?: string | null;
  problems?: RuleProblem[];
};
export const ORIGIN_WORDS: Record<NonNullable<ToldRule["origin"]>, string> = { skywarden: "Skywarden", folder: "A folder", server: "This server" };

export interface RuleProblem {
  level?: "error" | "warning";
  detail: string;
  line: number;
  column: number;
  end_line?: number;
  end_column?: number;
  help?: string | null;
  drawn: string;
}
export interface Node {
  kind: "all" | "any" | "not" | "condition";
  text: string;
  matched: boolean;
  values: string[];
  children: Node[];
}
export interface Tested {
  problems: RuleProblem[];
  title?: string | null;
  id?: string | null;
  predicate?: string | null;
  matched?: boolean | null;
  explanation?: Node | null;
}
export interface BacktestJob {
  id: string;
  state: string;
  events?: number | null;
  hits?: number | null;
  partial?: boolean;
  sample?: unknown[];
  compared?: { rule_id: string; only_before: number; only_after: number; both: number } | null;
  error?: { detail?: string } | string | null;
  problems?: RuleProblem[];
}

export type RuleRef = { rule: string } | { rule_id: string };

export function tested(rule: RuleRef, event: unknown, signal?: AbortSignal): Promise<Tested> {
  return call<Tested>("/api/v1/rule-tests", { method: "POST", body: event === undefined ? rule : { ...rule, event }, signal });
}

const FLOW_COLUMNS = 14;

/** The event that a text holds: of a delivery of CloudTrail its first record. Nothing where it cannot be told. */
export function eventIn(text: string): { event: unknown; note: string | null } {
  const line = text.trim();
  if (line === "") return { event: undefined, note: null };
  try {
    const value = JSON.parse(line) as unknown;
    const records = Array.isArray(value) ? (value as unknown[]) : (value as { Records?: unknown[] } | null)?.Records;
    if (!Array.isArray(records) || records.length === 0) return { event: value, note: null };
    return { event: records[0], note: records.length > 1 ? `The text holds ${records.length} records; the first is tried.` : null };
  } catch {
    if (/^[{[]/.test(line)) return { event: undefined, note: "This is not whole JSON yet." };
    const columns = line.split(/\s+/).length;
    if (columns === FLOW_COLUMNS) return { event: line, note: null };
    return {
      event: undefined,
      note: `A line of a flow log is read in AWS’s default format of ${FLOW_COLUMNS} columns; this one has ${columns}, so nobody can tell which is which. Give an object with their names: {"srcaddr": "…", "dstport": 22}.`,
    };
  }
}

/** A line of a flow log under the names of its format, `${srcaddr} ${dstport}`; null if it does not fit. */
export function flowRecord(line: string, format: string): Record<string, string | number> | null {
  const names = [...format.matchAll(/\$\{([\w-]+)\}/g)].map((match) => match[1] as string);
  const values = line.trim().split(/\s+/);
  if (names.length === 0 || names.length !== values.length) return null;
  const entries = names.map((name, at): [string, string | number] => {
    const value = values[at] as string;
    // Accounts are numbers only to look at.
    return [name, /^(0|[1-9]\d{0,14})$/.test(value) && !name.includes("account") ? Number(value) : value];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== "-"));
}

/** Where a line and a column stand, as editors count. Columns are characters. */
export function placeIn(text: string, line: number, column: number): number {
  let at = 0;
  for (let n = 1; n < line; n += 1) {
    const next = text.indexOf("\n", at);
    if (next < 0) return text.length;
    at = next + 1;
  }
  const end = text.indexOf("\n", at);
  let left = column - 1;
  for (const sign of text.slice(at, end < 0 ? undefined : end)) {
    if (left <= 0) break;
    at += sign.length;
    left -= 1;
  }
  return at;
}
