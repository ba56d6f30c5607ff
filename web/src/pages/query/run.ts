// One query at a time: its rows as they come, how it goes, and how it is stopped.
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiProblem, call, type QueryJob } from "../../api/client";
import { begin, rowsOf, type Row } from "../../api/query";
import { inTurn } from "../../api/turns";
import { slicesOf, together } from "./slices";
import { limitOf, type Lang } from "./text";

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
/** So many of the newest events are given where the text has no limit: whole records are wide, and a person reads few. */
const NEWEST_ROWS = 1_000;
const SHOW_MS = 120;
/** More than a screen has. */
const SCREEN_ROWS = 100;
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
  const answer = new Answer(tell);
  const slices = slicesOf(question, Date.now());
  const most = slices.length === 1 ? ROWS_MAX : Math.min(ROWS_MAX, limitOf(question.text) ?? NEWEST_ROWS);
  try {
    for (const [at, slice] of slices.entries()) {
      // Where nothing was found yet, all is asked as it was: that a log cannot have it is seen sooner without bounds of time.
      const isWhole = at === slices.length - 1 && answer.rows.length === 0;
      await ask({ ...question, ...(isWhole ? {} : slice), rows: most - answer.rows.length }, { isFirst: at === 0, most, answer, signal });
      answer.show();
      const { job } = answer;
      if (job?.error || job?.state === "cancelled" || answer.rows.length >= most) break;
    }
    const { job, partial } = answer;
    if (job?.error) tell({ phase: "failed", job, problem: new ApiProblem(job.error.status, job.error.detail, job.error.errors ?? []), partial });
    else if (job?.state === "cancelled") tell({ phase: "cancelled", job, partial: partial ?? "it was cancelled" });
    else tell({ phase: "done", job, partial: moreOf(answer, most, slices.length) });
  } catch (err) {
    if (signal.aborted) {
      if (signal.reason === "cancelled") {
        answer.show();
        tell({ phase: "cancelled", partial: "you stopped it" });
      }
      return;
    }
    answer.show();
    tell({ phase: "failed", problem: err instanceof ApiProblem ? err : new ApiProblem(0, String(err)) });
  }
}

/** Why there are more rows than these; nothing if there are not. */
function moreOf({ rows, job, partial }: Answer, most: number, n_slices: number): string | null {
  if (n_slices > 1 && job && rows.length >= most && limitOf(job.text) === null) return "these are the newest; write a limit for more";
  return partial ?? (job?.partial ? "there are more rows than these" : null);
}

/** Rows as they come, and what was read for them. */
class Answer {
  readonly rows: Row[] = [];
  job: QueryJob | null = null;
  /** Why the server gave no more. */
  partial: string | null = null;
  private readonly columns: string[] = [];
  private readonly seen = new Set<string>();
  private before: QueryJob | null = null;
  private shown = 0;

  constructor(private readonly tell: (change: Partial<Run>) => void) {}

  take(row: Row): void {
    for (const key of Object.keys(row)) {
      if (this.seen.has(key)) continue;
      this.seen.add(key);
      this.columns.push(key);
    }
    this.rows.push(row);
  }

  /** What is known of the job that runs now. */
  know(job: QueryJob): void {
    this.job = together(this.before, job);
    this.tell({ job: this.job });
  }

  /** The job has ended; more may follow. */
  end(job: QueryJob): void {
    this.know(job);
    this.before = this.job;
  }

  isDue(): boolean {
    return this.rows.length === SCREEN_ROWS || performance.now() - this.shown > SHOW_MS;
  }

  show(): void {
    this.shown = performance.now();
    const told = this.job?.columns ?? [];
    this.tell({ rows: this.rows.slice(), columns: told.length > 0 ? told : this.columns.slice() });
  }
}

interface Asking {
  isFirst: boolean;
  /** Rows of all slices together: a limit in the text counts in each anew. */
  most: number;
  answer: Answer;
  signal: AbortSignal;
}

async function ask(question: Question & { rows: number }, { isFirst, most, answer, signal }: Asking): Promise<void> {
  const { job, settle } = await begin(question, signal);
  const { id } = job;
  // The parts of a question are one in the history.
  if (isFirst) remember(id);
  const asking = setInterval(() => void call<QueryJob>(`/api/v1/queries/${id}`, { signal }).then((now) => answer.know(now), () => undefined), ASK_MS);
  try {
    for await (const row of rowsOf(id, signal)) {
      if ("@partial" in row && Object.keys(row).length === 1) {
        answer.partial = String(row["@partial"]);
        continue;
      }
      if (answer.rows.length < most) answer.take(row);
      if (!answer.isDue()) continue;
      answer.show();
      // Rows that came at once would keep the page from hearing that it is to stop.
      await new Promise((later) => setTimeout(later));
      signal.throwIfAborted();
    }
  } finally {
    clearInterval(asking);
  }
  answer.end(await call<QueryJob>(`/api/v1/queries/${id}`, { signal }));
  settle();
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
