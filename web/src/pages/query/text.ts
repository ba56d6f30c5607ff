// What a text of Logs Insights QL is made of, as far as the console must know: its commands, and where a filter goes.
import { quoted } from "../../api/query";

export type Lang = "ql" | "sql";
export const DEFAULT_QUERY = "fields @timestamp, @message | limit 50";
export const DEFAULT_SQL = "SELECT time_dt, api_operation, actor_user_uid, src_endpoint_ip\nFROM cloudtrail\nORDER BY time_dt DESC\nLIMIT 50";

export interface Command {
  /** In lower case; empty where nothing stands. */
  name: string;
  /** The whole command, with its comments. */
  text: string;
  start: number;
  end: number;
}

/** Where a string, regex, name in backticks or comment that begins at `at` ends; `at` if none does. */
export function skipped(text: string, at: number, mayBeRegex: boolean): number {
  const sign = text[at];
  if (sign === "#") {
    const end = text.indexOf("\n", at);
    return end < 0 ? text.length : end;
  }
  const isQuote = sign === '"' || sign === "'" || sign === "`";
  if (!isQuote && !(sign === "/" && mayBeRegex)) return at;
  for (let i = at + 1; i < text.length; i += 1) {
    if (text[i] === "\\" && sign !== "`") i += 1;
    else if (text[i] === sign) return i + 1;
  }
  return text.length;
}

/** A slash after a word, number or closing bracket divides; after anything else it opens a regex. */
export function mayBeRegex(before: string): boolean {
  const word = before.trimEnd();
  return /(^|[^\w@.)\]`"'])$/.test(word) || /\b(like|in|not|and|or|filter|where|parse|if)$/i.test(word) || /\bparse\s+\S+$/i.test(word);
}

/** The commands of a query, parted at the bars that stand outside strings, comments and brackets. */
export function commands(text: string): Command[] {
  const out: Command[] = [];
  let start = 0;
  let depth = 0;
  const close = (end: number) => {
    const part = text.slice(start, end);
    const name = /^[A-Za-z_]+/.exec(part.replace(/^(\s|#[^\n]*(\n|$))*/, ""))?.[0] ?? "";
    out.push({ name: name.toLowerCase(), text: part, start, end });
  };
  for (let at = 0; at < text.length; ) {
    const past = skipped(text, at, text[at] === "/" && mayBeRegex(text.slice(start, at)));
    if (past > at) {
      at = past;
      continue;
    }
    const sign = text[at];
    if (sign === "(" || sign === "[") depth += 1;
    else if (sign === ")" || sign === "]") depth -= 1;
    else if (sign === "|" && depth <= 0) {
      close(at);
      start = at + 1;
    }
    at += 1;
  }
  close(text.length);
  return out.filter((command) => command.name !== "" || command.text.trim() !== "");
}

/** These leave each event a row of its own and drop only what a filter drops. */
const KEEPS_ROWS = new Set(["source", "fields", "filter", "where", "filterindex", "parse", "json", "display", ""]);
const MAKES_GROUPS = new Set(["stats", "pattern", "countfrequent", "count_frequent", "relevantfields", "estimate", "logcompare", "diff"]);
const SHAPES_OUTPUT = new Set(["display", "sort", "limit"]);

/** The commands that only choose events, and the name of the first that does more. */
export function filterPart(text: string): { text: string; isFiltered: boolean; stopsAt: string | null } {
  const all = commands(text);
  const stop = all.findIndex((command) => !KEEPS_ROWS.has(command.name));
  const head = (stop < 0 ? all : all.slice(0, stop)).filter((command) => !SHAPES_OUTPUT.has(command.name) && command.name !== "");
  return {
    text: head.map((command) => withoutComments(command.text).trim()).join(" | "),
    isFiltered: head.some((command) => /^(filter|where|filterindex)$/.test(command.name)),
    stopsAt: stop < 0 ? null : (all[stop] as Command).name,
  };
}

/** Whether its rows are events as they are, the newest first: filters, and at most a limit at the end. */
export function isNewestFirst(text: string): boolean {
  const all = commands(text);
  const rest = all.at(-1)?.name === "limit" ? all.slice(0, -1) : all;
  return rest.every((command) => KEEPS_ROWS.has(command.name)) && (rest.length === all.length || limitOf(text) !== null);
}

/** The number of a limit at the end; nothing if there is none. */
export function limitOf(text: string): number | null {
  const last = commands(text).at(-1);
  const said = last?.name === "limit" ? /^\s*limit\s+(\d+)\s*$/i.exec(withoutComments(last.text)) : null;
  return said ? Number(said[1]) : null;
}

/** Counts the events that the filters let through. */
export function histogramText(text: string, bin: string): string {
  const part = filterPart(text).text;
  return `${part === "" ? "" : `${part} | `}stats count(*) as n by bin(${bin}) as t`;
}

export function extentText(text: string): string {
  const part = filterPart(text).text;
  return `${part === "" ? "" : `${part} | `}stats min(@timestamp) as first, max(@timestamp) as last`;
}

export function topValuesText(text: string, field: string): string {
  const part = filterPart(text).text;
  return `${part === "" ? "" : `${part} | `}filter ispresent(${name(field)}) | stats count(*) as n by ${name(field)} | sort n desc | limit 10`;
}

/** The texts of the events that the filters let through, those that are alike together. */
export function patternsText(text: string): string {
  const filters = commands(text).filter((command) => /^(filter|where|filterindex|source)$/.test(command.name));
  return [...filters.map((command) => withoutComments(command.text).trim()), "pattern @message"].join("\n| ");
}

export function makesGroups(text: string): boolean {
  return commands(text).some((command) => MAKES_GROUPS.has(command.name));
}

export function withoutComments(text: string): string {
  let out = "";
  for (let at = 0; at < text.length; ) {
    const past = skipped(text, at, text[at] === "/" && mayBeRegex(text.slice(0, at)));
    if (past > at && text[at] !== "#") out += text.slice(at, past);
    else if (past === at) out += text[at];
    at = Math.max(past, at + 1);
  }
  return out;
}

/** A field as it is written in a query. */
export function name(field: string, lang: Lang = "ql"): string {
  if (lang === "sql") return `"${field.replaceAll('"', '""')}"`;
  return /^[A-Za-z_@][\w@.]*$/.test(field) ? field : `\`${field.replaceAll("`", "")}\``;
}

/** A filter on a value of a field. */
export function clause(field: string, value: unknown, is: boolean, lang: Lang = "ql"): string {
  const what = name(field, lang);
  if (value === undefined || value === null) {
    if (lang === "sql") return `${what} IS ${is ? "" : "NOT "}NULL`;
    return is ? `not ispresent(${what})` : `ispresent(${what})`;
  }
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (lang === "sql") return is ? `${what} = ${quoted(text, "sql")}` : `${what} IS DISTINCT FROM ${quoted(text, "sql")}`;
  return is ? `${what} = ${quoted(text)}` : `(${what} != ${quoted(text)} or not ispresent(${what}))`;
}

/** The query with one more filter: among the first commands, so that counts and limits see it; behind `stats` if the field is one of its results. */
export function withFilter(text: string, field: string, value: unknown, is: boolean, lang: Lang = "ql"): string {
  const more = clause(field, value, is, lang);
  if (lang === "sql") return `SELECT * FROM (\n${text.trim().replace(/;\s*$/, "")}\n) AS answer\nWHERE ${more}`;
  const all = commands(text);
  if (all.length === 0) return `filter ${more}`;
  const groups = all.find((command) => command.name === "stats");
  const isResult = all.some((command) => MAKES_GROUPS.has(command.name)) && !(groups && groupKeys(text).includes(field));
  const stop = all.findIndex((command) => !KEEPS_ROWS.has(command.name) || command.name === "display");
  const add = ` | filter ${more}`;
  if (isResult || stop < 0) {
    const last = all[all.length - 1] as Command;
    const glue = /#[^\n]*$/.test(last.text) ? "\n|" : last.text.includes("\n") || all.length > 2 ? "\n|" : " |";
    return `${text.trimEnd()}${glue} filter ${more}`;
  }
  if (stop === 0) return `filter ${more}\n| ${text.trimStart()}`;
  const before = all[stop - 1] as Command;
  const head = text.slice(0, before.end).trimEnd();
  const rest = text.slice(before.end + 1).trimStart();
  const isLong = text.includes("\n");
  return isLong || /#[^\n]*$/.test(head) ? `${head}\n|${add.slice(2)}\n| ${rest}` : `${head}${add} | ${rest}`;
}

/** Names that the last `stats` groups by, where they are plain fields of events. */
export function groupKeys(text: string): string[] {
  const stats = commands(text).filter((command) => command.name === "stats");
  const only = stats[0];
  if (!only || stats.length > 1) return [];
  const by = /\sby\s+([\s\S]+)$/i.exec(withoutComments(only.text))?.[1] ?? "";
  return by
    .split(",")
    .map((key) => key.trim().replace(/^`([^`]*)`$/, "$1"))
    .filter((key) => /^[A-Za-z_@][\w@.-]*$/.test(key));
}

/** The query whose rows are the events that a row of `stats` counted; null where that cannot be said. */
export function eventsOf(text: string, row: Record<string, unknown>): string | null {
  const part = filterPart(text);
  if (part.stopsAt !== "stats") return null;
  const keys = groupKeys(text);
  const by = /\sby\s+([\s\S]+)$/i.exec(withoutComments(commands(text).find((command) => command.name === "stats")?.text ?? ""))?.[1] ?? "";
  const all = by === "" ? 0 : by.split(/,(?![^(]*\))/).length;
  if (keys.length !== all) return null;
  const filters = keys.map((key) => `filter ${clause(key, row[key], true)}`);
  return [...(part.text === "" ? ["fields @timestamp, @message"] : [part.text]), ...filters, "limit 1000"].join(" | ");
}

/** The place of a byte among the units of the text, as editors count. */
export function unitAt(text: string, byte: number): number {
  let bytes = 0;
  let unit = 0;
  for (const sign of text) {
    if (bytes >= byte) return unit;
    const code = sign.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    unit += sign.length;
  }
  return unit;
}
