// Queries run as jobs of the server; rows arrive while it still looks.
import { useQuery } from "@tanstack/react-query";
import { ApiProblem, call, send, type QueryJob } from "./client";
import { inTurn, whenFree } from "./turns";

export type Row = Record<string, unknown>;
export interface Question {
  text: string;
  lang?: "ql" | "sql";
  /** RFC 3339; from inclusive, to exclusive. */
  from?: string | null;
  to?: string | null;
  rows?: number;
}
export interface Answer {
  job: QueryJob;
  rows: Row[];
}

/** Runs a query to its end. `onRows` hears of rows as they come; an aborted signal cancels the job on the server too. */
export function runQuery(question: Question, signal?: AbortSignal, onRows?: (rows: Row[], job: QueryJob) => void): Promise<Answer> {
  return inTurn(() => run(question, signal, onRows), { signal });
}

async function run(question: Question, signal?: AbortSignal, onRows?: (rows: Row[], job: QueryJob) => void): Promise<Answer> {
  const { job: begun, settle } = await begin(question, signal);
  try {
    const rows: Row[] = [];
    for await (const row of rowsOf(begun.id, signal)) {
      if (!("@partial" in row)) rows.push(row);
      if (onRows && rows.length % 500 === 0) onRows(rows, begun);
    }
    const job = await call<QueryJob>(`/api/v1/queries/${begun.id}`, { signal });
    if (job.error) throw new ApiProblem(job.error.status, job.error.detail ?? "the query failed", job.error.errors ?? []);
    return { job, rows };
  } finally {
    settle();
  }
}

/** Begins a query, which an aborted signal cancels on the server until `settle` is called. */
export async function begin(question: Question, signal?: AbortSignal): Promise<{ job: QueryJob; settle: () => void }> {
  const { text, lang = "ql", from, to, rows } = question;
  const body = { text, lang, ...(from ? { from } : {}), ...(to ? { to } : {}), ...(rows ? { rows } : {}) };
  // Not cut off by the signal: the server may have begun it by then, and nobody would know its id to cancel it.
  const job = await whenFree(() => call<QueryJob>("/api/v1/queries", { method: "POST", body }), signal);
  const cancel = () => void call(`/api/v1/queries/${job.id}`, { method: "DELETE" }).catch(() => undefined);
  if (signal?.aborted) cancel();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", cancel, { once: true });
  return { job, settle: () => signal?.removeEventListener("abort", cancel) };
}

/** The rows of a query as they come. The last of an answer that is not whole is `{"@partial": …}`. */
export async function* rowsOf(id: string, signal?: AbortSignal): AsyncGenerator<Row> {
  const response = await send(`/api/v1/queries/${id}/rows`, { headers: { accept: "application/x-ndjson" }, signal });
  for await (const line of lines(response)) yield JSON.parse(line) as Row;
}

async function* lines(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) if (part !== "") yield part;
  }
  if (rest !== "") yield rest;
}

/** The answer to a question, kept for a minute. No question, no call. */
export function useAnswer(question: Question | null) {
  return useQuery({
    queryKey: ["answer", question],
    queryFn: ({ signal }) => runQuery(question as Question, signal),
    enabled: question !== null,
    staleTime: 60_000,
    retry: false,
  });
}

/** A text as a string of Logs Insights QL and SQL. What comes from logs goes into queries only through here. */
export function quoted(text: string, lang: "ql" | "sql" = "ql"): string {
  return lang === "sql" ? `'${text.replaceAll("'", "''")}'` : `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
