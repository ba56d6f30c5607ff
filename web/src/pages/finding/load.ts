// Loads the events of findings: what a rule fires on is kept with its rule in `hits`, whatever log it came from.
import { useQuery } from "@tanstack/react-query";
import { quoted, runQuery, type Row } from "../../api/query";
import type { Finding } from "../../api/client";
import { seen, type Seen } from "./events";

/** As many as are drawn; a query's text of 10,000 bytes holds them. */
export const EVENTS_MAX = 100;
const ASK_AGAIN_MS = 3_000;
const ASKED_MAX = 20;

export function hitsQuery(rule: string, uids: string[]): string {
  const list = uids.map((uid) => quoted(uid, "sql")).join(", ");
  return `SELECT time_dt, event_uid, event_source, event_account, event_format, rule_uid, raw FROM hits WHERE rule_uid = ${quoted(rule, "sql")} AND event_uid IN (${list}) ORDER BY time_dt`;
}

/** Of events; the end is exclusive. */
export function windowOf(finding: Finding): { from: string; to: string } {
  return { from: finding.first_seen, to: new Date(Date.parse(finding.last_seen) + 1000).toISOString() };
}

export function useEvents(finding: Finding, uids: string[], isWanted: boolean) {
  const some = uids.slice(0, EVENTS_MAX);
  return useQuery({
    queryKey: ["events", finding.uid, some],
    queryFn: async ({ signal }): Promise<Seen[]> => {
      const { rows } = await runQuery({ text: hitsQuery(finding.rule, some), lang: "sql", ...windowOf(finding), rows: EVENTS_MAX * 2 }, signal);
      return distinct(rows);
    },
    enabled: isWanted && some.length > 0,
    // What came in just now is in the lake some seconds later.
    refetchInterval: ({ state }) => (state.data && state.data.length < some.length && state.dataUpdateCount < ASKED_MAX ? ASK_AGAIN_MS : false),
    staleTime: 300_000,
    retry: false,
  });
}

/** The same event may have been delivered twice. */
function distinct(rows: Row[]): Seen[] {
  const known = new Set<string>();
  return rows.map(seen).filter((one) => {
    const key = one.uid || one.raw;
    return !known.has(key) && known.add(key);
  });
}

/** Whatever made rules fire and has one of these addresses in it. */
export function useHitsOf(ips: string[], window: { from: string; to: string }, isWanted: boolean) {
  return useQuery({
    queryKey: ["hits-of", ips, window],
    queryFn: async ({ signal }): Promise<Seen[]> => {
      const any = ips.map((ip) => `strpos(raw, ${quoted(ip, "sql")}) > 0`).join(" OR ");
      const { rows } = await runQuery(
        { text: `SELECT time_dt, event_uid, event_source, event_account, event_format, rule_uid, raw FROM hits WHERE ${any} ORDER BY time_dt LIMIT 200`, lang: "sql", ...window, rows: 200 },
        signal,
      );
      return distinct(rows);
    },
    enabled: isWanted && ips.length > 0,
    staleTime: 60_000,
    retry: false,
  });
}
