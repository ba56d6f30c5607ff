import { expect, test } from "vitest";
import type { Finding } from "../../api/client";
import { grouped, isGroup, keyOf } from "./rows";

const finding = (uid: string, rule: string, severity_id: number, count = 1) => ({ uid, rule, severity_id, count }) as Finding;
const findings = [finding("a", "r1", 5), finding("b", "r2", 4, 3), finding("c", "r1", 2, 7)];

test("without a group each finding is a row", () => {
  expect(grouped(findings, "", new Set(), new Map()).map(keyOf)).toEqual(["a", "b", "c"]);
});

test("groups keep the order, count their events, and open", () => {
  const rows = grouped(findings, "rule", new Set(["r1"]), new Map([["r1", "Logging stopped"]]));
  expect(rows.map(keyOf)).toEqual(["group r1", "a", "c", "group r2"]);
  const first = rows[0];
  expect(first && isGroup(first) && [first.title, first.worst, first.count]).toEqual(["Logging stopped", 5, 8]);
});

test("what the server finds of itself is named in words", () => {
  const [one, other] = grouped([finding("a", "skywarden.silent-source", 4), finding("b", "b43c", 4)], "rule", new Set(), new Map());
  expect([one, other].map((row) => row && isGroup(row) && row.title)).toEqual(["A log source is silent", "b43c"]);
});
