// Calls of the API. What goes wrong is an `ApiProblem`, as the server words it.
import { used } from "./ended";
import { answered, isNobody, unanswered } from "./reach";
import type { components } from "./types";

type Schemas = components["schemas"];
export type Schema<Name extends keyof Schemas> = Schemas[Name];
export type Finding = Schema<"Finding">;
export type FindingStatus = Schema<"Status">;
export type Verdict = Schema<"Verdict">;
export type Me = Schema<"Me">;
export type Rule = Schema<"Rule">;
export type QueryJob = Schema<"QueryJob">;
export type Fault = Schema<"Fault">;

/** What the server said no to, and why. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly faults: Fault[] = [],
    readonly requestId?: string,
  ) {
    super(detail);
    this.name = "ApiProblem";
  }
}

export interface Ask {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

const NOBODY = "The server does not answer, so nothing was changed or loaded.";

let csrf = "";
/** The session's word that unsafe calls repeat. */
export function setCsrf(word: string | null | undefined): void {
  csrf = word ?? "";
}

type Lost = () => void;
let onLost: Lost = () => {};
/** What happens when the session has ended. */
export function whenSessionEnds(act: Lost): void {
  onLost = act;
}

export async function send(path: string, ask: Ask = {}): Promise<Response> {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(ask.query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
  }
  const method = ask.method ?? "GET";
  const headers: Record<string, string> = { accept: "application/json", ...ask.headers };
  if (method !== "GET") headers["x-skywarden-csrf"] = csrf;
  let body: BodyInit | undefined = ask.raw;
  if (ask.body !== undefined) {
    headers["content-type"] = "application/json";
    body = JSON.stringify(ask.body);
  }
  let response: Response;
  try {
    response = await fetch(url, { method, headers, body, signal: ask.signal, credentials: "same-origin" });
  } catch (err) {
    const isLate = err instanceof DOMException && err.name === "TimeoutError";
    if (ask.signal?.aborted && !isLate) throw err;
    unanswered();
    throw new ApiProblem(0, NOBODY);
  }
  if (isNobody(response.status)) {
    unanswered();
    throw new ApiProblem(0, NOBODY);
  }
  answered();
  if (response.status !== 401) used(Date.now());
  if (response.ok) return response;
  const problem = await readProblem(response);
  if (response.status === 401 && path !== "/api/v1/session") onLost();
  throw problem;
}

async function readProblem(response: Response): Promise<ApiProblem> {
  try {
    const said = (await response.json()) as Schema<"Problem">;
    const id = (said as { request_id?: string }).request_id;
    return new ApiProblem(response.status, said.detail ?? said.title ?? response.statusText, said.errors ?? [], id);
  } catch {
    return new ApiProblem(response.status, response.statusText || `The server answered ${response.status}`);
  }
}

/** The JSON that a call answers with; nothing for 204. */
export async function call<T>(path: string, ask: Ask = {}): Promise<T> {
  const response = await send(path, ask);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
