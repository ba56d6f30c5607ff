// The findings that are shown: pages as they are asked for, changes in their place, new ones counted and kept back.
import { useInfiniteQuery, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { call, type Finding, type Schema } from "../../api/client";
import { useLive } from "../../api/live";
import { useRules } from "../../api/rules";
import { asked, fits, type Filters } from "./filters";
import { begun, isBefore, merged, type Heaps } from "./merge";

type Page = Schema<"Page">;
const PAGE = 100;
const PAGE_OF_RULE = 25;
const ASK_AGAIN_MS = 30_000;

/** `ofTactic` are the rules of the tactic in the filters; undefined while they are not known. */
export function useFindings(filters: Filters, ofTactic: readonly string[] | null | undefined) {
  const cache = useQueryClient();
  const wanted = asked(filters);
  const wantedKey = JSON.stringify(wanted);
  const key = JSON.stringify([wanted, ofTactic]);
  const pages = useInfiniteQuery({
    queryKey: ["findings", key],
    queryFn: ({ pageParam, signal }): Promise<{ findings: Finding[]; next?: string | Heaps | null }> => {
      const ask = (more: Record<string, string | number | null>) => call<Page>("/api/v1/findings", { query: { ...wanted, ...more }, signal });
      if (pageParam instanceof Map) return merged(pageParam, (rule, cursor) => ask({ rule, cursor, limit: PAGE_OF_RULE }), filters.sort, PAGE);
      return ask({ cursor: pageParam, limit: PAGE });
    },
    initialPageParam: (ofTactic ? begun(ofTactic.filter((rule) => !filters.rule || rule === filters.rule)) : null) as string | Heaps | null,
    enabled: ofTactic !== undefined,
    getNextPageParam: (last) => last.next ?? null,
    staleTime: Infinity,
    gcTime: 0,
  });
  // What changed since the pages were loaded, kept per question.
  const [later, setLater] = useState<{ key: string; shown: Map<string, Finding>; fresh: Map<string, Finding> }>({ key, shown: new Map(), fresh: new Map() });
  const current = later.key === key ? later : { key, shown: new Map<string, Finding>(), fresh: new Map<string, Finding>() };

  const loaded = useMemo(() => {
    const seen = new Set<string>();
    // The order may shift between two pages, so that one finding is in both.
    return (pages.data?.pages ?? []).flatMap((page) => page.findings).filter((one) => !seen.has(one.uid) && seen.add(one.uid));
  }, [pages.data]);
  const hasMore = useRef(false);
  hasMore.current = pages.hasNextPage;
  const uids = useMemo(() => new Set(loaded.map((one) => one.uid)), [loaded]);
  const rows = useMemo(() => loaded.map((one) => current.shown.get(one.uid) ?? one), [loaded, current.shown]);

  const hear = useCallback(
    (finding: Finding) => {
      setLater((all) => {
        const base = all.key === key ? all : { key, shown: new Map<string, Finding>(), fresh: new Map<string, Finding>() };
        const known = base.shown.get(finding.uid) ?? base.fresh.get(finding.uid) ?? loaded.find((one) => one.uid === finding.uid);
        if (known && known.version === finding.version && known.count === finding.count && known.status === finding.status) return all;
        if (uids.has(finding.uid)) return { ...base, shown: new Map(base.shown).set(finding.uid, finding) };
        const fresh = new Map(base.fresh);
        // What would stand beneath the last that is loaded comes by scrolling.
        const last = hasMore.current ? loaded.at(-1) : undefined;
        if (fits(finding, filters, ofTactic ?? null) && (!last || isBefore(finding, last, filters.sort))) fresh.set(finding.uid, finding);
        else fresh.delete(finding.uid);
        return { ...base, fresh };
      });
    },
    [filters, ofTactic, key, loaded, uids],
  );
  const heard = useRef(hear);
  heard.current = hear;
  const isLoaded = pages.data !== undefined;
  useLive((finding) => {
    if (pages.data) hear(finding);
    countAgain(cache);
  });

  // The stream tells what events change, but not what colleagues decide: that is asked for now and then.
  useEffect(() => {
    if (!isLoaded) return;
    const timer = setInterval(() => {
      if (document.hidden) return;
      call<Page>("/api/v1/findings", { query: { ...(JSON.parse(wantedKey) as Record<string, string>), limit: 200 } }).then(
        (page) => page.findings.forEach((one) => heard.current(one)),
        () => undefined,
      );
    }, ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [wantedKey, isLoaded]);

  const showFresh = async () => {
    await cache.resetQueries({ queryKey: ["findings", key] });
    setLater({ key, shown: new Map(), fresh: new Map() });
  };
  return { pages, rows, fresh: current.fresh, hear, showFresh };
}

let countsDue: ReturnType<typeof setTimeout> | undefined;
/** In a flood of findings they are counted again once a second. */
function countAgain(cache: QueryClient): void {
  countsDue ??= setTimeout(() => {
    countsDue = undefined;
    void cache.invalidateQueries({ queryKey: ["finding-counts"] });
  }, 1000);
}

export function useCounts() {
  return useQuery({ queryKey: ["finding-counts"], queryFn: () => call<Schema<"Count">[]>("/api/v1/finding-counts"), staleTime: 5_000 });
}

/** Rules by id, for their titles. */
export function useRuleTitles(): Map<string, string> {
  const rules = useRules();
  return useMemo(() => new Map((rules ?? []).map((rule) => [rule.id, rule.title])), [rules]);
}

/** The rules of a tactic, all of them where none is named: null; undefined while rules are not known. */
export function useRulesOf(tactic: string | undefined): string[] | null | undefined {
  const rules = useRules();
  return useMemo(() => (tactic === undefined ? null : rules?.filter((rule) => rule.tactics.includes(tactic)).map((rule) => rule.id)), [rules, tactic]);
}
