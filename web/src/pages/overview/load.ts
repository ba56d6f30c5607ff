// What the overview is made of.
import { useQuery } from "@tanstack/react-query";
import { call, type Finding, type Schema } from "../../api/client";

export const OPEN = "new,notified,in_progress";
export const PAGES_MAX = 5;
const PAGE = 200;
/** The stream tells of events, not of what others decide. */
const POLL_MS = 60_000;
export const DAYS = 30;

export type Kpis = Schema<"Kpis">;
export interface Findings {
  findings: Finding[];
  isCut: boolean;
}

async function pages(query: Record<string, string | number>, signal: AbortSignal): Promise<Findings> {
  const findings: Finding[] = [];
  let cursor: string | null | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await call<Schema<"Page">>("/api/v1/findings", { query: { ...query, limit: PAGE, cursor }, signal });
    findings.push(...answer.findings);
    cursor = answer.next;
    if (!cursor) break;
  }
  return { findings, isCut: Boolean(cursor) };
}

/** Findings that nobody has closed, the worst first. */
export function useOpen() {
  return useQuery({ queryKey: ["overview", "open"], refetchInterval: POLL_MS, queryFn: ({ signal }) => pages({ status: OPEN, sort: "worst" }, signal) });
}

export function useCoverage(may: boolean) {
  return useQuery({
    queryKey: ["overview", "coverage"],
    queryFn: ({ signal }) => call<Schema<"Coverage">>("/api/v1/coverage", { signal }),
    enabled: may,
    staleTime: 300_000,
  });
}

/** How the server does, and when something was quarantined last. */
export interface Health {
  status: Schema<"ServerStatus">;
  ledger: Schema<"LedgerEntry">[];
  aside: string | null;
}

export function useStatus(may: boolean) {
  return useQuery({
    queryKey: ["overview", "status"],
    queryFn: async ({ signal }): Promise<Health> => {
      const [status, ledger, quarantine] = await Promise.all([
        call<Schema<"ServerStatus">>("/api/v1/status", { signal }),
        call<Schema<"LedgerEntry">[]>("/api/v1/ledger", { signal }),
        // The newest comes first.
        call<Schema<"QuarantinePage">>("/api/v1/quarantine", { query: { limit: 1 }, signal }),
      ]);
      return { status, ledger, aside: quarantine.entries[0]?.time ?? null };
    },
    enabled: may,
    refetchInterval: 30_000,
  });
}

export function useKpis() {
  return useQuery({ queryKey: ["overview", "kpis"], refetchInterval: POLL_MS, queryFn: ({ signal }) => call<Kpis>("/api/v1/kpis", { query: { days: DAYS }, signal }) });
}
