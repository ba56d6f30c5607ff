// A grid for many rows: only those in view are in the page. Where columns have no room beside each other, they stand beneath each other.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef, type KeyboardEvent, type ReactNode } from "react";
import { useWidth } from "./width";

export interface Column<T> {
  id: string;
  head: ReactNode;
  /** What stands before the cell where columns are beneath each other, if the head is no text. */
  name?: string;
  /** In pixels. */
  width: number;
  /** Takes what is left over. */
  grows?: boolean;
  cell: (row: T, at: number) => ReactNode;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T, at: number) => string;
  height: number | string;
  rowHeight?: number;
  /** The row with the cursor. */
  at?: number;
  onAt?: (at: number) => void;
  /** Enter, or a double click. */
  onOpen?: (row: T, at: number) => void;
  onClick?: (row: T, at: number) => void;
}

/** Narrower than this is a phone, which has room for one column. */
const STACKED_PX = 600;
const STACKED_MAX_PX = 620;
const HEAD_PX = 34;
const LINE_PX = 26;

export function Grid<T>({ label, columns, rows, rowKey, height, rowHeight = 30, at = -1, onAt, onOpen, onClick }: Props<T>) {
  const [box, width] = useWidth();
  const least = columns.reduce((sum, column) => sum + column.width, 0);
  const isStacked = width > 0 && width < STACKED_PX && least > width;
  const keyOf = useRef(rowKey);
  keyOf.current = rowKey;
  const keyAt = useCallback((index: number) => keyOf.current(rows[index] as T, index), [rows]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => (isStacked ? 16 + columns.length * LINE_PX : rowHeight),
    overscan: 12,
    // Rows keep their height when others come before them.
    getItemKey: keyAt,
  });
  useEffect(() => {
    virtual.measure();
    // That forgets what the rows that are shown measured, and they do not change by it.
    if (isStacked) box.current?.querySelectorAll<HTMLDivElement>("[data-index]").forEach(virtual.measureElement);
  }, [rowHeight, isStacked, virtual, box]);
  useEffect(() => {
    if (at >= 0 && at < rows.length) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, rows.length, virtual]);

  const tracks = columns.map((column) => (column.grows ? `minmax(${column.width}px, 1fr)` : `${column.width}px`)).join(" ");
  const nameOf = (column: Column<T>) => column.name ?? (typeof column.head === "string" ? column.head : "");
  const whole = virtual.getTotalSize();
  // Beneath each other, only heads that can be pressed are seen.
  const headPx = !isStacked || columns.some((column) => typeof column.head !== "string") ? HEAD_PX : 0;
  const move = (event: KeyboardEvent) => {
    if (event.target !== box.current) return;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 300) / rowHeight) - 2);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length };
    const step = steps[event.key];
    const row = rows[at];
    if (step !== undefined && onAt) {
      event.preventDefault();
      onAt(Math.min(rows.length - 1, Math.max(0, at + step)));
    } else if (event.key === "Enter" && onOpen && row !== undefined) {
      event.preventDefault();
      onOpen(row, at);
    }
  };
  return (
    <div
      ref={box}
      className={isStacked ? "grid stacked" : "grid"}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      tabIndex={0}
      style={{ height: isStacked && typeof height === "number" ? Math.min(STACKED_MAX_PX, whole + headPx + 4) : height }}
      onKeyDown={move}
    >
      <div className="heads" role="rowgroup" style={isStacked ? undefined : { minWidth: least }}>
        <div role="row" aria-rowindex={1} style={isStacked ? { minHeight: headPx } : { gridTemplateColumns: tracks, height: HEAD_PX }}>
          {columns.map((column) => (
            <div key={column.id} role="columnheader" className={typeof column.head === "string" ? "named" : undefined}>
              {column.head}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" style={{ position: "relative", height: whole, minWidth: isStacked ? undefined : least }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index] as T;
          return (
            <div
              key={rowKey(row, item.index)}
              ref={isStacked ? virtual.measureElement : undefined}
              data-index={item.index}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={item.index === at}
              style={{ transform: `translateY(${item.start}px)`, width: "100%", ...(isStacked ? {} : { gridTemplateColumns: tracks, height: item.size, minWidth: least }) }}
              onClick={() => {
                onAt?.(item.index);
                onClick?.(row, item.index);
              }}
              onDoubleClick={() => onOpen?.(row, item.index)}
            >
              {columns.map((column) => (
                <div key={column.id} role="gridcell">
                  {isStacked && nameOf(column) !== "" ? (
                    <>
                      <span className="named" aria-hidden="true">
                        {nameOf(column)}
                      </span>
                      <div>{column.cell(row, item.index)}</div>
                    </>
                  ) : (
                    column.cell(row, item.index)
                  )}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
