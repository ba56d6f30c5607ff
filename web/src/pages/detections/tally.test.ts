import { expect, test } from "vitest";
import type { Finding } from "../../api/client";
import { precision, tallied } from "./tally";

test("findings by rule, and the share that was right", () => {
  const of = (rule: string, status: string, verdict?: string) => ({ rule, status, verdict }) as unknown as Finding;
  const rules = tallied([of("a", "new"), of("a", "resolved", "true_positive"), of("a", "resolved", "false_positive"), of("a", "resolved", "benign"), of("b", "suppressed")]);
  expect(rules.get("a")).toEqual({ open: 1, closed: 3, suppressed: 0, right: 1, wrong: 1, benign: 1 });
  expect(precision(rules.get("a")!)).toBe(0.5);
  expect(precision(rules.get("b")!)).toBe(null);
});
