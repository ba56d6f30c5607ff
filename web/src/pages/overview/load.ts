// What the overview is made of. Where the server does not count by itself yet, findings are counted here, so many at most, and that is said.
import { useQuery } from "@tanstack/react-query";
import { ApiProblem, call, type Finding, type Schema } from "../../api/client";
import { DAY_MS } from "../investigate/time";

export const OPEN = "new,notified,in_progress";
export const PAGES_MAX = 5;
const PAGE = 200;
/** The stream tells of events, not of what others decide. */
const POLL_MS = 60_000;
export const DAYS = 30;

export interface Kpis {
  days: number;
  open_critical: number;
  open_high: number;
  open: number;
  new_today?: number;
  mttd_s: number | null;
  mttr_s: number | null;
  judged: number;
  false_positives: number;
  false_positive_rate: number | null;
  trend: { day: string; severity_id: number; count: number }[];
  top_principals: { principal: string; account: string; findings: number; severity_id: number }[];
  top_rules: { rule: string; title: string; findings: number; severity_id: number }[];
  /** Set if the tops are of open findings, and not of all that have events in these days. */
  isOpenOnly?: boolean;
  /** What is not exact, and why; nothing if the server counted. */
  bounds?: string;
}
export interface Coverage {
  tactics: { name: string }[];
}
export interface Findings {
  findings: Finding[];
  isCut: boolean;
}
type Rule = Schema<"Rule"> & { tactics?: string[] };

/** The answer, or null where the server has no such call. */
async function ifThere<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (err) {
    if (err instanceof ApiProblem && (err.status === 404 || err.status === 405 || err.status === 501)) return null;
    throw err;
  }
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

export function useRules(may: boolean) {
  return useQuery({ queryKey: ["rules"], queryFn: ({ signal }) => call<Rule[]>("/api/v1/rules", { signal }), enabled: may, staleTime: 300_000 });
}

export function useCoverage(may: boolean) {
  return useQuery({
    queryKey: ["overview", "coverage"],
    queryFn: ({ signal }) => ifThere(call<Coverage>("/api/v1/coverage", { signal })),
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
        ifThere(call<{ entries: { time: string }[] }>("/api/v1/quarantine", { query: { limit: 1 }, signal })),
      ]);
      return { status, ledger, aside: quarantine?.entries[0]?.time ?? null };
    },
    enabled: may,
    refetchInterval: 30_000,
  });
}

export function useKpis() {
  return useQuery({ queryKey: ["overview", "kpis"], refetchInterval: POLL_MS, queryFn: ({ signal }) => kpis(signal) });
}

async function kpis(signal: AbortSignal): Promise<Kpis> {
  const told = await ifThere(call<Kpis>("/api/v1/kpis", { query: { days: DAYS }, signal }));
  if (told) return told;
  const since = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - (DAYS - 1) * DAY_MS).toISOString();
  const [counts, open, recent, wrong, right, benign] = await Promise.all([
    call<Schema<"Count">[]>("/api/v1/finding-counts", { signal }),
    pages({ status: OPEN, sort: "worst" }, signal),
    pages({ sort: "latest", from: since }, signal),
    ...["false_positive", "true_positive", "benign"].map((verdict) => pages({ verdict, sort: "latest" }, signal)),
  ]);
  const isOpen = (count: Schema<"Count">) => OPEN.split(",").includes(count.status);
  const sum = (level: number) => counts.filter((one) => isOpen(one) && (level === 0 || one.severity_id === level)).reduce((all, one) => all + one.count, 0);
  return { ...counted(open as Findings, recent as Findings, wrong as Findings, [right as Findings, benign as Findings]), days: DAYS, open_critical: sum(5), open_high: sum(4), open: sum(0) };
}

/** The numbers, counted from findings. */
export function counted(open: Findings, recent: Findings, wrong: Findings, others: Findings[]): Omit<Kpis, "days" | "open" | "open_critical" | "open_high"> {
  const trend = new Map<string, Kpis["trend"][number]>();
  for (const { first_seen, severity_id } of recent.findings) {
    const day = first_seen.slice(0, 10);
    const one = trend.get(`${day} ${severity_id}`) ?? { day, severity_id, count: 0 };
    one.count += 1;
    trend.set(`${day} ${severity_id}`, one);
  }
  const principals = new Map<string, Kpis["top_principals"][number] & { score: number }>();
  const rules = new Map<string, Kpis["top_rules"][number] & { score: number }>();
  for (const { principal, account, rule, severity_id } of open.findings) {
    const key = `${account} ${principal}`;
    const who = principals.get(key) ?? { principal, account, findings: 0, severity_id, score: 0 };
    const what = rules.get(rule) ?? { rule, title: rule, findings: 0, severity_id, score: 0 };
    for (const one of [who, what]) {
      one.findings += 1;
      one.score += 4 ** severity_id;
      one.severity_id = Math.max(one.severity_id, severity_id);
    }
    principals.set(key, who);
    rules.set(rule, what);
  }
  const worst = <T extends { severity_id: number; score: number }>(all: Iterable<T>) => [...all].sort((a, b) => b.severity_id - a.severity_id || b.score - a.score).slice(0, 10);
  const judged = wrong.findings.length + others.reduce((all, one) => all + one.findings.length, 0);
  const isCut = open.isCut || recent.isCut || wrong.isCut || others.some((one) => one.isCut);
  return {
    mttd_s: null,
    mttr_s: null,
    judged,
    false_positives: wrong.findings.length,
    false_positive_rate: judged > 0 ? wrong.findings.length / judged : null,
    trend: [...trend.values()],
    top_principals: worst(principals.values()),
    top_rules: worst(rules.values()),
    isOpenOnly: true,
    ...(isCut ? { bounds: `counted from ${PAGE * PAGES_MAX} findings at most` } : {}),
  };
}
