// The rows of an answer in a grid: sorted and widened at their heads.
import { useMemo, useRef, useState, type PointerEvent } from "react";
import type { Row } from "../../api/query";
import { Grid, type Column } from "../../parts/grid";
import { Time } from "../../parts/time";
import { visible } from "../../parts/value";
import { compare, isTime } from "./events";
import { cellText } from "./give";

const SHOWN_MAX = 600;
const WIDTH_MIN = 70;
const LAST_WIDTH = 240;

interface Sort {
  column: string;
  isDown: boolean;
}

interface Props {
  columns: string[];
  rows: Row[];
  at: number;
  onAt: (at: number) => void;
  onOpen: (row: Row) => void;
}

export function Results({ columns, rows, at, onAt, onOpen }: Props) {
  const [sort, setSort] = useState<Sort | null>(null);
  const [widths, setWidths] = useState<Record<string, number>>({});
  const sorted = useMemo(() => {
    if (!sort) return rows;
    const sign = sort.isDown ? -1 : 1;
    const isMissing = (row: Row) => cellText(row[sort.column]) === "";
    return rows.slice().sort((a, b) => (isMissing(a) || isMissing(b) ? compare(a[sort.column], b[sort.column]) : sign * compare(a[sort.column], b[sort.column])));
  }, [rows, sort]);
  // Judged by the first rows, so that columns do not jump while more arrive.
  const usual = useMemo(() => usualWidths(columns, rows.slice(0, 40)), [columns, rows.length > 0]);

  const turn = (column: string) =>
    setSort((before) => (before?.column !== column ? { column, isDown: false } : before.isDown ? null : { column, isDown: true }));
  const heads: Column<Row>[] = columns.map((column, index) => ({
    id: column,
    // The last takes what is left over, so that a long value ends in the picture, with an ellipsis.
    width: widths[column] ?? (index === columns.length - 1 ? Math.min(LAST_WIDTH, usual[column] ?? 140) : (usual[column] ?? 140)),
    grows: index === columns.length - 1 && widths[column] === undefined,
    head: (
      <span className="head" title={column}>
        <button type="button" onClick={() => turn(column)} aria-label={`Sort by ${visible(column)}`}>
          {visible(column)}
          {sort?.column === column ? <span aria-hidden="true">{sort.isDown ? " ▾" : " ▴"}</span> : null}
        </button>
        <Widen width={widths[column] ?? usual[column] ?? 140} onWidth={(width) => setWidths((before) => ({ ...before, [column]: width }))} />
      </span>
    ),
    cell: (row) => <Cell value={row[column]} />,
  }));
  return (
    <>
      {sort ? (
        <div className="muted small" role="status">
          Sorted by {visible(sort.column)}, {sort.isDown ? "largest first" : "smallest first"}, among the {rows.length.toLocaleString("en")} rows that are loaded; <code className="mono">sort</code> in the query sorts all.
        </div>
      ) : null}
      <Grid
        label="Rows of the answer"
        columns={heads}
        rows={sorted}
        rowKey={(_, index) => String(index)}
        height={Math.min(620, Math.max(140, 38 + rows.length * 30))}
        at={at}
        onAt={onAt}
        onOpen={onOpen}
        onClick={onOpen}
      />
    </>
  );
}

function Cell({ value }: { value: unknown }) {
  const text = cellText(value);
  if (text === "") return <span className="muted" aria-label="missing">–</span>;
  if (isTime(text)) return <Time at={text} />;
  const shown = visible(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text);
  // A click anywhere in the row opens it; where values lead stands in the panel.
  return <span className={typeof value === "number" ? "number" : "mono one-line"}>{shown}</span>;
}

function Widen({ width, onWidth }: { width: number; onWidth: (width: number) => void }) {
  const from = useRef<{ x: number; width: number } | null>(null);
  const move = (event: PointerEvent) => {
    if (from.current) onWidth(Math.max(WIDTH_MIN, from.current.width + event.clientX - from.current.x));
  };
  return (
    <span
      className="widen"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { x: event.clientX, width };
      }}
      onPointerMove={move}
      onPointerUp={() => {
        from.current = null;
      }}
    />
  );
}

function usualWidths(columns: string[], rows: Row[]): Record<string, number> {
  const most = columns.length <= 3 ? 560 : 340;
  return Object.fromEntries(
    columns.map((column) => {
      const longest = rows.reduce((length, row) => Math.max(length, cellText(row[column]).length), column.length + 3);
      const isClock = rows.some((row) => isTime(cellText(row[column])));
      return [column, isClock ? 170 : Math.min(most, Math.max(90, longest * 7.4 + 26))];
    }),
  );
}
