// How many events the filters let through, over time. A brush narrows the range.
import Box from "@cloudscape-design/components/box";
import Spinner from "@cloudscape-design/components/spinner";
import { useCallback, useMemo } from "react";
import { useAnswer, type Row } from "../../api/query";
import { Chart, token } from "../../parts/chart";
import { asDate, utc } from "../../parts/time";
import { counted, span } from "../../parts/words";
import type { Question } from "./run";
import { extentText, filterPart, histogramText } from "./text";

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
  const bin = first === null || last === null ? null : (BINS.find(([, s]) => (last - first) / 1000 / s <= BARS_MAX) ?? BINS.at(-1)) as [string, number];
  const counts = useAnswer(bin === null ? null : { text: histogramText(text, bin[0]), from, to });
  const bars = useMemo(() => (bin === null || first === null || last === null ? [] : filled(counts.data?.rows ?? [], bin[1] * 1000, first, last)), [counts.data, bin?.[1], first, last]);

  const option = useCallback(
    () => ({
      grid: { left: 4, right: 4, top: 8, bottom: 0, containLabel: true },
      xAxis: { type: "category", data: bars.map(([time]) => utc(time).slice(5, 16)), axisTick: { show: false }, axisLine: { lineStyle: { color: token("--line") } }, axisLabel: { color: token("--muted"), hideOverlap: true } },
      yAxis: { type: "value", minInterval: 1, splitNumber: 2, splitLine: { lineStyle: { color: token("--line") } }, axisLabel: { color: token("--muted") } },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
      brush: { xAxisIndex: 0, brushType: "lineX", transformable: false, brushStyle: { color: "rgba(10,106,96,0.18)", borderColor: token("--accent") } },
      series: [{ type: "bar", name: "Events", data: bars.map(([, n]) => n), barCategoryGap: "12%", itemStyle: { color: token("--accent"), borderRadius: [2, 2, 0, 0] } }],
    }),
    [bars],
  );
  const table = useMemo(() => ({ heads: ["From (UTC)", "Events"], rows: bars.map(([time, n]) => [utc(time), n]) }), [bars]);
  const brush = useCallback(
    (a: number, b: number) => {
      const [start, end] = [bars[Math.max(0, a)], bars[Math.min(bars.length - 1, b)]];
      if (start && end && bin) onRange(brief(start[0]), brief(end[0] + bin[1] * 1000));
    },
    [bars, bin?.[1], onRange],
  );

  const error = extent.error ?? counts.error;
  if (error) return <Box color="text-body-secondary">There is no histogram: {error instanceof Error ? error.message : String(error)}</Box>;
  if (extent.data && first === null) return <Box color="text-body-secondary">No event passes the filters, so there is nothing to draw over time.</Box>;
  if (!counts.data || bin === null) return <div className="histogram-wait"><Spinner /> Counting events over time…</div>;
  const total = bars.reduce((sum, [, n]) => sum + n, 0);
  return (
    <div className="histogram">
      <div className="caption">
        <b>{counted(total, "event")}</b> {caption(part)}, a bar for every {span(bin[1])}. Drag over bars to narrow the time range.
      </div>
      <Chart label="Events over time" option={option} table={table} height={130} onBrush={brush} />
    </div>
  );
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
function filled(rows: Row[], size: number, first: number, last: number): [number, number][] {
  const known = new Map<number, number>();
  for (const row of rows) {
    const at = asDate(String(row.t))?.getTime();
    if (at !== undefined) known.set(at, (known.get(at) ?? 0) + Number(row.n));
  }
  const out: [number, number][] = [];
  for (let at = Math.floor(first / size) * size; at <= last && out.length < BARS_SHOWN_MAX; at += size) out.push([at, known.get(at) ?? 0]);
  // A range that ends on a bin's edge has no bar behind it.
  if (out.length > 1 && out.at(-1)?.[0] === last && out.at(-1)?.[1] === 0) out.pop();
  return out;
}

function brief(at: number): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}
