// What the rows of an answer hold: the fields of their events, how often which values stand there, and where a value leads.
import { guess } from "../../app/entity";
import { entityLink } from "../../app/url";
import type { Row } from "../../api/query";
import { cellText } from "./give";

export const LOOKED_AT = 1000;
const LEAVES_MAX = 400;

/** The event itself, where a row has it. */
export function messageOf(row: Row): string | null {
  for (const name of ["@message", "raw", "message"]) if (typeof row[name] === "string") return row[name] as string;
  return null;
}

/** The leaves of JSON under their paths; a list's values stand under the list's own number. */
export function leaves(value: unknown, path = "", out: Map<string, string> = new Map()): Map<string, string> {
  if (out.size >= LEAVES_MAX || value === null || value === undefined) return out;
  if (typeof value === "object") {
    for (const [key, inner] of Object.entries(value as object)) leaves(inner, path === "" ? key : `${path}.${key}`, out);
    return out;
  }
  if (path !== "") out.set(path, String(value));
  return out;
}

export function fieldsOf(row: Row): Map<string, string> {
  const out = new Map<string, string>();
  const message = messageOf(row);
  for (const [key, value] of Object.entries(row)) {
    if (value !== null && value !== undefined && value !== message) out.set(key, cellText(value));
  }
  if (message?.startsWith("{")) {
    try {
      leaves(JSON.parse(message), "", out);
    } catch {
      // It only looked like JSON; the text is shown as it is.
    }
  }
  return out;
}

export interface FieldTally {
  name: string;
  rows: number;
  values: [string, number][];
  distinct: number;
}

export function tally(rows: Row[]): FieldTally[] {
  const all = new Map<string, Map<string, number>>();
  for (const row of rows.slice(0, LOOKED_AT)) {
    for (const [name, value] of fieldsOf(row)) {
      let values = all.get(name);
      if (!values) all.set(name, (values = new Map()));
      values.set(value, (values.get(value) ?? 0) + 1);
    }
  }
  return [...all]
    .map(([name, values]) => ({
      name,
      rows: [...values.values()].reduce((sum, n) => sum + n, 0),
      distinct: values.size,
      values: [...values].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 10),
    }))
    .sort((a, b) => b.rows - a.rows || (a.name < b.name ? -1 : 1));
}

/** The profile that a value leads to, if it is a name of something; words lead nowhere. */
export function pivot(field: string, text: string): string | undefined {
  if (text.length > 2048) return undefined;
  const isNamed = /^arn:aws[\w-]*:|^(AKIA|ASIA)[A-Z0-9]{12,}$|^(\d{1,3}\.){3}\d{1,3}$|^[0-9a-f]*:[0-9a-f:.]+:[0-9a-f:.]*$|^(i|sg|vpc|subnet|eni|vol|snap|ami)-[0-9a-f]{8,}$/i.test(text);
  const isAccount = /^\d{12}$/.test(text) && /account/i.test(field);
  const [first] = isNamed || isAccount ? guess(text) : [];
  return first ? entityLink(first.kind, text) : undefined;
}

/** Numbers by size, text by letters; what is missing comes last. */
export function compare(a: unknown, b: unknown): number {
  const [left, right] = [cellText(a), cellText(b)];
  if (left === "" || right === "") return left === right ? 0 : left === "" ? 1 : -1;
  const [m, n] = [Number(left), Number(right)];
  if (!Number.isNaN(m) && !Number.isNaN(n)) return m - n;
  return left < right ? -1 : left > right ? 1 : 0;
}

export function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?$/.test(text);
}
