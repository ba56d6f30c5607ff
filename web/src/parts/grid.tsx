// A grid for many rows: only those in view are in the page.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from "react";

export interface Column<T> {
  id: string;
  head: ReactNode;
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

export function Grid<T>({ label, columns, rows, rowKey, height, rowHeight = 30, at = -1, onAt, onOpen, onClick }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  useEffect(() => virtual.measure(), [rowHeight, virtual]);
  useEffect(() => {
    if (at >= 0 && at < rows.length) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, rows.length, virtual]);

  const tracks = columns.map((column) => (column.grows ? `minmax(${column.width}px, 1fr)` : `${column.width}px`)).join(" ");
  const least = columns.reduce((sum, column) => sum + column.width, 0);
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
      className="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      tabIndex={0}
      style={{ height }}
      onKeyDown={move}
    >
      <div className="heads" role="rowgroup" style={{ minWidth: least }}>
        <div role="row" aria-rowindex={1} style={{ gridTemplateColumns: tracks, height: 34 }}>
          {columns.map((column) => (
            <div key={column.id} role="columnheader">
              {column.head}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" style={{ position: "relative", height: virtual.getTotalSize(), minWidth: least }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index] as T;
          return (
            <div
              key={rowKey(row, item.index)}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={item.index === at}
              style={{ gridTemplateColumns: tracks, height: item.size, transform: `translateY(${item.start}px)`, minWidth: least, width: "100%" }}
              onClick={() => {
                onAt?.(item.index);
                onClick?.(row, item.index);
              }}
              onDoubleClick={() => onOpen?.(row, item.index)}
            >
              {columns.map((column) => (
                <div key={column.id} role="gridcell">
                  {column.cell(row, item.index)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
