import { beforeEach, expect, test, vi } from "vitest";
import type { Finding } from "../../api/client";
import { backOf, isAsLeft, ofUser, remember, take, type Act } from "./undo";

const finding = (more: object) => ({ uid: "u", title: "t", status: "new", verdict: null, assignee: null, version: 1, ...more }) as Finding;
const act = (id: number): Act => ({ kind: "suppression", words: `step ${id}`, id });
const kept = new Map<string, string>();
vi.stubGlobal("sessionStorage", { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) });
beforeEach(() => {
  kept.clear();
  ofUser("");
  ofUser("mara");
});

test("the latest is taken back first, and at least twenty are kept", () => {
  for (let id = 0; id < 60; id += 1) remember(act(id));
  const back = Array.from({ length: 20 }, () => take()?.words);
  expect(back).toEqual(Array.from({ length: 20 }, (_, at) => `step ${59 - at}`));
});

test("a step is taken back once, also from the middle", () => {
  const [first, second] = [remember(act(1)), remember(act(2))];
  expect(take(first.at)).toEqual(first);
  expect(take(first.at)).toBeUndefined();
  expect(take()).toEqual(second);
  expect(take()).toBeUndefined();
});

test("a page that is loaded again knows them, and nobody takes back what somebody else did in the same tab", () => {
  remember(act(1));
  ofUser("bo");
  expect(take()).toBeUndefined();
  ofUser("mara");
  expect(take()).toBeUndefined();
  const step = remember(act(2));
  const before = kept.get("skywarden-undo") as string;
  ofUser("");
  kept.set("skywarden-undo", before);
  ofUser("mara");
  expect(take()).toEqual(step);
  kept.set("skywarden-undo", "{nonsense");
  ofUser("eve");
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
