// When it was active: each hour, and each hour of the week.
import { useCallback, useMemo } from "react";
import { Chart, token } from "../../parts/chart";
import { Panel } from "../../parts/panel";
import { utc } from "../../parts/time";
import { count } from "../../parts/words";
import { DAY_MS, everyHour, HOUR_MS, iso, ms, USUAL_DAYS, type Activity, type Window } from "./time";

interface Props {
  activity: Activity;
  window: Window;
  query: string;
  onWindow: (window: Window) => void;
}

export function Hours({ activity, window, query, onWindow }: Props) {
  const from = ms(window.from);
  const to = ms(window.to);
  const hours = useMemo(() => {
    const begin = Math.max(Math.min(activity.first, from), from - USUAL_DAYS * DAY_MS);
    return everyHour(activity.hours, begin, Math.max(to, Math.min(activity.last, to + 7 * DAY_MS)));
  }, [activity, from, to]);
  const noun = activity.isOfFlows ? "flow records" : "events";
  const bad = activity.isOfFlows ? "rejected" : "errors";
  const option = useCallback(() => {
    const inWindow = (at: number) => at + HOUR_MS > from && at < to;
    const bar = (name: string, color: string, of: (hour: (typeof hours)[number]) => number) => ({
      name, type: "bar", stack: "all", barCategoryGap: "12%", color: token(color),
      data: hours.map((hour) => ({ value: of(hour), itemStyle: { opacity: inWindow(hour.at) ? 1 : 0.3 } })),
    });
    return {
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
      legend: { right: 12, top: 0, itemHeight: 8, itemWidth: 12, textStyle: { color: token("--muted"), fontSize: 11 } },
      brush: { toolbox: [], xAxisIndex: 0, brushStyle: { color: "rgba(128,160,155,0.2)", borderColor: token("--accent") } },
      grid: { left: 8, right: 12, top: 26, bottom: 4, containLabel: true },
      xAxis: {
        type: "category", data: hours.map((hour) => utc(hour.at).slice(5, 16)),
        axisLabel: { color: token("--muted"), fontSize: 11, hideOverlap: true }, axisLine: { lineStyle: { color: token("--strong") } }, axisTick: { show: false },
      },
      yAxis: { type: "value", minInterval: 1, splitNumber: 3, axisLabel: { color: token("--muted"), fontSize: 11 }, splitLine: { lineStyle: { color: token("--line") } } },
      series: [bar(noun, "--accent", (hour) => hour.events - hour.errors), bar(bad, "--high", (hour) => hour.errors)],
    };
  }, [hours, from, to, noun, bad]);
  const table = useMemo(
    () => ({
      heads: ["Hour (UTC)", noun, bad, "share of errors"],
      rows: hours
        .filter((hour) => hour.events > 0)
        .reverse()
        .map((hour) => [utc(hour.at).slice(0, 16), count(hour.events), count(hour.errors), `${Math.round((hour.errors / hour.events) * 100)} %`]),
    }),
    [hours, noun, bad],
  );
  const onBrush = useCallback(
    (first: number, last: number) => {
      const a = hours[Math.max(0, first)];
      const b = hours[Math.min(hours.length - 1, last)];
      if (a && b) onWindow({ from: iso(a.at), to: iso(b.at + HOUR_MS) });
    },
    [hours, onWindow],
  );
  return (
    <Panel id="hours" title="Activity by hour" note="UTC · drag over the bars to look at another time" query={query}>
      <Chart label={`${activity.isOfFlows ? "Flow records" : "Events"} by hour`} option={option} table={table} height={172} onBrush={onBrush} />
    </Panel>
  );
}

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const weekday = (at: number) => (new Date(at).getUTCDay() + 6) % 7;

export function Week({ activity, window, query }: Omit<Props, "onWindow">) {
  const from = ms(window.from);
  const to = ms(window.to);
  const { cells, isOutlined } = useMemo(() => {
    const made = new Map<string, { day: number; hour: number; now: number; before: number }>();
    for (let at = 0; at < 7 * 24; at += 1) made.set(`${Math.floor(at / 24)} ${at % 24}`, { day: Math.floor(at / 24), hour: at % 24, now: 0, before: 0 });
    for (const hour of activity.hours) {
      if (hour.at >= to || hour.at < from - USUAL_DAYS * DAY_MS) continue;
      const key = `${weekday(hour.at)} ${new Date(hour.at).getUTCHours()}`;
      const cell = made.get(key) ?? { day: weekday(hour.at), hour: new Date(hour.at).getUTCHours(), now: 0, before: 0 };
      if (hour.at + HOUR_MS > from) cell.now += hour.events;
      else cell.before += hour.events;
      made.set(key, cell);
    }
    return { cells: [...made.values()].sort((a, b) => a.day - b.day || a.hour - b.hour), isOutlined: activity.first <= from - 7 * DAY_MS };
  }, [activity, from, to]);
  const option = useCallback(() => {
    const most = Math.max(1, ...cells.map((cell) => cell.now + cell.before));
    return {
      tooltip: {
        formatter: (part: { dataIndex: number }) => {
          const cell = cells[part.dataIndex];
          return cell ? `${DAYS[cell.day]} ${cell.hour}:00\nin this time ${count(cell.now)}, before it ${count(cell.before)}` : "";
        },
      },
      grid: { left: 4, right: 8, top: 4, bottom: 4, containLabel: true },
      xAxis: { type: "category", data: Array.from({ length: 24 }, (_, hour) => String(hour)), axisLabel: { color: token("--muted"), fontSize: 10, interval: 2 }, axisLine: { show: false }, axisTick: { show: false } },
      yAxis: { type: "category", inverse: true, data: DAYS.map((day) => day.slice(0, 2)), axisLabel: { color: token("--muted"), fontSize: 11 }, axisLine: { show: false }, axisTick: { show: false } },
      visualMap: { show: false, min: 0, max: Math.sqrt(most), dimension: 2, inRange: { color: [token("--raised"), token("--accent")] } },
      series: [
        {
          type: "heatmap",
          data: cells.map((cell) => ({
            value: [cell.hour, cell.day, Math.sqrt(cell.now + cell.before)],
            itemStyle: isOutlined && cell.now > 0 && cell.before === 0 ? { borderColor: token("--high"), borderWidth: 2 } : { borderColor: token("--surface"), borderWidth: 2 },
          })),
        },
      ],
    };
  }, [cells, isOutlined]);
  const table = useMemo(
    () => ({ heads: ["Weekday", "Hour (UTC)", "In this time", "Before it"], rows: cells.filter((cell) => cell.now + cell.before > 0).map((cell) => [DAYS[cell.day] ?? "", `${cell.hour}:00`, count(cell.now), count(cell.before)]) }),
    [cells],
  );
  return (
    <Panel
      id="week"
      title="Hours of the week"
      note={isOutlined ? "UTC · outlined: never at this hour in the 30 days before" : "UTC"}
      query={query}
    >
      <Chart label="Events by weekday and hour" option={option} table={table} height={172} />
    </Panel>
  );
}
