import { expect, test } from "vitest";
import type { QueueRow } from "./rows";
import { layTrail, placeOf } from "./trail";

const row = (uid: string) => ({ finding: { uid } }) as QueueRow;

test("a finding leads to those beside it in the queue, and headings of groups are none", () => {
  expect(placeOf("a")).toBeNull();
  layTrail([{ group: "g" } as QueueRow, row("a"), row("b"), { group: "h" } as QueueRow, row("c")]);
  expect(placeOf("a")).toEqual({ number: 1, of: 3, before: undefined, after: "b" });
  expect(placeOf("b")).toEqual({ number: 2, of: 3, before: "a", after: "c" });
  expect(placeOf("c")).toEqual({ number: 3, of: 3, before: "b", after: undefined });
  layTrail([]);
  expect(placeOf("a")).toBeNull();
});
