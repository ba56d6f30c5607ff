// A picture and its table: every chart can be read as rows.
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Table from "@cloudscape-design/components/table";
import type { EChartsType } from "echarts/core";
import { useEffect, useRef, useState } from "react";
import { useLook } from "../app/theme";

type EChartsOption = Record<string, unknown>;
type Cell = string | number;
export interface ChartTable {
  heads: string[];
  rows: Cell[][];
}

/** A colour of the palette as a chart takes it. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

interface Props {
  /** What it shows, in words. */
  label: string;
  /** Made when colours change, so that it may call `token`. */
  option: () => EChartsOption;
  table: ChartTable;
  height?: number;
  /** Called with what ECharts says of the part that was clicked. */
  onClick?: (part: { name: string; seriesName?: string; dataIndex: number; value: unknown }) => void;
  /** Called with the first and last category that a brush covers. */
  onBrush?: (from: number, to: number) => void;
}

const ROWS_MAX = 200;

export function Chart({ label, option, table, height = 240, onClick, onBrush }: Props) {
  const [isTable, setTable] = useState(false);
  return (
    <div>
      {isTable ? (
        <Twin label={label} table={table} />
      ) : (
        <Picture label={label} option={option} table={table} height={height} onClick={onClick} onBrush={onBrush} />
      )}
      <Box textAlign="right">
        <Button variant="inline-link" onClick={() => setTable(!isTable)} ariaLabel={`${label}: ${isTable ? "show as chart" : "show as table"}`}>
          {isTable ? "Show as chart" : "Show as table"}
        </Button>
      </Box>
    </div>
  );
}

function Twin({ label, table }: { label: string; table: ChartTable }) {
  return (
    <Table
      variant="embedded"
      ariaLabels={{ tableLabel: label }}
      columnDefinitions={table.heads.map((head, at) => ({ id: String(at), header: head, cell: (row: Cell[]) => row[at] }))}
      items={table.rows.slice(0, ROWS_MAX)}
      footer={table.rows.length > ROWS_MAX ? `The first ${ROWS_MAX} of ${table.rows.length} rows` : undefined}
    />
  );
}

function Picture({ label, option, height, onClick, onBrush, table }: Props) {
  const at = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const { mode } = useLook();
  const [isReady, setReady] = useState(false);
  const heard = useRef({ onClick, onBrush });
  heard.current = { onClick, onBrush };

  useEffect(() => {
    let isGone = false;
    let watch: ResizeObserver | undefined;
    void import("./echarts").then(({ init }) => {
      if (isGone || !at.current) return;
      const made = init(at.current, undefined, { renderer: "svg" });
      chart.current = made;
      made.on("click", (part) => {
        heard.current.onClick?.({ name: part.name, seriesName: part.seriesName, dataIndex: part.dataIndex, value: part.value });
      });
      made.on("brushEnd", (event) => {
        const range = (event as { areas?: { coordRange?: [number, number] }[] }).areas?.[0]?.coordRange;
        if (range) heard.current.onBrush?.(range[0], range[1]);
      });
      watch = new ResizeObserver(() => made.resize());
      watch.observe(at.current);
      setReady(true);
    });
    return () => {
      isGone = true;
      watch?.disconnect();
      chart.current?.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    if (!isReady || !chart.current) return;
    const usual = {
      animation: false,
      textStyle: { fontFamily: "Inter Variable, system-ui, sans-serif", color: token("--ink") },
      // HTML in tooltips would be a door for what stands in logs.
      tooltip: { renderMode: "richText", confine: true, backgroundColor: token("--raised"), borderColor: token("--strong"), textStyle: { color: token("--ink") } },
      grid: { left: 8, right: 12, top: 16, bottom: 8, containLabel: true },
    };
    const made = option();
    const tooltip = { ...usual.tooltip, ...(made.tooltip as object | undefined), renderMode: "richText" };
    chart.current.setOption({ ...usual, ...made, tooltip }, { notMerge: true });
    if (onBrush) {
      chart.current.dispatchAction({ type: "takeGlobalCursor", key: "brush", brushOption: { brushType: "lineX", brushMode: "single" } });
    }
  }, [isReady, option, mode, table, onBrush]);

  return <div ref={at} className="chart" role="img" aria-label={`${label}. The same numbers are in its table.`} style={{ height }} />;
}
