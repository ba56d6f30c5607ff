import { expect, test } from "vitest";
import type { Finding } from "../../api/client";
import { begun, merged } from "./merge";

const finding = (rule: string, severity_id: number, hour: number) => ({ uid: `${rule}${severity_id}${hour}`, rule, severity_id, last_seen: `2026-11-23T${String(hour).padStart(2, "0")}:00:00Z` }) as Finding;
const LISTS: Record<string, Finding[]> = {
  a: [finding("a", 5, 3), finding("a", 5, 1), finding("a", 2, 9), finding("a", 1, 1)],
  b: [finding("b", 4, 8), finding("b", 4, 2), finding("b", 2, 10)],
  none: [],
};
let asked = 0;
/** Two findings a page. */
async function ask(rule: string, cursor: string) {
  asked += 1;
  const from = Number(cursor === "" ? 0 : cursor);
  const all = LISTS[rule] ?? [];
  return { findings: all.slice(from, from + 2), next: from + 2 < all.length ? String(from + 2) : null };
}

test("several lists are one in the same order, page by page, each finding once", async () => {
  const order = ["a53", "a51", "b48", "b42", "b210", "a29", "a11"];
  for (const n of [1, 2, 3, 100]) {
    const got: string[] = [];
    for (let heaps: ReturnType<typeof begun> | null = begun(["a", "b", "none"]); heaps !== null; ) {
      const page: Awaited<ReturnType<typeof merged>> = await merged(heaps, ask, "worst", n);
      expect(page.findings.length).toBeLessThanOrEqual(n);
      got.push(...page.findings.map((one) => one.uid));
      heaps = page.next;
    }
    expect(got).toEqual(order);
  }
});

test("a page asks for no more of a rule than it needs", async () => {
  asked = 0;
  const { findings, next } = await merged(begun(["a", "b"]), ask, "worst", 1);
  expect([findings.length, asked]).toEqual([1, 2]);
  await merged(next as NonNullable<typeof next>, ask, "worst", 1);
  expect(asked).toBe(2);
});
