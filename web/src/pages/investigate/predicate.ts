// Which events are of an entity: one condition, said in SQL for the panels and in Logs Insights QL for people.
import { quoted } from "../../api/query";

export interface Test {
  field: string;
  op: "is" | "ends" | "has";
  value: string;
}
/** Any of these, all of whose tests hold. */
export type Predicate = Test[][];

/** A text as it stands in the pattern `/…/`. Whatever could end or bend the pattern is written as its number. */
export function pattern(text: string): string {
  return [...text].map((sign) => (/[A-Za-z0-9 _@=,:-]/.test(sign) ? sign : `\\x{${(sign.codePointAt(0) ?? 0).toString(16)}}`)).join("");
}

function testInSql({ field, op, value }: Test): string {
  const text = quoted(value, "sql");
  if (op === "is") return `${field} = ${text}`;
  return op === "ends" ? `ends_with(${field}, ${text})` : `strpos(${field}, ${text}) > 0`;
}

function testInQl({ field, op, value }: Test): string {
  if (op === "is") return `${field} = ${quoted(value)}`;
  return op === "ends" ? `${field} like /${pattern(value)}$/` : `${field} like ${quoted(value)}`;
}

function said(any: Predicate, one: (test: Test) => string, and: string, or: string): string {
  const parts = any.map((all) => all.map(one).join(and));
  if (parts.length === 1) return parts[0] as string;
  return `(${parts.map((part, at) => ((any[at] as Test[]).length > 1 ? `(${part})` : part)).join(or)})`;
}

export function inSql(any: Predicate): string {
  return said(any, testInSql, " AND ", " OR ");
}

export function inQl(any: Predicate): string {
  return said(any, testInQl, " and ", " or ");
}

/** `a, b` as strings of a list. */
export function listed(values: string[], lang: "ql" | "sql"): string {
  return values.map((value) => quoted(value, lang)).join(", ");
}
