import { expect, test } from "vitest";
import type { Schema } from "../../api/client";
import { unwell } from "./numbers";

const status = (more: object = {}) => ({ trouble: null, feeds: [], log: { durable: 9, detected: 9 }, ...more }) as unknown as Schema<"ServerStatus">;
const entry = (more: object = {}) => ({ source: "aws_cloudtrail", quarantined: 0, rejected: 0, balanced: true, ...more }) as unknown as Schema<"LedgerEntry">;

test("all is well only if nothing is stuck, late, quarantined, rejected or off", () => {
  expect(unwell(status(), [entry()])).toBeNull();
  expect(unwell(status({ trouble: "disk full" }), [entry()])).toMatch(/does not get on/);
  expect(unwell(status({ feeds: [{ what: "q", trouble: "no" }] }), [entry()])).toBe("1 feed does not get on");
  expect(unwell(status({ log: { durable: 500, detected: 9 } }), [entry()])).toBe("late: 491 deliveries wait for the rules");
  expect(unwell(status(), [entry({ quarantined: 2 }), entry({ rejected: 1 })])).toBe("2 quarantined, 1 rejected");
  expect(unwell(status(), [entry({ balanced: false })])).toBe("the ledger does not balance");
});
