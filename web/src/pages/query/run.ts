// One query at a time: its rows as they come, how it goes, and how it is stopped.
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiProblem, call, type QueryJob } from "../../api/client";
import { begin, rowsOf, type Row } from "../../api/query";
import { inTurn } from "../../api/turns";
import type { Lang } from "./text";

export interface Question {
  text: string;
  lang: Lang;
  from: string | null;
  to: string | null;
}
export interface Run {
  phase: "idle" | "running" | "done" | "failed" | "cancelled";
  question: Question | null;
  rows: Row[];
  columns: string[];
  job: QueryJob | null;
  problem: ApiProblem | null;
  /** Why the rows are not all. */
  partial: string | null;
  begun: number;
}

export const IDLE: Run = { phase: "idle", question: null, rows: [], columns: [], job: null, problem: null, partial: null, begun: 0 };
export const ROWS_MAX = 100_000;
const SHOW_MS = 120;
const ASK_MS = 600;

export function useRun() {
  const [run, setRun] = useState<Run>(IDLE);
  const stop = useRef<AbortController | null>(null);

  const start = useCallback((question: Question) => {
    stop.current?.abort("replaced");
    const control = new AbortController();
    stop.current = control;
    const tell = (change: Partial<Run>) => {
      if (stop.current === control) setRun((before) => ({ ...before, ...change }));
    };
    setRun({ ...IDLE, phase: "running", question, begun: Date.now() });
    void inTurn(() => follow(question, control.signal, tell), { signal: control.signal, isFirst: true }).catch(() => tell({ phase: "cancelled", partial: "you stopped it" }));
  }, []);
  const cancel = useCallback(() => stop.current?.abort("cancelled"), []);
  const reset = useCallback(() => {
    stop.current?.abort("replaced");
    stop.current = null;
    setRun(IDLE);
  }, []);
  useEffect(() => () => stop.current?.abort("replaced"), []);
  return { run, start, cancel, reset };
}

async function follow(question: Question, signal: AbortSignal, tell: (change: Partial<Run>) => void): Promise<void> {
  const rows: Row[] = [];
  const columns: string[] = [];
  const seen = new Set<string>();
  let job: QueryJob | null = null;
  let partial: string | null = null;
  let shown = 0;
  const show = () => {
    shown = performance.now();
    tell({ rows: rows.slice(), columns: (job?.columns.length ?? 0) > 0 ? (job as QueryJob).columns : columns.slice() });
  };
  let asking: ReturnType<typeof setInterval> | undefined;
  try {
    const begun = await begin({ ...question, rows: ROWS_MAX }, signal);
    job = begun.job;
    const { id } = job;
    remember(id);
    asking = setInterval(() => {
      void call<QueryJob>(`/api/v1/queries/${id}`, { signal }).then(
        (now) => {
          job = now;
          tell({ job: now });
        },
        () => undefined,
      );
    }, ASK_MS);
    for await (const row of rowsOf(id, signal)) {
      if ("@partial" in row && Object.keys(row).length === 1) {
        partial = String(row["@partial"]);
        continue;
      }
      for (const key of Object.keys(row)) {
        if (seen.has(key)) continue;
        seen.add(key);
        columns.push(key);
      }
      rows.push(row);
      if (performance.now() - shown <= SHOW_MS) continue;
      show();
      // Rows that came at once would keep the page from hearing that it is to stop.
      await new Promise((later) => setTimeout(later));
      signal.throwIfAborted();
    }
    clearInterval(asking);
    job = await call<QueryJob>(`/api/v1/queries/${id}`, { signal });
    begun.settle();
    show();
    const { error } = job;
    if (error) tell({ phase: "failed", job, problem: new ApiProblem(error.status, error.detail, error.errors ?? []), partial });
    else if (job.state === "cancelled") tell({ phase: "cancelled", job, partial: partial ?? "it was cancelled" });
    else tell({ phase: "done", job, partial: partial ?? (job.partial ? "there are more rows than these" : null) });
  } catch (err) {
    clearInterval(asking);
    if (signal.aborted) {
      if (signal.reason === "cancelled") {
        show();
        tell({ phase: "cancelled", partial: "you stopped it" });
      }
      return;
    }
    show();
    tell({ phase: "failed", problem: err instanceof ApiProblem ? err : new ApiProblem(0, String(err)) });
  }
}

const ASKED = "skywarden-asked";
const ASKED_MAX = 200;

/** The ids of the queries that were typed here, apart from those that pages ask by themselves. */
export function typedHere(): string[] {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(ASKED) ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}

function remember(id: string): void {
  try {
    localStorage.setItem(ASKED, JSON.stringify([id, ...typedHere()].slice(0, ASKED_MAX)));
  } catch {
    // A browser that keeps nothing has a history without this one.
  }
}
