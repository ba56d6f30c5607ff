// What was done from the addresses of the story, or with the keys that were used from there, and that no rule found. The lake is asked.
import { runQuery, quoted, type Question, type Row } from "../../api/query";
import { queryLink } from "../../app/url";
import { entityOf, WHO_COLUMNS, whoEntity, whoWords, type WhoRow } from "../investigate/entity";
import { inSql, listed } from "../investigate/predicate";
import { READS } from "../investigate/questions";
import { DAY_MS, HOUR_MS, iso, ms, type Window } from "../investigate/time";

/** What ties events to the story. */
export interface Ties {
  addresses: string[];
  /** Role sessions, as findings say them; asked for if there is no address. */
  sessions: string[];
}

export interface Deed {
  kind: "call" | "flow";
  first: string;
  last: string;
  /** Who called, or which machine sent. */
  who: string;
  /** `service:Name`, or whither bytes went. */
  what: string;
  events: number;
  errors: number;
  bytes: number;
  isRead: boolean;
  isWrite: boolean;
  /** Where its events are. */
  to: string;
}

export interface Unfound {
  deeds: Deed[];
  /** All calls that no rule found. */
  calls: number;
  to: string;
  isCut: boolean;
}

const ROWS_MAX = 500;
const KEYS_MAX = 20;
const SESSIONS_MAX = 5;
/** Less is talk, not loss. */
const BYTES_MIN = 1e6;
const text = (value: unknown) => (typeof value === "string" ? value : "");

/** A day around what was found, in whole hours, so that a new finding seldom asks anew. */
export function around(first: string, last: string): Window {
  const hour = (at: number) => Math.floor(at / HOUR_MS) * HOUR_MS;
  return { from: iso(hour(ms(first) - DAY_MS)), to: iso(hour(ms(last) + DAY_MS) + HOUR_MS) };
}

const NOT_FOUND = "LEFT JOIN (SELECT DISTINCT hit_event FROM hits) AS found ON found.hit_event = event_identity";

// Beside another table, names of records are not known without that of their table, so they get plain ones first.
export function callsText(which: string): string {
  return `SELECT service, api, read_only, access_key, type, arn, user_name, account, invoked_by, provider,
  count(*) AS events, count(error) AS errors, min(time_dt) AS first, max(time_dt) AS last
FROM (SELECT event_identity, time_dt, eventSource AS service, eventName AS api, readOnly AS read_only, errorCode AS error,
    userIdentity.accessKeyId AS access_key, ${WHO_COLUMNS}
  FROM cloudtrail WHERE ${which}) AS calls ${NOT_FOUND}
WHERE hit_event IS NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
ORDER BY first
LIMIT ${ROWS_MAX}`;
}

export function outText(addresses: string[]): string {
  return `SELECT srcaddr, dstaddr, dst_endpoint_port AS port, sum(traffic_bytes) AS bytes, count(*) AS events, min(time_dt) AS first, max(time_dt) AS last
FROM vpc ${NOT_FOUND}
WHERE dstaddr IN (${listed(addresses, "sql")}) AND native_action = 'ACCEPT' AND hit_event IS NULL
GROUP BY 1, 2, 3
HAVING sum(traffic_bytes) >= ${BYTES_MIN}
ORDER BY bytes DESC
LIMIT 20`;
}

/** Calls of the same who and name are one deed, whatever keys they were made with. */
export function deedsOf(rows: Row[], linkOf: (row: Row) => string): Deed[] {
  const all = new Map<string, Deed>();
  for (const row of rows) {
    const who = whoWords(row as WhoRow);
    const what = `${text(row.service).replace(".amazonaws.com", "")}:${text(row.api)}`;
    const first = iso(ms(row.first));
    const last = iso(ms(row.last));
    const known = all.get(`${who}\n${what}`);
    if (known) {
      known.events += Number(row.events);
      known.errors += Number(row.errors);
      if (first < known.first) known.first = first;
      if (last > known.last) known.last = last;
      continue;
    }
    all.set(`${who}\n${what}`, {
      kind: "call", first, last, who, what, events: Number(row.events), errors: Number(row.errors), bytes: 0,
      isRead: READS.includes(text(row.api)), isWrite: row.read_only === "false", to: linkOf(row),
    });
  }
  return [...all.values()];
}

function flowsOf(rows: Row[], window: Window): Deed[] {
  return rows.map((row) => {
    const [source, target, port] = [text(row.srcaddr), text(row.dstaddr), Number(row.port)];
    return {
      kind: "flow", first: iso(ms(row.first)), last: iso(ms(row.last)), who: source, what: `${target}, port ${port}`,
      events: Number(row.events), errors: 0, bytes: Number(row.bytes), isRead: false, isWrite: false,
      to: queryLink(`SOURCE 'vpc'\n| filter srcaddr = ${quoted(source)} and dstaddr = ${quoted(target)} and dstport = ${port}\n| sort @timestamp asc`, "ql", window),
    };
  });
}

/** The few that are told: the way in, the most bytes, what data was read, what was changed. In order of time. */
export function telling(deeds: Deed[], begun: string, most: number): Deed[] {
  const calls = deeds.filter((deed) => deed.kind === "call").sort((a, b) => a.first.localeCompare(b.first));
  const often = (all: Deed[]) => [...all].sort((a, b) => b.events - a.events);
  const done = (deed: Deed) => deed.events > deed.errors;
  const chosen = [
    ...deeds.filter((deed) => deed.kind === "flow").sort((a, b) => b.bytes - a.bytes).slice(0, 1),
    ...calls.slice(0, 1).filter((deed) => deed.first < begun),
    ...often(calls.filter((deed) => deed.isRead && done(deed))).slice(0, 2),
    ...often(calls.filter((deed) => deed.isWrite && !deed.isRead && done(deed))),
  ];
  return [...new Set(chosen)].slice(0, most).sort((a, b) => a.first.localeCompare(b.first));
}

/** What a deed is in the story. */
export function partOf(deed: Deed, begun: string): "Way in" | "Damage" | "" {
  if (deed.kind === "flow" || deed.isRead) return "Damage";
  return deed.first < begun ? "Way in" : "";
}

export async function askUnfound(ties: Ties, window: Window, signal: AbortSignal): Promise<Unfound> {
  const sessions = ties.sessions.slice(0, SESSIONS_MAX).flatMap((words) => entityOf("principal", words).calls ?? []);
  const byAddress = ties.addresses.length > 0 ? `sourceIPAddress IN (${listed(ties.addresses, "sql")})` : "";
  const which = byAddress || inSql(sessions);
  const ask = async (question: string): Promise<Row[]> => (await runQuery({ text: question, lang: "sql", ...window, rows: ROWS_MAX } satisfies Question, signal)).rows;
  const calls = await ask(callsText(which));
  // Keys that were handed out for a while and used from there; one that a person keeps is used for other things too.
  const keys = [...new Set(calls.map((row) => text(row.access_key)).filter((key) => key.startsWith("ASIA")))].slice(0, KEYS_MAX);
  const byKey = byAddress && keys.length > 0 ? `userIdentity.accessKeyId IN (${listed(keys, "sql")}) AND sourceIPAddress NOT IN (${listed(ties.addresses, "sql")})` : "";
  const more = byKey ? await ask(callsText(byKey)) : [];
  const flows = byAddress ? await ask(outText(ties.addresses)) : [];
  const all = [...calls, ...more];
  const linkOf = (row: Row) => {
    const { value } = whoEntity(row as WhoRow);
    const who = value.startsWith("arn:") ? ` and userIdentity.arn = ${quoted(value)}` : "";
    const from = byAddress && calls.includes(row) ? ` and sourceIPAddress in [${listed(ties.addresses, "ql")}]` : "";
    return queryLink(`SOURCE 'cloudtrail'\n| filter eventName = ${quoted(text(row.api))} and eventSource = ${quoted(text(row.service))}${who}${from}\n| sort @timestamp asc`, "ql", window);
  };
  return {
    deeds: [...deedsOf(all, linkOf), ...flowsOf(flows, window)],
    calls: all.reduce((sum, row) => sum + Number(row.events), 0),
    to: queryLink(callsText(byKey ? `${byAddress} OR (${byKey})` : which), "sql", window),
    isCut: calls.length >= ROWS_MAX || more.length >= ROWS_MAX,
  };
}

/** Of these addresses, those that were no usual ones: most of what came from them came since the story began. Nobody's office ties people together. */
export async function unusual(addresses: string[], begun: string, signal: AbortSignal): Promise<string[]> {
  if (addresses.length === 0) return [];
  const at = ms(begun);
  const since = iso(Math.floor(at / HOUR_MS) * HOUR_MS);
  const question = `SELECT sourceIPAddress, count(*) FILTER (WHERE time_dt < ${quoted(since, "sql")}) AS before, count(*) AS events
FROM cloudtrail
WHERE sourceIPAddress IN (${listed(addresses, "sql")})
GROUP BY 1`;
  const { rows } = await runQuery({ text: question, lang: "sql", from: iso(ms(since) - 30 * DAY_MS), to: iso(ms(since) + 2 * DAY_MS) }, signal);
  const usual = rows.filter((row) => Number(row.before) * 2 > Number(row.events)).map((row) => text(row.sourceIPAddress));
  return addresses.filter((address) => !usual.includes(address));
}
