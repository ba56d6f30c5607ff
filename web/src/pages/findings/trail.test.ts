import { expect, test } from "vitest";
import type { QueueRow } from "./rows";
import { layTrail, placeOf } from "./trail";

const row = (uid: string) => ({ finding: { uid } }) as QueueRow;

test("a finding leads to those beside it in the queue, and headings of groups are none", () => {
  expect(placeOf("a")).toBeNull();
  layTrail([{ group: "g" } as QueueRow, row("a"), row("b"), { group: "h" } as QueueRow, row("c")], "severity_min=4");
  expect(placeOf("a")).toEqual({ queue: "/findings?severity_min=4", number: 1, of: 3, before: undefined, after: "b" });
  expect(placeOf("b")).toEqual({ queue: "/findings?severity_min=4", number: 2, of: 3, before: "a", after: "c" });
  expect(placeOf("c")).toEqual({ queue: "/findings?severity_min=4", number: 3, of: 3, before: "b", after: undefined });
  layTrail([row("a")], "");
  expect(placeOf("a")?.queue).toBe("/findings");
  layTrail([], "");
  expect(placeOf("a")).toBeNull();
});
