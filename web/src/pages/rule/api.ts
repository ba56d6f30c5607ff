// Rules as the server tells, tests and tries them on the past.
import { ApiProblem, call, type Rule } from "../../api/client";

/** Servers of before tell neither tactics nor the document. */
export type ToldRule = Omit<Rule, "tactics" | "source"> & { tactics?: string[]; source?: string | null };

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
  sample?: unknown[];
  compared?: { rule_id: string; only_before: number; only_after: number; both: number } | null;
  error?: { detail?: string } | string | null;
  problems?: RuleProblem[];
}

export type RuleRef = { rule: string } | { rule_id: string };

/** Null where the server cannot. */
export async function tested(rule: RuleRef, event: unknown, signal?: AbortSignal): Promise<Tested | null> {
  return orNull(call<Tested>("/api/v1/rule-tests", { method: "POST", body: event === undefined ? rule : { ...rule, event }, signal }));
}

export async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (err) {
    if (err instanceof ApiProblem && (err.status === 404 || err.status === 405)) return null;
    throw err;
  }
}

/** The event that a text holds: of a delivery of CloudTrail its first record. */
export function eventIn(text: string): { event: unknown; note: string | null } {
  try {
    const value = JSON.parse(text) as unknown;
    const records = (value as { Records?: unknown[] } | null)?.Records;
    if (Array.isArray(records) && records.length > 0) {
      return { event: records[0], note: records.length > 1 ? `The text holds ${records.length} records; the first is tried.` : null };
    }
    if (Array.isArray(value) && value.length > 0) return { event: value[0], note: value.length > 1 ? `The text holds ${value.length} records; the first is tried.` : null };
    return { event: value, note: null };
  } catch {
    const isMeantAsJson = /^\s*[{[]/.test(text);
    return { event: text.trim(), note: isMeantAsJson ? "This is not whole JSON, so it is taken for a line of a flow log." : null };
  }
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
