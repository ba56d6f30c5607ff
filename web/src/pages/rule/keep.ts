// Rules that the server keeps: written, replaced, deleted, switched off and on. Each change names the version that was seen.
import { ApiProblem, send, type Fault } from "../../api/client";
import type { RuleProblem, ToldRule } from "./api";

/** A rule as the server has it, and the name of that version. */
export interface KeptRule {
  rule: ToldRule;
  tag: string | null;
}

const pathOf = (id: string) => `/api/v1/rules/${encodeURIComponent(id)}`;

async function kept(response: Response): Promise<KeptRule> {
  return { rule: (await response.json()) as ToldRule, tag: response.headers.get("etag") };
}

function seen(tag: string | null): Record<string, string> {
  return tag === null ? {} : { "if-match": tag };
}

export async function load(id: string, signal?: AbortSignal): Promise<KeptRule> {
  return kept(await send(pathOf(id), { signal }));
}

/** No tag for a rule that is new. */
export async function save(id: string, text: string, tag: string | null): Promise<KeptRule> {
  return kept(await send(pathOf(id), { method: "PUT", body: { rule: text }, headers: seen(tag) }));
}

export async function remove(id: string, tag: string | null): Promise<void> {
  await send(pathOf(id), { method: "DELETE", headers: seen(tag) });
}

export type Switch = { enabled: true } | { enabled: false; reason: string };
export async function turn(id: string, tag: string | null, how: Switch): Promise<KeptRule> {
  return kept(await send(pathOf(id), { method: "PATCH", body: how, headers: seen(tag) }));
}

const ID = /^id:[ \t]*["']?([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})["']?[ \t]*(?:#.*)?$/m;

/** The id that stands in the text of a rule, in small letters; nothing if none does. */
export function idIn(text: string): string | null {
  return ID.exec(text)?.[1]?.toLowerCase() ?? null;
}

/** The same rule under another id, which is put beneath its title if there was none. */
export function withId(text: string, id: string): string {
  if (/^id:.*$/m.test(text)) return text.replace(/^id:.*$/m, `id: ${id}`);
  return /^title:.*$/m.test(text) ? text.replace(/^title:.*$/m, (title) => `${title}\nid: ${id}`) : `id: ${id}\n${text}`;
}

export function newId(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  random[6] = ((random[6] as number) & 0x0f) | 0x40;
  random[8] = ((random[8] as number) & 0x3f) | 0x80;
  const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** What a refused text has wrong, where in it. */
export function problemsOf(err: unknown): RuleProblem[] {
  if (!(err instanceof ApiProblem) || err.status !== 422) return [];
  return err.faults.map((fault: Fault & { line?: number | null; column?: number | null }): RuleProblem => {
    const { detail, line, column, help } = fault;
    const place = line ? `line ${line}, column ${column ?? 1}: ` : "";
    return { level: "error", detail, line: line ?? 1, column: column ?? 1, help, drawn: `${place}${detail}${help ? `\n  ${help}` : ""}` };
  });
}

/** Why a rule was not kept, and what to do, in words. */
export function refusal(err: unknown): string {
  if (!(err instanceof ApiProblem)) return err instanceof Error ? err.message : String(err);
  if (err.status === 412) return "Somebody changed the rule since you loaded it. Look at what it is now; your draft stays.";
  if (err.status === 428) return "There is a rule of this id already. Give the draft an id of its own, or open that rule and edit it.";
  if (err.status === 409) return "This rule comes with Skywarden or from a folder of the server, and is only read. Save it as a rule of your own, and switch the other off.";
  if (err.status === 422) return "The text has mistakes; they are marked in it.";
  return err.detail;
}
