// Swim lanes: when something happened, a lane for each who did it.
import { useMemo } from "react";
import { utc } from "../../parts/time";
import { visible } from "../../parts/value";
import { useWidth } from "../../parts/width";

export interface Mark {
  id: string;
  ms: number;
  /** Where it ends, if it lasts. */
  end?: number;
  lane: string;
  title: string;
  /** A colour of the palette: `--high`. */
  tone: string;
  shape: "dot" | "ring" | "cross" | "square" | "triangle" | "diamond";
}

const LANES_MAX = 14;
const LANE_PX = 32;
const AXIS_PX = 26;
const TOP_PX = 8;
const SIZE = 6;
const middle = (lane: number) => TOP_PX + lane * LANE_PX + LANE_PX / 2;
const STEPS_S = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 2592000];

/** The middle goes, the ends stay. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor(most * 0.4);
  return `${text.slice(0, most - tail - 1)}…${text.slice(-tail)}`;
}

function shapePath(shape: Mark["shape"], r: number): string {
  if (shape === "square") return `M${-r} ${-r}H${r}V${r}H${-r}Z`;
  if (shape === "triangle") return `M0 ${-r * 1.2}L${r * 1.15} ${r}H${-r * 1.15}Z`;
  if (shape === "diamond") return `M0 ${-r * 1.3}L${r * 1.3} 0L0 ${r * 1.3}L${-r * 1.3} 0Z`;
  if (shape === "cross") return `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}`;
  return `M${-r} 0A${r} ${r} 0 1 0 ${r} 0A${r} ${r} 0 1 0 ${-r} 0Z`;
}

/** Half of what the words at an end take. */
const END_PX = 130;

/** When the first and the last mark are: the day of the last is said if it is another one. */
export function endWords(from: number, to: number): string[] {
  const [first, last] = [utc(from), utc(to)];
  if (first === last) return [first];
  return [first, first.slice(0, 10) === last.slice(0, 10) ? last.slice(11) : last];
}

export function Lanes({ label, marks, chosen, onChoose }: { label: string; marks: Mark[]; chosen?: string; onChoose: (id: string) => void }) {
  const [box, width] = useWidth();
  const { lanes, hidden } = useMemo(() => {
    const first = new Map<string, number>();
    for (const mark of marks) first.set(mark.lane, Math.min(first.get(mark.lane) ?? Infinity, mark.ms));
    const all = [...first].sort((a, b) => a[1] - b[1]).map(([lane]) => lane);
    return { lanes: all.slice(0, LANES_MAX), hidden: all.length - LANES_MAX };
  }, [marks]);
  const left = width < 560 ? 96 : 210;
  const right = 18;
  const from = Math.min(...marks.map((mark) => mark.ms));
  // What lasts may last much longer than all else took; its bar goes to the edge then.
  const to = Math.max(...marks.map((mark) => mark.ms));
  const pad = Math.max(1000, (to - from) * 0.03);
  const [t0, t1] = [from - pad, to + pad];
  const room = Math.max(50, width - left - right);
  const x = (ms: number) => left + ((ms - t0) / (t1 - t0)) * room;
  const height = TOP_PX + lanes.length * LANE_PX + AXIS_PX;
  const ticks = useMemo(() => {
    const wanted = (t1 - t0) / 1000 / Math.max(2, room / 110);
    const step = (STEPS_S.find((one) => one >= wanted) ?? STEPS_S.at(-1) ?? 86400) * 1000;
    const all: number[] = [];
    for (let at = Math.ceil(t0 / step) * step; at <= t1; at += step) all.push(at);
    return { all, isDay: step >= 86_400_000, isSecond: step < 60_000 };
  }, [t0, t1, room]);
  const ends = endWords(from, to);
  // Where an end says its time, no tick does.
  const isFree = (at: number) => x(at) > x(from) + END_PX && (ends.length < 2 || x(at) < x(to) - END_PX) && x(at) < width - right - 16;

  // Marks that would lie on each other become one with a number.
  const drawn = useMemo(() => {
    const places = new Map<string, Mark[]>();
    for (const mark of marks) {
      const key = `${mark.lane}\n${Math.round(((mark.ms - t0) / (t1 - t0)) * room / (SIZE * 1.7))}`;
      const there = places.get(key);
      if (there) there.push(mark);
      else places.set(key, [mark]);
    }
    return [...places.values()];
  }, [marks, t0, t1, room]);

  return (
    <div ref={box} className="lanes" style={{ minHeight: height }}>
      {width === 0 ? null : (
        <svg width={width} height={height} role="img" aria-label={`${label}. The list beneath has the same.`}>
          {ticks.all.map((at) => (
            <g key={at}>
              <line x1={x(at)} x2={x(at)} y1={0} y2={height - AXIS_PX} className="tick" />
              {isFree(at) ? (
                <text x={x(at)} y={height - 8} textAnchor="middle" className="axis">
                  {ticks.isDay ? utc(at).slice(5, 10) : ticks.isSecond ? utc(at).slice(11, 19) : utc(at).slice(11, 16)}
                </text>
              ) : null}
            </g>
          ))}
          {ends.map((words, at) => (
            <text key={words} x={at === 0 ? left : width - right} y={height - 8} textAnchor={at === 0 ? "start" : "end"} className="axis end">
              {words}
            </text>
          ))}
          {lanes.map((lane, at) => (
            <g key={lane}>
              <line x1={left} x2={width - right} y1={middle(at)} y2={middle(at)} className="lane" />
              <text x={left - 10} y={middle(at) + 4} textAnchor="end" className="name">
                <title>{visible(lane)}</title>
                {cut(visible(lane), left < 100 ? 12 : 29)}
              </text>
            </g>
          ))}
          {drawn.map((group) => {
            const mark = group.find((one) => one.id === chosen) ?? (group[0] as Mark);
            const lane = lanes.indexOf(mark.lane);
            if (lane < 0) return null;
            const y = middle(lane);
            const last = Math.min(t1, Math.max(...group.map((one) => one.end ?? one.ms)));
            const isOpen = mark.shape === "ring" || mark.shape === "cross";
            return (
              <g key={group[0]?.id} className="mark" data-chosen={group.some((one) => one.id === chosen)} style={{ color: `var(${mark.tone})` }} onClick={() => onChoose(mark.id)}>
                <title>{group.slice(0, 8).map((one) => `${utc(one.ms).slice(11)} ${visible(one.title.slice(0, 200))}`).join("\n")}</title>
                {x(last) - x(mark.ms) > SIZE ? <line x1={x(mark.ms)} x2={x(last)} y1={y} y2={y} className="lasts" /> : null}
                <g transform={`translate(${x(mark.ms)} ${y})`}>
                  <circle r={13} fill="transparent" />
                  <path d={shapePath(mark.shape, SIZE)} className={isOpen ? "open" : "full"} />
                  {group.length > 1 ? <text x={9} y={-6} className="number">{group.length}</text> : null}
                </g>
              </g>
            );
          })}
        </svg>
      )}
      {hidden > 0 ? <p className="muted">{hidden} more lanes are not drawn; the list has them.</p> : null}
    </div>
  );
}
