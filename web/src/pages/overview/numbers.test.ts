import { expect, test } from "vitest";
import type { Health } from "./load";
import { unwell } from "./numbers";

const now = Date.parse("2026-11-24T12:00:00Z");
const health = (status: object = {}, entry: object = {}, aside: string | null = null) =>
  ({ status: { trouble: null, feeds: [], log: { durable: 9, detected: 9 }, ...status }, ledger: [{ balanced: true, ...entry }], aside }) as unknown as Health;

test("all is well only if nothing is stuck, late, off, or quarantined lately", () => {
  expect(unwell(health(), now)).toBeNull();
  expect(unwell(health({ trouble: "disk full" }), now)).toMatch(/does not get on/);
  expect(unwell(health({ feeds: [{ what: "q", trouble: "no" }] }), now)).toBe("1 feed does not get on");
  expect(unwell(health({ log: { durable: 500, detected: 9 } }), now)).toBe("late: 491 deliveries wait for the rules");
  expect(unwell(health({}, { balanced: false }), now)).toBe("the ledger does not balance");
  expect(unwell(health({}, {}, "2026-11-24T10:00:00Z"), now)).toBe("quarantined: last 2 h ago");
  expect(unwell(health({}, {}, "2026-11-10T10:00:00Z"), now)).toBeNull();
});
