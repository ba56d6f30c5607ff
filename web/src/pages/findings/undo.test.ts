import { beforeEach, expect, test } from "vitest";
import type { Finding } from "../../api/client";
import { backOf, countSteps, isAsLeft, ofUser, remember, take, type Step } from "./undo";

const finding = (more: object) => ({ uid: "u", status: "new", verdict: null, assignee: null, version: 1, ...more }) as Finding;
const step = (at: number): Step => ({ kind: "suppression", words: `step ${at}`, id: at });
beforeEach(() => {
  ofUser("");
  ofUser("mara");
});

test("the latest is taken back first, and at least twenty are kept", () => {
  for (let at = 0; at < 60; at += 1) remember(step(at));
  expect(countSteps()).toBeGreaterThanOrEqual(20);
  expect([take()?.words, take()?.words]).toEqual(["step 59", "step 58"]);
});

test("a step is taken back once, also from the middle", () => {
  const [first, second] = [step(1), step(2)];
  remember(first);
  remember(second);
  expect(take(first)).toBe(first);
  expect(take(first)).toBeUndefined();
  expect(take()).toBe(second);
  expect(take()).toBeUndefined();
});

test("nobody takes back what somebody else did in the same tab", () => {
  remember(step(1));
  ofUser("bo");
  expect(take()).toBeUndefined();
});

test("only what was decided is set back", () => {
  const was = finding({ status: "suppressed", assignee: "bo" });
  const decision = { status: "resolved", verdict: "benign" } as const;
  expect(backOf({ was, now: was, decision })).toEqual({ status: "new", verdict: null });
  expect(backOf({ was, now: was, decision: { assignee: "mara" } })).toEqual({ assignee: "bo" });
});

test("what somebody else decided since is seen, and new events are no decision", () => {
  const now = finding({ status: "resolved", verdict: "benign", version: 2 });
  const done = { was: finding({}), now, decision: {} };
  expect(isAsLeft(done, finding({ status: "resolved", verdict: "benign", version: 9, count: 70 }))).toBe(true);
  expect(isAsLeft(done, finding({ status: "resolved", verdict: "true_positive", version: 3 }))).toBe(false);
  expect(isAsLeft(done, finding({ status: "resolved", verdict: "benign", assignee: "bo", version: 3 }))).toBe(false);
});
