// The newest events of a long time come first from its last hour and day: to find the newest of all, the server would read all of it.
import type { QueryJob } from "../../api/client";
import { asDate } from "../../parts/time";
import { isNewestFirst, type Lang } from "./text";

const HOUR_MS = 3_600_000;
/** How long slices are; what lies before them is the last. Few, since each costs a call where nothing is found. */
const HOURS = [1, 24];

export interface Slice {
  from: string | null;
  to: string | null;
}

/** Slices of the time of a question, the newest first; one, the whole, where its rows are not just the newest events. */
export function slicesOf({ text, lang, from, to }: { text: string; lang: Lang } & Slice, now: number): Slice[] {
  if (lang !== "ql" || !isNewestFirst(text)) return [{ from, to }];
  const begin = from === null ? Number.NEGATIVE_INFINITY : (asDate(from)?.getTime() ?? Number.NaN);
  let end = to === null ? now : (asDate(to)?.getTime() ?? Number.NaN);
  if (Number.isNaN(begin) || Number.isNaN(end)) return [{ from, to }];
  const slices: Slice[] = [];
  let until = to;
  for (const hours of HOURS) {
    end -= hours * HOUR_MS;
    if (end <= begin) break;
    const at = new Date(end).toISOString();
    slices.push({ from: at, to: until });
    until = at;
  }
  return [...slices, { from, to: until }];
}

/** Jobs after another as one: what they read is added up. */
export function together(before: QueryJob | null, job: QueryJob): QueryJob {
  if (before === null) return job;
  const warnings = [...before.warnings, ...job.warnings.filter((one) => !before.warnings.some((known) => known.detail === one.detail))];
  const columns = job.columns.length >= before.columns.length ? job.columns : before.columns;
  const [a, b] = [before.statistics, job.statistics];
  const statistics = !a || !b ? (b ?? a) : {
    bytes_read: a.bytes_read + b.bytes_read,
    files_read: a.files_read + b.files_read,
    rows_matched: a.rows_matched + b.rows_matched,
    rows_scanned: a.rows_scanned + b.rows_scanned,
    // Each counts as skipped what the others read.
    bytes_skipped: Math.max(0, a.bytes_skipped - b.bytes_read),
    files_skipped: Math.max(0, a.files_skipped - b.files_read),
  };
  return { ...job, columns, warnings, took_ms: before.took_ms + job.took_ms, rows: before.rows + job.rows, statistics };
}
