// The findings that are shown: pages as they are asked for, changes in their place, new ones counted and kept back.
import { useInfiniteQuery, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { call, type Finding, type Rule, type Schema } from "../../api/client";
import { useLive } from "../../api/live";
import { useMay } from "../../api/session";
import { asked, fits, type Filters } from "./filters";

type Page = Schema<"Page">;
const PAGE = 100;
const ASK_AGAIN_MS = 30_000;

function isBefore(one: Finding, other: Finding, sort: Filters["sort"]): boolean {
  if (sort === "worst" && one.severity_id !== other.severity_id) return one.severity_id > other.severity_id;
  return one.last_seen > other.last_seen;
}

export function useFindings(filters: Filters) {
  const cache = useQueryClient();
  const wanted = asked(filters);
  const key = JSON.stringify(wanted);
  const pages = useInfiniteQuery({
    queryKey: ["findings", key],
    queryFn: ({ pageParam, signal }) => call<Page>("/api/v1/findings", { query: { ...wanted, limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
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
        if (fits(finding, filters) && (!last || isBefore(finding, last, filters.sort))) fresh.set(finding.uid, finding);
        else fresh.delete(finding.uid);
        return { ...base, fresh };
      });
    },
    [filters, key, loaded, uids],
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
      call<Page>("/api/v1/findings", { query: { ...(JSON.parse(key) as Record<string, string>), limit: 200 } }).then(
        (page) => page.findings.forEach((one) => heard.current(one)),
        () => undefined,
      );
    }, ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [key, isLoaded]);

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
  const may = useMay("rules:read");
  const { data } = useQuery({ queryKey: ["rule-titles"], queryFn: () => call<Rule[]>("/api/v1/rules"), staleTime: 300_000, enabled: may });
  return useMemo(() => new Map((data ?? []).map((rule) => [rule.id, rule.title])), [data]);
}
