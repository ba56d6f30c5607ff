// The queue: what is to be looked at, decided by keys.
import Button from "@cloudscape-design/components/button";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useMemo, useState, type UIEvent } from "react";
import { Link, useLocation, useSearch } from "wouter";
import type { Finding, Verdict } from "../../api/client";
import { useCan, useMay, useSession } from "../../api/session";
import { useShell } from "../../app/shell";
import { useLook } from "../../app/theme";
import { useUrl } from "../../app/url";
import { ActButton } from "../../parts/act";
import { Grid } from "../../parts/grid";
import { useKeys } from "../../parts/keys";
import { Empty, Failed, Loading } from "../../parts/states";
import { useNow } from "../../parts/time";
import { count, counted } from "../../parts/words";
import { useWidth } from "../../parts/width";
import { NothingYet, useIsNothing } from "../sources/nothing";
import { Chips } from "./chips";
import { columns } from "./columns";
import { useDecide } from "./decide";
import { useFilters } from "./filters";
import { useFindings, useRulesOf, useRuleTitles } from "./list";
import { Preview } from "./preview";
import { GROUPS, grouped, isGroup, keyOf, type GroupBy, type QueueRow } from "./rows";
import { Search } from "./search";
import { BegunSuppression, SuppressModal } from "./suppress";
import { lastSeen, layTrail, lookAt } from "./trail";
import { closedWords, VerdictMenu } from "./verdict";

const NEAR_END_PX = 900;
const NEAR_END_ROWS = 25;
/** Few groups hold many findings, so that their end is always near: past so many, more come only when they are asked for. */
const GROUPED_MAX = 1000;
const GROUP_OPTIONS = [
  { value: "", label: "Not grouped" },
  { value: "rule", label: "By rule" },
  { value: "principal", label: "By principal" },
  { value: "account", label: "By account" },
];

function useNarrow(): boolean {
  const query = useMemo(() => matchMedia("(max-width: 760px)"), []);
  const [isNarrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const tell = () => setNarrow(query.matches);
    query.addEventListener("change", tell);
    return () => query.removeEventListener("change", tell);
  }, [query]);
  return isNarrow;
}

export function Queue() {
  const { filters, put } = useFilters();
  const ofTactic = useRulesOf(filters.tactic);
  const [groupText, setGroup] = useUrl("group");
  const group: GroupBy | "" = GROUPS.find((one) => one === groupText) ?? "";
  const { pages, rows: findings, fresh, hear, showFresh } = useFindings(filters, ofTactic);
  const titles = useRuleTitles();
  const { data: me } = useSession();
  const may = useCan("findings:write");
  const canSuppress = useCan("suppressions:write");
  const maySuppress = useMay("suppressions:write");
  const reload = () => void showFresh();
  const { decide, takeBack, did } = useDecide(hear, reload);
  const { setPanel } = useShell();
  const [, go] = useLocation();
  const { density } = useLook();
  const isNarrow = useNarrow();
  const now = useNow();

  const [cursor, setCursor] = useState(lastSeen);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [openGroups, setOpenGroups] = useState<ReadonlySet<string>>(new Set());
  const [closing, setClosing] = useState<Finding[] | null>(null);
  const [suppressing, setSuppressing] = useState<Finding[] | null>(null);
  const [isPreview, setPreview] = useState(false);
  const [frame, width] = useWidth();
  const isWide = width > 1260;

  const rows = useMemo(() => grouped(findings, group, openGroups, titles), [findings, group, openGroups, titles]);
  const search = useSearch();
  useEffect(() => layTrail(rows, search), [rows, search]);
  const found = rows.findIndex((row) => keyOf(row) === cursor);
  const at = found < 0 && rows.length > 0 ? 0 : found;
  const row = rows[at];
  const moveTo = (next: number) => {
    const there = rows[Math.min(rows.length - 1, Math.max(0, next))];
    if (!there) return;
    lookAt(keyOf(there));
    setCursor(keyOf(there));
  };
  const isHeld = group !== "" && findings.length >= GROUPED_MAX;
  const more = () => {
    if (pages.hasNextPage && !pages.isFetching && !isHeld) void pages.fetchNextPage();
  };
  useEffect(() => {
    if (at >= rows.length - NEAR_END_ROWS) more();
  });
  const onScroll = ({ target }: UIEvent) => {
    const box = target as HTMLElement;
    if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX) more();
  };

  /** The selection, or else what is under the cursor. */
  const chosen = (): Finding[] => {
    if (selected.size > 0) return findings.filter((one) => selected.has(one.uid));
    if (!row) return [];
    return isGroup(row) ? row.findings : [row.finding];
  };
  const toggle = (which: QueueRow) => {
    const uids = isGroup(which) ? which.findings.map((one) => one.uid) : [which.finding.uid];
    const next = new Set(selected);
    const isAll = uids.every((uid) => next.has(uid));
    for (const uid of uids) if (isAll) next.delete(uid); else next.add(uid);
    setSelected(next);
  };
  const open = (which: QueueRow | undefined) => {
    if (!which) return;
    if (!isGroup(which)) return go(`/findings/${encodeURIComponent(which.finding.uid)}`);
    const next = new Set(openGroups);
    if (!next.delete(which.group)) next.add(which.group);
    setOpenGroups(next);
  };
  const assign = () => {
    if (may && me && chosen().length > 0) void decide(chosen(), { assignee: me.name }, "assigned to you");
  };
  const begin = () => {
    if (may && me) void decide(chosen(), { status: "in_progress", assignee: me.name }, "in progress, yours");
  };
  const startClosing = () => {
    const these = chosen();
    if (may && these.length > 0) setClosing(these);
  };
  const close = (verdict: Verdict) => {
    const these = closing ?? [];
    setClosing(null);
    if (selected.size === 0) moveTo(at + 1);
    setSelected(new Set());
    void decide(these, { status: "resolved", verdict }, closedWords(verdict));
  };
  const suppress = () => {
    const these = chosen();
    if (canSuppress && these.length > 0) setSuppressing(these);
  };

  useKeys([
    { key: "j", does: "Next finding", act: () => moveTo(at + 1) },
    { key: "k", does: "Finding before", act: () => moveTo(at - 1) },
    { key: "Enter", does: "Open the finding, or the group", act: () => open(row) },
    { key: "a", does: "Assign to me", act: assign },
    { key: "e", does: "Close with a verdict, then 1, 2 or 3", act: startClosing },
    { key: "x", does: "Select", act: () => row && toggle(row) },
    { key: "s", does: "Suppress", act: suppress },
    { key: "p", does: "Show or hide the preview", act: () => setPreview((on) => !on) },
    { key: "u", does: "Take back the last decision", act: takeBack },
    { key: "r", does: "Show new findings", act: reload },
    { key: "Escape", does: "Clear the selection", act: () => setSelected(new Set()) },
  ]);

  const under = row && !isGroup(row) ? row.finding : undefined;
  useEffect(() => {
    if (isPreview && under) setPanel(<Preview finding={under} onGone={() => setPreview(false)} />);
    else if (!isPreview) setPanel(null);
  }, [isPreview, under, setPanel]);

  const made = useMemo(
    () => columns({ isNarrow, isWide, selected, toggle, sort: filters.sort, onSort: (sort) => put({ sort: sort === "worst" ? "" : sort }), isGrouped: group !== "", now }),
    // `toggle` and `put` act on what is in the list.
    [isNarrow, isWide, selected, filters.sort, group, now],
  );
  const isAnyChosen = selected.size > 0 || rows.length > 0;
  return (
    <SpaceBetween size="s">
      {suppressing || !maySuppress ? null : <BegunSuppression onOpen={setSuppressing} />}
      <Chips filters={filters} put={put} />
      <div className="queue-tools" ref={frame}>
        <div className="grows">
          <Search filters={filters} put={put} rows={findings} titles={titles} />
        </div>
        <Select
          ariaLabel="Group"
          selectedOption={GROUP_OPTIONS.find((one) => one.value === group) ?? null}
          options={GROUP_OPTIONS}
          onChange={({ detail }) => setGroup(detail.selectedOption.value ?? "")}
        />
      </div>
      <div className="queue-bar">
        <span role="status" aria-live="polite">
          {selected.size > 0 ? (
            <b>{counted(selected.size, "finding")} selected</b>
          ) : (
            <span className="muted">
              {pages.data ? `${counted(findings.length, "finding")} loaded${pages.hasNextPage && !isHeld ? ", more as you scroll" : ""}` : ""}
              {ofTactic ? `, of the ${counted(ofTactic.length, "rule")} that now have the tactic` : ""}
              {group !== "" && pages.hasNextPage ? `. Groups hold and count only the ${count(findings.length)} that are loaded, not all that there are.` : ""}
            </span>
          )}
        </span>
        {isHeld && pages.hasNextPage ? (
          <ActButton variant="inline-link" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            Load more
          </ActButton>
        ) : null}
        {fresh.size > 0 ? (
          <button type="button" className="fresh" onClick={reload}>
            {count(fresh.size)} new: show <kbd>r</kbd>
          </button>
        ) : null}
        <span className="grows" />
        <SpaceBetween direction="horizontal" size="xs">
          {selected.size > 0 ? <Button variant="inline-link" onClick={() => setSelected(new Set())}>Clear</Button> : null}
          <ActButton disabled={!may || !isAnyChosen} onClick={assign}>Assign to me</ActButton>
          {isNarrow ? null : <ActButton disabled={!may || !isAnyChosen} onClick={begin}>Start</ActButton>}
          <ActButton disabled={!may || !isAnyChosen} onClick={startClosing}>Close</ActButton>
          <ActButton disabled={!maySuppress || !isAnyChosen} onClick={suppress}>Suppress</ActButton>
          {isNarrow ? null : <Button iconName="view-vertical" onClick={() => setPreview(!isPreview)} ariaLabel={isPreview ? "Hide the preview" : "Show a preview"} />}
        </SpaceBetween>
      </div>
      {pages.error && !pages.data ? (
        <Failed what="load findings" error={pages.error} retry={() => void pages.refetch()} />
      ) : !pages.data ? (
        <Loading what="findings" />
      ) : rows.length === 0 ? (
        <NoFindings isFiltered={isFiltered(filters)} onAll={() => go("/findings?status=all")} />
      ) : (
        <div className="queue" onScrollCapture={onScroll}>
          <Grid
            label="Findings"
            columns={made}
            rows={rows}
            rowKey={keyOf}
            height="100%"
            rowHeight={isNarrow ? 48 : density === "compact" ? 28 : 34}
            at={at}
            onAt={moveTo}
            onOpen={open}
            onClick={(which) => isGroup(which) && open(which)}
          />
        </div>
      )}
      {pages.isFetchNextPageError ? <Failed what="load further findings" error={pages.error} retry={() => void pages.fetchNextPage()} /> : null}
      {closing ? <VerdictMenu what={closing.length === 1 ? "the finding" : counted(closing.length, "finding")} onChoose={close} onCancel={() => setClosing(null)} /> : null}
      {suppressing ? (
        <SuppressModal
          findings={suppressing}
          onDone={(act, words) => {
            setSuppressing(null);
            setSelected(new Set());
            reload();
            did(act, words);
          }}
          onCancel={() => setSuppressing(null)}
        />
      ) : null}
    </SpaceBetween>
  );
}

function isFiltered(filters: ReturnType<typeof useFilters>["filters"]): boolean {
  const { sort: _, status, severity_min, text, ...fields } = filters;
  return status.length < 3 || severity_min > 0 || text !== "" || Object.keys(fields).length > 0;
}

function NoFindings({ isFiltered, onAll }: { isFiltered: boolean; onAll: () => void }) {
  const isNothing = useIsNothing();
  if (isNothing) return <NothingYet />;
  return isFiltered ? (
    <Empty title="No finding fits" action={<Button onClick={onAll}>Show all findings</Button>}>
      Take a filter away, or look at other statuses.
    </Empty>
  ) : (
    <Empty title="No open findings" action={<Button onClick={onAll}>Show all findings</Button>}>
      Either all is quiet and judged, or no logs come in: <Link href="/sources" className="linked">Sources &amp; health</Link> tells which.
    </Empty>
  );
}
