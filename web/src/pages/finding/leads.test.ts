import { expect, test } from "vitest";
import type { Finding } from "../../api/client";
import type { Seen } from "./events";
import { leadsOf, spansOf, stepsOf } from "./leads";

const at = (time: string) => Date.parse(`2026-11-23T${time}Z`);
const event = (ip: string, session: string, time: string) => ({ ip, session, principal: "arn:aws:iam::1:role/Admin", ms: at(time) }) as Seen;
const finding = (uid: string, rule: string, first: string, last: string) =>
  ({ uid, rule, account: "1", severity_id: 3, first_seen: `2026-11-23T${first}Z`, last_seen: `2026-11-23T${last}Z` }) as Finding;
const thief = "arn:aws:sts::1:assumed-role/Admin/thief";
const owner = "arn:aws:sts::1:assumed-role/Admin/owner";
const events = [event("198.51.100.7", thief, "02:00:00"), event("198.51.100.7", thief, "02:20:00"), event("203.0.113.5", owner, "15:00:00")];

test("what two did in one finding are two threads, and an address without events is one too", () => {
  const leads = leadsOf(events, ["203.0.113.5", "192.0.2.1", "198.51.100.7"]);
  expect(leads.map(({ ip, who, events: n }) => [ip, who, n])).toEqual([["198.51.100.7", "Admin/thief", 2], ["203.0.113.5", "Admin/owner", 1], ["192.0.2.1", "", 0]]);
  expect(leadsOf([event("198.51.100.7", thief, "02:00:00"), event("198.51.100.7", owner, "03:00:00")], [])).toHaveLength(2);
});

test("a path takes as long as its own thread, not as long as the finding that mixes two", () => {
  const mixed = finding("a", "r1", "02:00:00", "15:00:00");
  const other = finding("b", "r2", "01:50:00", "16:00:00");
  const spans = spansOf([{ rule_uid: "r2", event_account: "1", first: "2026-11-23 01:50:00.000", last: "2026-11-23 02:30:00.000" }]);
  const steps = stepsOf([mixed, other], mixed, leadsOf(events, [])[0], spans);
  expect(steps.map((step) => step.finding.uid)).toEqual(["b", "a"]);
  expect(Math.max(...steps.map((step) => step.last)) - (steps[0]?.first ?? 0)).toBe(40 * 60_000);
});

test("where nothing is known of the thread, the finding's own times stand", () => {
  const mixed = finding("a", "r1", "02:00:00", "15:00:00");
  const [step] = stepsOf([mixed], mixed, undefined, new Map());
  expect([step?.first, step?.last]).toEqual([at("02:00:00"), at("15:00:00")]);
  const [far] = stepsOf([mixed], finding("z", "r", "00:00:00", "00:00:01"), undefined, spansOf([{ rule_uid: "r1", event_account: "1", first: "2026-11-25 00:00:00", last: "nonsense" }]));
  expect(far?.last).toBe(at("15:00:00"));
});
