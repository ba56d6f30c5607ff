import { expect, it } from "vitest";
import type { QueryJob } from "../../api/client";
import { slicesOf, together } from "./slices";
import { isNewestFirst, limitOf } from "./text";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const slices = (text: string, from: string | null, to: string | null, lang: "ql" | "sql" = "ql") => slicesOf({ text, lang, from, to }, NOW);

it("asks the last hour and day first, and all of the time once", () => {
  expect(slices("filter a = 1", null, null)).toEqual([
    { from: "2026-11-24T11:00:00.000Z", to: null },
    { from: "2026-11-23T11:00:00.000Z", to: "2026-11-24T11:00:00.000Z" },
    { from: null, to: "2026-11-23T11:00:00.000Z" },
  ]);
  expect(slices("filter a = 1", "2026-11-01T00:00:00Z", "2026-11-01T06:00:00Z")).toEqual([
    { from: "2026-11-01T05:00:00.000Z", to: "2026-11-01T06:00:00Z" },
    { from: "2026-11-01T00:00:00Z", to: "2026-11-01T05:00:00.000Z" },
  ]);
  expect(slices("filter a = 1", "2026-11-05T23:30:00Z", "2026-11-06T00:00:00Z")).toHaveLength(1);
});

it("leaves whole what is not just the newest events", () => {
  for (const text of ["stats count(*) by a", "filter a = 1 | sort b desc", "filter a = 1 | limit 5 | filter b = 2", "dedup a", "pattern @message", "filter a = 1 | limit x"]) expect(slices(text, null, null)).toHaveLength(1);
  expect(slices("SELECT 1", null, null, "sql")).toHaveLength(1);
  expect(slices("filter a = 1", "nonsense", null)).toHaveLength(1);
});

it("reads the limit at the end", () => {
  expect([limitOf("fields a | limit 50"), limitOf("fields a | limit 50 # few"), limitOf("limit 5 | fields a"), limitOf("fields 'limit 5'")]).toEqual([50, 50, null, null]);
  expect([isNewestFirst(""), isNewestFirst("fields @timestamp, @message | limit 50"), isNewestFirst("sort a")]).toEqual([true, true, false]);
});

it("adds up what jobs read", () => {
  const job = (read: number, skipped: number, more: Partial<QueryJob> = {}) =>
    ({ id: "1", text: "", lang: "ql", state: "done", columns: ["a"], rows: 1, partial: false, warnings: [{ detail: "odd" }], took_ms: 5, statistics: { bytes_read: read, bytes_skipped: skipped, files_read: 1, files_skipped: 3, rows_matched: 1, rows_scanned: 10 }, ...more }) as QueryJob;
  expect(together(null, job(10, 90))).toEqual(job(10, 90));
  expect(together(job(10, 90), job(30, 70, { partial: true, columns: [] }))).toMatchObject({
    partial: true, columns: ["a"], rows: 2, took_ms: 10, warnings: [{ detail: "odd" }],
    statistics: { bytes_read: 40, bytes_skipped: 60, files_read: 2, files_skipped: 2, rows_matched: 2, rows_scanned: 20 },
  });
});
