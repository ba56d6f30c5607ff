// What is asked to find out what a name is the name of.
import { quoted, type Question } from "../../api/query";
import { ENTITY_WORDS, guess } from "../../app/entity";
import type { EntityKind } from "../../app/url";
import { entityOf, WHO_COLUMNS } from "../investigate/entity";
import { inSql, type Predicate } from "../investigate/predicate";

export const DAYS = 90;
const SHOWN = 20;
const ADDRESSES_MAX = 200;

/** All kinds, the likeliest first. */
export function kindsOf(text: string, wanted?: string): EntityKind[] {
  const all = Object.keys(ENTITY_WORDS) as EntityKind[];
  const first = all.filter((kind) => kind === wanted);
  return [...new Set([...first, ...guess(text).map(({ kind }) => kind), ...all])];
}

/** Somebody named `/NAME` at the end of the ARN of a session; other notations are the profile's. */
function callsOf(kind: EntityKind, value: string): Predicate | null {
  if (kind === "session" && !/[:/ ]/.test(value)) {
    return [[{ field: "userIdentity.type", op: "is", value: "AssumedRole" }, { field: "userIdentity.arn", op: "ends", value: `/${value}` }]];
  }
  return entityOf(kind, value).calls;
}

const COUNTED = "count(*) AS n, min(time_dt) AS first, max(time_dt) AS last";

/** How many events there are of it, as something of this kind, in the trail and in the flow log. */
export function countQuestions(kind: EntityKind, value: string, from: string): Question[] {
  const calls = callsOf(kind, value);
  const { flows } = entityOf(kind, value);
  return [
    ...(calls ? [{ text: `SELECT ${COUNTED} FROM cloudtrail WHERE ${inSql(calls)}`, lang: "sql" as const, from }] : []),
    ...(flows ? [{ text: `SELECT ${COUNTED} FROM vpc WHERE ${inSql(flows)}`, lang: "sql" as const, from }] : []),
  ];
}

/** Whoever has it in the name, in whatever case. */
export function namesQuestion(text: string, from: string): Question {
  const has = (field: string) => `strpos(lower(${field}), ${quoted(text.toLowerCase(), "sql")}) > 0`;
  return {
    text: `SELECT ${WHO_COLUMNS}, ${COUNTED}
FROM cloudtrail
WHERE ${has("userIdentity.arn")} OR ${has("userIdentity.userName")}
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY n DESC
LIMIT ${SHOWN}`,
    lang: "sql",
    from,
  };
}

/** The addresses of a network that were seen, in the trail and as a source of flows. */
export function networkQuestions(network: string, from: string): Question[] {
  const of = (source: string, field: string) =>
    `SOURCE '${source}' | filter isIpInSubnet(${field}, ${quoted(network)}) | stats count(*) as n, min(@timestamp) as first, max(@timestamp) as last by ${field} as address | sort n desc | limit ${ADDRESSES_MAX}`;
  return [
    { text: of("aws_cloudtrail", "sourceIPAddress"), lang: "ql", from },
    { text: of("aws_vpc_flow", "srcaddr"), lang: "ql", from },
  ];
}

export interface Found {
  n: number;
  first: string;
  last: string;
}

/** The sum of some counts; nothing is later than nothing. */
export function sumOf(all: Found[]): Found {
  const some = all.filter((one) => one.n > 0);
  return {
    n: some.reduce((sum, one) => sum + one.n, 0),
    first: some.map((one) => one.first).sort()[0] ?? "",
    last: some.map((one) => one.last).sort().at(-1) ?? "",
  };
}
