// A table of numbers as a picture: lines over time, bars over groups.
import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { useCallback, useMemo, useState } from "react";
import type { Row } from "../../api/query";
import { Chart, token } from "../../parts/chart";
import { Empty } from "../../parts/states";
import { asDate, utc } from "../../parts/time";
import { visible } from "../../parts/value";
import { isTime } from "./events";
import { cellText } from "./give";

const SERIES_MAX = 8;
const BARS_MAX = 30;
const TIMES_MAX = 2000;
const COLOURS = ["--accent", "--high", "--low", "--medium", "--critical", "--clear", "--info", "--muted"];
const OTHERS = "all others";

/** Which columns are times, numbers and names, judged by all rows that have them. */
export function kinds(columns: string[], rows: Row[]): { times: string[]; numbers: string[]; names: string[] } {
  const out = { times: [] as string[], numbers: [] as string[], names: [] as string[] };
  for (const column of columns) {
    const values = rows.map((row) => cellText(row[column])).filter((text) => text !== "");
    if (values.length === 0) continue;
    if (values.every(isTime)) out.times.push(column);
    else if (values.every((text) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) && !/^\d{12}$/.test(text))) out.numbers.push(column);
    else out.names.push(column);
  }
  return out;
}

export function Visual({ columns, rows, onRow }: { columns: string[]; rows: Row[]; onRow: (row: Row) => void }) {
  const found = useMemo(() => kinds(columns, rows), [columns, rows]);
  // Of numbers, those at the end are counts; those before are what is counted by.
  const [wanted, setWanted] = useState<string | null>(null);
  const measure = wanted !== null && found.numbers.includes(wanted) ? wanted : found.numbers.at(-1);
  const keys = [...found.names, ...found.numbers.filter((column) => column !== measure && columns.indexOf(column) < columns.indexOf(measure ?? ""))];
  if (measure === undefined || (found.times.length === 0 && keys.length === 0)) {
    return (
      <Empty title="No picture of this">
        A picture needs numbers by group or over time: for example <code className="mono">stats count(*) as n by bin(1h)</code>, or <code className="mono">stats count(*) as n by eventName</code>.
      </Empty>
    );
  }
  return (
    <div>
      {found.numbers.length > 1 ? (
        <FormField label="Number">
          <Select
            selectedOption={{ value: measure, label: visible(measure) }}
            options={found.numbers.map((value) => ({ value, label: visible(value) }))}
            onChange={({ detail }) => setWanted(detail.selectedOption.value ?? null)}
          />
        </FormField>
      ) : null}
      {found.times[0] !== undefined ? <Lines rows={rows} time={found.times[0]} keys={keys} measure={measure} /> : <Bars rows={rows} keys={keys} measure={measure} onRow={onRow} />}
    </div>
  );
}

function groupName(row: Row, keys: string[]): string {
  return keys.map((key) => visible(cellText(row[key])) || "(missing)").join(" · ");
}

function Lines({ rows, time, keys, measure }: { rows: Row[]; time: string; keys: string[]; measure: string }) {
  const made = useMemo(() => {
    const sums = new Map<string, number>();
    for (const row of rows) sums.set(groupName(row, keys), (sums.get(groupName(row, keys)) ?? 0) + Number(row[measure] ?? 0));
    const names = [...sums].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    const top = new Set(names.slice(0, SERIES_MAX - (names.length > SERIES_MAX ? 1 : 0)));
    const times = evenly([...new Set(rows.map((row) => asDate(cellText(row[time]))?.getTime()).filter((at) => at !== undefined))].sort((a, b) => a - b));
    const place = new Map(times.map((at, index) => [at, index]));
    const series = new Map<string, (number | null)[]>();
    for (const row of rows) {
      const name = top.has(groupName(row, keys)) ? groupName(row, keys) : OTHERS;
      const values = series.get(name) ?? times.map(() => null);
      series.set(name, values);
      const at = place.get(asDate(cellText(row[time]))?.getTime() ?? Number.NaN);
      if (at !== undefined && row[measure] !== undefined) values[at] = (values[at] ?? 0) + Number(row[measure]);
    }
    return { times, series: [...series], hidden: Math.max(0, names.length - top.size) };
  }, [rows, time, keys.join("\u0000"), measure]);
  const isNamed = keys.length > 0;
  const option = useCallback(
    () => ({
      grid: { left: 8, right: 12, top: isNamed ? 40 : 12, bottom: 4, containLabel: true },
      legend: isNamed ? { type: "plain", top: 0, left: 0, icon: "roundRect", textStyle: { color: token("--ink"), width: 220, overflow: "truncate" } } : undefined,
      xAxis: { type: "category", data: made.times.map((at) => utc(at).slice(5, 16)), axisLabel: { color: token("--muted"), hideOverlap: true }, axisLine: { lineStyle: { color: token("--line") } } },
      yAxis: { type: "value", splitLine: { lineStyle: { color: token("--line") } }, axisLabel: { color: token("--muted") } },
      tooltip: { trigger: "axis" },
      series: made.series.map(([name, values], index) => ({
        type: "line", name: isNamed ? name : visible(measure), data: values, connectNulls: false, showSymbol: made.times.length < 40, symbolSize: 5,
        lineStyle: { width: 2 }, itemStyle: { color: token(COLOURS[index % COLOURS.length] as string) },
      })),
    }),
    [made, isNamed, measure],
  );
  const table = useMemo(
    () => ({ heads: ["Time (UTC)", ...made.series.map(([name]) => (isNamed ? name : measure))], rows: made.times.map((at, index) => [utc(at), ...made.series.map(([, values]) => values[index] ?? "")]) }),
    [made, isNamed, measure],
  );
  return (
    <>
      <Chart label={`${measure} over time`} option={option} table={table} height={340} />
      {made.hidden > 0 ? <Box variant="small" color="text-body-secondary">The {SERIES_MAX - 1} largest groups have lines of their own; {made.hidden} more are summed up as “{OTHERS}”, which is right for counts and sums only.</Box> : null}
    </>
  );
}

/** Bins that no row is of stand in the picture too, as gaps. */
function evenly(times: number[]): number[] {
  const first = times[0];
  const last = times.at(-1);
  if (first === undefined || last === undefined || times.length < 3) return times;
  const step = times.slice(1).reduce((least, at, index) => Math.min(least, at - (times[index] as number)), Number.POSITIVE_INFINITY);
  const n = (last - first) / step + 1;
  if (n > TIMES_MAX || times.some((at) => (at - first) % step !== 0)) return times;
  return Array.from({ length: n }, (_, index) => first + index * step);
}

function Bars({ rows, keys, measure, onRow }: { rows: Row[]; keys: string[]; measure: string; onRow: (row: Row) => void }) {
  const bars = useMemo(() => rows.slice().sort((a, b) => Number(b[measure] ?? 0) - Number(a[measure] ?? 0)).slice(0, BARS_MAX), [rows, measure]);
  const option = useCallback(
    () => ({
      grid: { left: 8, right: 48, top: 8, bottom: 4, containLabel: true },
      yAxis: { type: "category", inverse: true, data: bars.map((row) => groupName(row, keys)), axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: token("--ink"), width: 260, overflow: "truncate" } },
      xAxis: { type: "value", splitLine: { lineStyle: { color: token("--line") } }, axisLabel: { color: token("--muted"), hideOverlap: true } },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
      series: [{ type: "bar", name: visible(measure), data: bars.map((row) => Number(row[measure] ?? 0)), barMaxWidth: 18, itemStyle: { color: token("--accent"), borderRadius: [0, 3, 3, 0] }, label: { show: true, position: "right", color: token("--ink") } }],
    }),
    [bars, keys.join("\u0000"), measure],
  );
  const table = useMemo(() => ({ heads: [keys.join(" · "), measure], rows: bars.map((row) => [groupName(row, keys), cellText(row[measure])]) }), [bars, keys.join("\u0000"), measure]);
  return (
    <>
      <Chart label={`${measure} by ${keys.join(", ")}`} option={option} table={table} height={Math.max(120, bars.length * 26 + 40)} onClick={(part) => bars[part.dataIndex] && onRow(bars[part.dataIndex] as Row)} />
      <Box variant="small" color="text-body-secondary">
        {rows.length > BARS_MAX ? `The ${BARS_MAX} largest of ${rows.length} rows. ` : ""}A click on a bar shows its row and the events behind it.
      </Box>
    </>
  );
}
