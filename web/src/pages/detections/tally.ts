// What rules found lately, and what people judged of it.
import { useQuery } from "@tanstack/react-query";
import { call, type Finding, type Schema } from "../../api/client";
import { useAnswer } from "../../api/query";

export const DAYS = 30;
const PAGE = 200;
const PAGES_MAX = 10;
const DAY_MS = 86400e3;

export interface RuleTally {
  open: number;
  closed: number;
  suppressed: number;
  right: number;
  wrong: number;
  benign: number;
}
export interface Tally {
  rules: Map<string, RuleTally>;
  findings: number;
  /** Whether there are more findings than were counted. */
  isCut: boolean;
  since: string;
}

export const NOTHING: RuleTally = { open: 0, closed: 0, suppressed: 0, right: 0, wrong: 0, benign: 0 };

export function tallied(findings: Finding[], rules: Map<string, RuleTally> = new Map()): Map<string, RuleTally> {
  for (const { rule, status, verdict } of findings) {
    let one = rules.get(rule);
    if (!one) rules.set(rule, (one = { ...NOTHING }));
    if (status === "suppressed") one.suppressed += 1;
    else if (status === "resolved") one.closed += 1;
    else one.open += 1;
    if (verdict === "true_positive") one.right += 1;
    else if (verdict === "false_positive") one.wrong += 1;
    else if (verdict === "benign") one.benign += 1;
  }
  return rules;
}

/** Findings of the last 30 days by rule, latest first until the most that is counted. */
export function useTally(mayRead: boolean) {
  return useQuery({
    queryKey: ["rule-tally"],
    enabled: mayRead,
    staleTime: 60_000,
    queryFn: async ({ signal }): Promise<Tally> => {
      const since = new Date(Math.floor(Date.now() / 60e3) * 60e3 - DAYS * DAY_MS).toISOString().replace(".000Z", "Z");
      const rules = new Map<string, RuleTally>();
      let cursor: string | null | undefined;
      let findings = 0;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const got = await call<Schema<"Page">>("/api/v1/findings", { query: { from: since, sort: "latest", limit: PAGE, cursor }, signal });
        tallied(got.findings, rules);
        findings += got.findings.length;
        cursor = got.next;
        if (!cursor) break;
      }
      return { rules, findings, isCut: Boolean(cursor), since };
    },
  });
}

/** Events that each rule matched in the last 30 days, of all that are in the lake. */
export function useHits(mayAsk: boolean) {
  const from = new Date(Math.floor(Date.now() / 3600e3) * 3600e3 - DAYS * DAY_MS).toISOString();
  return useAnswer(mayAsk ? { text: "SELECT rule_uid, count(*) AS n FROM hits GROUP BY rule_uid", lang: "sql", from } : null);
}

/** The share of those judged right among those judged right or wrong. */
export function precision({ right, wrong }: RuleTally): number | null {
  return right + wrong === 0 ? null : right / (right + wrong);
}
