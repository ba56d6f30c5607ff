// The world with marks on it, drawn as SVG; loaded when a page needs it. Borders: Natural Earth, by world-atlas.
import { geoEqualEarth, geoPath } from "d3-geo";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { useMemo } from "react";
import { Link } from "wouter";
import atlas from "world-atlas/countries-110m.json";
import { visible } from "./value";
import { useWidth } from "./width";
import "./world.css";

export interface Mark {
  key: string;
  label: string;
  /** All that is said of it on hover. */
  title: string;
  latitude: number;
  longitude: number;
  weight: number;
  /** Not seen before: it stands out. */
  isNew: boolean;
  /** Known by its country only. */
  isApproximate: boolean;
  to: string;
}
export interface Line {
  from: Mark;
  to: Mark;
}

interface Props {
  label: string;
  marks: Mark[];
  lines: Line[];
}

// Nobody logs in from there, and it would take a fifth of the height.
const ANTARCTICA = "010";
const RATIO = 0.46;
const HEIGHT_MAX = 400;
const LABELS_MAX = 8;
const LABEL_CHARS = 26;
const CHAR_PX = 6.2;
const LABEL_PX = 14;

const topology = atlas as unknown as Topology<{ countries: GeometryCollection }>;
const countries: GeometryCollection = { ...topology.objects.countries, geometries: topology.objects.countries.geometries.filter((country) => country.id !== ANTARCTICA) };
const land = feature(topology, countries);
const borders = mesh(topology, countries, (a, b) => a !== b);

export default function World({ label, marks, lines }: Props) {
  const [box, width] = useWidth();
  return (
    <div ref={box} className="world">
      {width > 0 ? <Drawn label={label} marks={marks} lines={lines} width={width} /> : null}
    </div>
  );
}

function Drawn({ label, marks, lines, width }: Props & { width: number }) {
  const height = Math.min(HEIGHT_MAX, Math.round(width * RATIO));
  const { project, path, landPath, borderPath } = useMemo(() => {
    const projection = geoEqualEarth().fitSize([width, height], land);
    const path = geoPath(projection);
    return { project: projection, path, landPath: path(land) ?? "", borderPath: path(borders) ?? "" };
  }, [width, height]);
  const placed = useMemo(() => placeMarks(marks, (at) => project(at), width), [marks, project, width]);
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={`${label}. The table has the same.`}>
      <path d={landPath} className="land" />
      <path d={borderPath} className="border" />
      {lines.map(({ from, to }) => (
        <path
          key={`${from.key} ${to.key}`}
          className="way"
          d={path({ type: "LineString", coordinates: [[from.longitude, from.latitude], [to.longitude, to.latitude]] }) ?? ""}
        />
      ))}
      {placed.map(({ mark, x, y, r, text }) => (
        <Link key={mark.key} href={mark.to} className={`mark${mark.isNew ? " new" : ""}${mark.isApproximate ? " approximate" : ""}`} aria-label={visible(mark.title)}>
          <title>{visible(mark.title)}</title>
          {mark.isNew ? <circle cx={x} cy={y} r={r + 4} className="halo" /> : null}
          <circle cx={x} cy={y} r={r} />
          {text ? (
            <text x={text.isLeft ? x - r - 6 : x + r + 6} y={y + 4} textAnchor={text.isLeft ? "end" : "start"}>
              {text.words}
            </text>
          ) : null}
        </Link>
      ))}
    </svg>
  );
}

export interface PlacedMark {
  mark: Mark;
  x: number;
  y: number;
  r: number;
  text: { words: string; isLeft: boolean } | null;
}

/** Where marks stand, the heaviest first below the others; names of the heaviest and the new, where there is room. */
export function placeMarks(marks: Mark[], project: (at: [number, number]) => [number, number] | null, width: number): PlacedMark[] {
  const most = Math.max(1, ...marks.map((mark) => mark.weight));
  const taken: [number, number, number, number][] = [];
  const isFree = (x1: number, y1: number, x2: number, y2: number) => x1 >= 0 && x2 <= width && taken.every(([a1, b1, a2, b2]) => x2 < a1 || x1 > a2 || y2 < b1 || y1 > b2);
  const placed = [...marks]
    .sort((a, b) => b.weight - a.weight)
    .flatMap((mark): PlacedMark[] => {
      const at = project([mark.longitude, mark.latitude]);
      return at ? [{ mark, x: at[0], y: at[1], r: 4 + 8 * Math.sqrt(mark.weight / most), text: null }] : [];
    });
  for (const { x, y, r } of placed) taken.push([x - r, y - r, x + r, y + r]);
  let labels = 0;
  for (const one of [...placed].sort((a, b) => Number(b.mark.isNew) - Number(a.mark.isNew))) {
    if (labels >= LABELS_MAX) break;
    const whole = visible(one.mark.label);
    const words = whole.length > LABEL_CHARS ? `${whole.slice(0, LABEL_CHARS - 1)}…` : whole;
    const long = words.length * CHAR_PX;
    const [y1, y2] = [one.y - LABEL_PX / 2, one.y + LABEL_PX / 2];
    const spots = [false, true].map((isLeft) => ({ isLeft, x1: isLeft ? one.x - one.r - 6 - long : one.x + one.r + 4, x2: isLeft ? one.x - one.r - 4 : one.x + one.r + 6 + long }));
    const spot = spots.find(({ x1, x2 }) => isFree(x1, y1, x2, y2));
    if (!spot) continue;
    one.text = { words, isLeft: spot.isLeft };
    taken.push([spot.x1, y1, spot.x2, y2]);
    labels += 1;
  }
  return placed;
}
