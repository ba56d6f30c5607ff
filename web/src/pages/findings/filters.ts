// Which findings the queue shows. Names in the address are those of the API.
import { useMemo } from "react";
import { useSearchParams } from "wouter";
import type { Finding, FindingStatus } from "../../api/client";

export const OPEN: FindingStatus[] = ["new", "notified", "in_progress"];
export const STATUSES: FindingStatus[] = ["new", "notified", "in_progress", "resolved", "suppressed"];
/** What a token of the filter field can be about. */
export const FIELDS = ["rule", "principal", "account", "assignee", "verdict", "tactic", "from", "to"] as const;
export type Field = (typeof FIELDS)[number];

export interface Filters extends Partial<Record<Field, string>> {
  status: FindingStatus[];
  severity_min: number;
  text: string;
  sort: "worst" | "latest";
}

export function readFilters(params: URLSearchParams): Filters {
  const said = params.get("status");
  const status = said === null ? OPEN : STATUSES.filter((one) => said === "all" || said.split(",").includes(one));
  const severity = Number(params.get("severity_min") ?? 0);
  const filters: Filters = {
    status: status.length === 0 ? OPEN : status,
    severity_min: severity >= 1 && severity <= 5 ? Math.floor(severity) : 0,
    text: (params.get("text") ?? "").slice(0, 200),
    sort: params.get("sort") === "latest" ? "latest" : "worst",
  };
  for (const field of FIELDS) {
    const value = params.get(field);
    if (value) filters[field] = value;
  }
  return filters;
}

/** As the API is asked, which knows rules and not their tactics. */
export function asked(filters: Filters): Record<string, string | number> {
  const { status, severity_min, text, sort, tactic: _, ...fields } = filters;
  return {
    ...fields,
    sort,
    ...(status.length < STATUSES.length ? { status: status.join(",") } : {}),
    ...(severity_min > 0 ? { severity_min } : {}),
    ...(text === "" ? {} : { text }),
  };
}

/** Whether a finding that came just now would be listed. Resources and addresses are not in what lists show, so a text that is nowhere else may still be there. `ofTactic` are the rules of the tactic that is asked for. */
export function fits(finding: Finding, filters: Filters, ofTactic: readonly string[] | null): boolean {
  if (!filters.status.includes(finding.status) || finding.severity_id < filters.severity_min) return false;
  if (ofTactic && !ofTactic.includes(finding.rule)) return false;
  if (filters.rule && filters.rule !== finding.rule) return false;
  if (filters.account && filters.account !== finding.account) return false;
  if (filters.principal && !finding.principal.toLowerCase().includes(filters.principal.toLowerCase())) return false;
  if (filters.assignee && filters.assignee !== (finding.assignee ?? "-")) return false;
  if (filters.verdict && filters.verdict !== finding.verdict) return false;
  if (filters.from && Date.parse(finding.last_seen) < Date.parse(filters.from)) return false;
  if (filters.to && Date.parse(finding.first_seen) >= Date.parse(filters.to)) return false;
  return true;
}

/** The filters of the address, and how to change them: an empty value takes one out. */
export function useFilters(): { filters: Filters; put: (change: Record<string, string>) => void } {
  const [params, set] = useSearchParams();
  const key = params.toString();
  const filters = useMemo(() => readFilters(new URLSearchParams(key)), [key]);
  const put = (change: Record<string, string>) => {
    set(
      (before) => {
        const next = new URLSearchParams(before);
        for (const [name, value] of Object.entries(change)) {
          if (value === "") next.delete(name);
          else next.set(name, value);
        }
        return next;
      },
      { replace: true },
    );
  };
  return { filters, put };
}
