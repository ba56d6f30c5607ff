// What pages ask about sources: status, ledger, and what of each account and Region came.
import { useQuery } from "@tanstack/react-query";
import { call, type Schema } from "../../api/client";
import { runQuery } from "../../api/query";
import { useMay } from "../../api/session";

export type LedgerEntry = Schema<"LedgerEntry">;

export function useLedger(everyMs = 30_000) {
  const mayAsk = useMay("system:read");
  return useQuery({ queryKey: ["ledger"], queryFn: () => call<LedgerEntry[]>("/api/v1/ledger"), refetchInterval: everyMs, enabled: mayAsk });
}

/** The status, looked at more often than the frame does. */
export function useStatusEvery(everyMs: number | false) {
  const mayAsk = useMay("system:read");
  return useQuery({ queryKey: ["status"], queryFn: () => call<Schema<"ServerStatus">>("/api/v1/status"), refetchInterval: everyMs, enabled: mayAsk });
}

/** Sources with a table of their own. */
export function tables(ledger: LedgerEntry[]): string[] {
  return ledger.map((entry) => entry.source).filter((source) => source !== "unknown" && /^[a-z][a-z0-9_]*$/.test(source));
}

/** What this console knows of, for those who may not see the ledger: people who are bound to accounts. */
const KNOWN = ["aws_cloudtrail", "aws_vpc_flow"];

/** The sources that can be asked about. */
export function useSources() {
  const maySee = useMay("system:read");
  const ledger = useLedger();
  if (!maySee) return { sources: KNOWN, isPending: false, error: null, refetch: ledger.refetch };
  return { sources: tables(ledger.data ?? []), isPending: ledger.isPending, error: ledger.data ? null : ledger.error, refetch: ledger.refetch };
}

const WORDS: Record<string, string> = {
  aws_cloudtrail: "CloudTrail",
  aws_vpc_flow: "VPC flow logs",
  unknown: "Not recognized",
};
export function sourceWord(source: string): string {
  return WORDS[source] ?? source;
}

/** Events of one account and Region in one source. */
export interface Cell {
  source: string;
  account: string;
  region: string;
  n: number;
  /** Time of the newest event. */
  newest: string;
  /** When the last came. */
  arrived: string;
}

export function cellsSql(sources: string[]): string {
  const one = (source: string) =>
    `SELECT '${source}' AS source, coalesce(event_account, '') AS account, coalesce(event_region, '') AS region, count(*) AS n, max(time_dt) AS newest, max(event_ingested_at) AS arrived FROM ${source} GROUP BY 1, 2, 3`;
  return sources.map(one).join(" UNION ALL ");
}

/** What came in the last days, by source, account and Region. */
export function useCells(sources: string[], days: number) {
  const mayAsk = useMay("query:run");
  return useQuery({
    queryKey: ["cells", sources, days],
    queryFn: async ({ signal }) => {
      const from = days === 0 ? null : new Date(Date.now() - days * 86_400_000).toISOString();
      const { rows, job } = await runQuery({ text: cellsSql(sources), lang: "sql", from, rows: 10_000 }, signal);
      return { cells: rows as unknown as Cell[], isPartial: job.partial };
    },
    enabled: mayAsk && sources.length > 0,
    staleTime: 60_000,
    retry: false,
  });
}
