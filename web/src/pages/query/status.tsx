// How the query goes: rows so far, how long, and what it read.
import Button from "@cloudscape-design/components/button";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useEffect, useState } from "react";
import { visible } from "../../parts/value";
import { bytes, count, counted } from "../../parts/words";
import { ROWS_MAX, type Run } from "./run";

export function StatusLine({ run, onExplain }: { run: Run; onExplain: () => void }) {
  if (run.phase === "idle") return null;
  const read = run.job?.statistics;
  return (
    <div className="status-line" role="status">
      {run.phase === "running" ? (
        <StatusIndicator type="in-progress">
          {counted(run.rows.length, "row")} so far, <Elapsed since={run.begun} />
        </StatusIndicator>
      ) : null}
      {run.phase === "failed" ? <StatusIndicator type="error">Failed</StatusIndicator> : null}
      {run.phase === "cancelled" ? <StatusIndicator type="stopped">Cancelled: these {counted(run.rows.length, "row")} are not all</StatusIndicator> : null}
      {run.phase === "done" && run.partial === null ? <StatusIndicator type="success">{counted(run.rows.length, "row")}</StatusIndicator> : null}
      {run.phase === "done" && run.partial !== null ? (
        <StatusIndicator type="warning">
          {counted(run.rows.length, "row")}, and not all: {limitWords(run.rows.length, visible(run.partial))}
        </StatusIndicator>
      ) : null}
      {read ? (
        <span className="muted">
          {count(read.rows_matched)} matched of {count(read.rows_scanned)} looked at · {bytes(read.bytes_read)} read of {counted(read.files_read, "file")}, {bytes(read.bytes_skipped)} skipped · {count(run.job?.took_ms ?? 0)} ms
        </span>
      ) : null}
      {read ? (
        <Button variant="inline-link" onClick={onExplain}>
          Explain
        </Button>
      ) : null}
    </div>
  );
}

/** As much as an answer of the server may have. */
const ANSWER_MIB = 64;

/** Which limit was met, and how to get more. */
export function limitWords(rows: number, why: string): string {
  if (!/more rows than/.test(why)) return why;
  const more = "narrow the time or the filter, or ask on the command line (Actions, As a command), which gives as many as --rows says";
  if (rows >= ROWS_MAX) return `the console takes ${count(ROWS_MAX)} rows at most. For more, ${more}.`;
  return `they fill the ${ANSWER_MIB} MiB that an answer may have. For more, name the fields you need instead of whole events, ${more}.`;
}

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);
  return <span aria-hidden="true">{((now - since) / 1000).toFixed(1)} s</span>;
}

