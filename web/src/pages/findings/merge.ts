// One list out of those of several rules: the API takes one rule at a time, in the same order each.
import type { Finding, Schema } from "../../api/client";

type Page = Pick<Schema<"Page">, "findings" | "next">;
/** What of each rule's list was loaded and not given out, and where the list goes on: null at its end. */
export type Heaps = Map<string, { rest: Finding[]; next: string | null }>;

/** Whether a finding stands before another in the order that was asked for. */
export function isBefore(one: Finding, other: Finding, sort: "worst" | "latest"): boolean {
  if (sort === "worst" && one.severity_id !== other.severity_id) return one.severity_id > other.severity_id;
  return one.last_seen > other.last_seen;
}

/** The next `n` findings of all heaps in their order, and the heaps after it; null when nothing is left. */
export async function merged(heaps: Heaps, ask: (rule: string, cursor: string) => Promise<Page>, sort: "worst" | "latest", n: number): Promise<{ findings: Finding[]; next: Heaps | null }> {
  const after: Heaps = new Map(heaps);
  const fill = async (rule: string, cursor: string) => {
    const page = await ask(rule, cursor);
    after.set(rule, { rest: page.findings, next: page.next ?? null });
  };
  const findings: Finding[] = [];
  while (findings.length < n) {
    // The first of a list must be known before anything is put before it.
    await Promise.all([...after].flatMap(([rule, { rest, next }]) => (rest.length === 0 && next !== null ? [fill(rule, next)] : [])));
    for (const [rule, { rest, next }] of after) if (rest.length === 0 && next === null) after.delete(rule);
    if (after.size === 0) break;
    while (findings.length < n && [...after.values()].every(({ rest }) => rest.length > 0)) {
      const [rule, { rest, next }] = [...after].reduce((first, other) => (isBefore(other[1].rest[0] as Finding, first[1].rest[0] as Finding, sort) ? other : first));
      findings.push(rest[0] as Finding);
      after.set(rule, { rest: rest.slice(1), next });
    }
  }
  const isLeft = [...after.values()].some(({ rest, next }) => rest.length > 0 || next !== null);
  return { findings, next: isLeft ? after : null };
}

/** Nothing is loaded yet of any of these rules. */
export function begun(rules: string[]): Heaps {
  return new Map(rules.map((rule) => [rule, { rest: [], next: "" }]));
}
