// How many events the filters let through, or of SQL how many rows there are, over time. A brush narrows the range.
import Box from "@cloudscape-design/components/box";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback, useMemo, type ReactNode } from "react";
import { useAnswer, type Row } from "../../api/query";
import { Chart, token } from "../../parts/chart";
import { asDate, utc } from "../../parts/time";
import { visible } from "../../parts/value";
import { counted, span } from "../../parts/words";
import type { Question } from "./run";
import { extentText, filterPart, histogramText } from "./text";
import { kinds } from "./visual";

const BINS: [string, number][] = [
  ["1s", 1], ["5s", 5], ["10s", 10], ["30s", 30], ["1m", 60], ["5m", 300], ["10m", 600], ["30m", 1800],
  ["1h", 3600], ["3h", 10800], ["6h", 21600], ["12h", 43200], ["1d", 86400], ["7d", 604800], ["30d", 2592000],
];
const BARS_MAX = 96;
const BARS_SHOWN_MAX = 2000;

interface Props {
  question: Question;
  onRange: (from: string, to: string) => void;
}

export function Histogram({ question, onRange }: Props) {
  const { text, from, to } = question;
  const part = filterPart(text);
  const extent = useAnswer(from === null || to === null ? { text: extentText(text), from, to } : null);
  const [first, last] = ends(from, to, extent.data?.rows[0]);
  const bin = first === null || last === null ? null : binOf(first, last);
  const counts = useAnswer(bin === null ? null : { text: histogramText(text, bin[0]), from, to });
  const bars = useMemo(() => {
    if (bin === null || first === null || last === null) return [];
    const times = (counts.data?.rows ?? []).map((row): [number, number] => [asDate(String(row.t))?.getTime() ?? Number.NaN, Number(row.n)]);
    return filled(times, bin[1] * 1000, first, last);
  }, [counts.data, bin?.[1], first, last]);

  const error = extent.error ?? counts.error;
  if (error) return <Box color="text-body-secondary">There is no histogram: {error instanceof Error ? error.message : String(error)}</Box>;
  if (extent.data && first === null) return <Box color="text-body-secondary">No event passes the filters, so there is nothing to draw over time.</Box>;
  if (!counts.data || bin === null) return <div className="histogram-wait"><Spinner /> Counting events over time…</div>;
  const total = bars.reduce((sum, [, n]) => sum + n, 0);
  return (
    <Drawn bars={bars} bin_s={bin[1]} noun="Events" onRange={onRange}>
      <b>{counted(total, "event")}</b> {caption(part)}
    </Drawn>
  );
}

/** Rows of an answer over time, by its first column of times: of those that are loaded. */
export function RowsHistogram({ rows, columns, onRange }: { rows: Row[]; columns: string[]; onRange: Props["onRange"] }) {
  // Whether a column holds times is told by the first rows.
  const column = useMemo(() => kinds(columns, rows.slice(0, 50)).times[0], [columns, rows]);
  const times = useMemo(() => (column === undefined ? [] : rows.map((row) => asDate(String(row[column]))?.getTime() ?? Number.NaN).filter((at) => !Number.isNaN(at))), [rows, column]);
  const [first, last] = useMemo(() => times.reduce(([least, most], at) => [Math.min(least, at), Math.max(most, at)], [Infinity, -Infinity]), [times]);
  const bin = times.length === 0 ? null : binOf(first, last);
  const bars = useMemo(() => {
    if (bin === null) return [];
    const size = bin[1] * 1000;
    return filled(times.map((at): [number, number] => [Math.floor(at / size) * size, 1]), size, first, last);
  }, [times, bin?.[1], first, last]);
  if (rows.length === 0) return null;
  if (bin === null || column === undefined) {
    return (
      <Box variant="small" color="text-body-secondary">
        No column of this answer is a time, so it has no histogram. Select <code className="mono">time_dt</code>, or group by <code className="mono">date_trunc('hour', time_dt)</code> and look at the chart.
      </Box>
    );
  }
  return (
    <Drawn bars={bars} bin_s={bin[1]} noun="Rows" onRange={onRange}>
      <b>{counted(times.length, "row")}</b> of the answer, by {visible(column)}
    </Drawn>
  );
}

function Drawn({ bars, bin_s, noun, onRange, children }: { bars: [number, number][]; bin_s: number; noun: string; onRange: Props["onRange"]; children: ReactNode }) {
  const option = useCallback(
    () => ({
      grid: { left: 4, right: 4, top: 8, bottom: 0, containLabel: true },
      xAxis: { type: "category", data: bars.map(([time]) => utc(time).slice(5, 16)), axisTick: { show: false }, axisLine: { lineStyle: { color: token("--line") } }, axisLabel: { color: token("--muted"), hideOverlap: true } },
      yAxis: { type: "value", minInterval: 1, splitNumber: 2, splitLine: { lineStyle: { color: token("--line") } }, axisLabel: { color: token("--muted") } },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
      brush: { xAxisIndex: 0, brushType: "lineX", transformable: false, brushStyle: { color: "rgba(10,106,96,0.18)", borderColor: token("--accent") } },
      series: [{ type: "bar", name: noun, data: bars.map(([, n]) => n), barCategoryGap: "12%", itemStyle: { color: token("--accent"), borderRadius: [2, 2, 0, 0] } }],
    }),
    [bars, noun],
  );
  const table = useMemo(() => ({ heads: ["From (UTC)", noun], rows: bars.map(([time, n]) => [utc(time), n]) }), [bars, noun]);
  const brush = useCallback(
    (a: number, b: number) => {
      const [start, end] = [bars[Math.max(0, a)], bars[Math.min(bars.length - 1, b)]];
      if (start && end) onRange(brief(start[0]), brief(end[0] + bin_s * 1000));
    },
    [bars, bin_s, onRange],
  );
  return (
    <div className="histogram">
      <div className="caption">
        {children}, a bar for every {span(bin_s)}. Drag over bars to narrow the time range.
      </div>
      <Chart label={`${noun} over time`} option={option} table={table} height={130} onBrush={brush} />
    </div>
  );
}

function binOf(first: number, last: number): [string, number] {
  return (BINS.find(([, s]) => (last - first) / 1000 / s <= BARS_MAX) ?? BINS.at(-1)) as [string, number];
}

function caption(part: ReturnType<typeof filterPart>): string {
  const what = part.isFiltered ? "that pass the filters" : "in the time range";
  return part.stopsAt && !["sort", "limit", "display"].includes(part.stopsAt) ? `${what}, before “${part.stopsAt}”` : what;
}

function ends(from: string | null, to: string | null, extent: Row | undefined): [number | null, number | null] {
  const at = (value: unknown) => (typeof value === "string" ? (asDate(value)?.getTime() ?? null) : null);
  const first = from ? at(from) : at(extent?.first);
  const last = to ? at(to) : at(extent?.last);
  if (first === null || last === null) return [null, null];
  return [first, Math.max(last, first)];
}

/** Bins without events are there too. */
function filled(counts: [number, number][], size: number, first: number, last: number): [number, number][] {
  const known = new Map<number, number>();
  for (const [at, n] of counts) known.set(at, (known.get(at) ?? 0) + n);
  const out: [number, number][] = [];
  for (let at = Math.floor(first / size) * size; at <= last && out.length < BARS_SHOWN_MAX; at += size) out.push([at, known.get(at) ?? 0]);
  // A range that ends on a bin's edge has no bar behind it.
  if (out.length > 1 && out.at(-1)?.[0] === last && out.at(-1)?.[1] === 0) out.pop();
  return out;
}

function brief(at: number): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}
