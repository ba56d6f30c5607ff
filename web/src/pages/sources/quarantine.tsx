// What was read and is no record, as it came. It is text, whatever it holds.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import SplitPanel from "@cloudscape-design/components/split-panel";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { call, type Schema } from "../../api/client";
import { useMay } from "../../api/session";
import { useShell } from "../../app/shell";
import { useUrl } from "../../app/url";
import { ActButton } from "../../parts/act";
import { Grid, type Column } from "../../parts/grid";
import { Raw } from "../../parts/json";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { bytes, count, counted } from "../../parts/words";
import { sourceWord } from "./ask";

type Entry = Schema<"QuarantineEntry">;

const PAGE = 100;
/** As much of a piece as the server gives. */
const RAW_BYTES = 16 * 1024;

export function Quarantine() {
  const [picked, pick] = useUrl("entry");
  const asked = useInfiniteQuery({
    queryKey: ["quarantine"],
    queryFn: ({ pageParam, signal }) => call<Schema<"QuarantinePage">>("/api/v1/quarantine", { query: { limit: PAGE, cursor: pageParam }, signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    retry: false,
  });
  const entries = useMemo(() => asked.data?.pages.flatMap((page) => page.entries) ?? [], [asked.data]);
  const at = entries.findIndex((entry) => entry.identity === picked);
  const { setPanel } = useShell();
  // A row that is open already opens its panel again.
  const [again, reopen] = useState(0);
  const open = at >= 0 ? entries[at] : undefined;
  useEffect(() => {
    setPanel(
      open ? (
        <SplitPanel header="Quarantined" closeBehavior="hide" hidePreferencesButton>
          <Details entry={open} />
        </SplitPanel>
      ) : null,
    );
  }, [open, setPanel, again]);
  useEffect(() => () => setPanel(null), [setPanel]);
  return (
    <Asked what="the quarantine" asked={{ ...asked, data: asked.data?.pages }}>
      {() => (
        <SpaceBetween size="s">
          <Header variant="h2" counter={`(${count(entries.length)}${asked.hasNextPage ? "+" : ""})`} actions={<Replay n={entries.length} />} description={inLedger(entries, asked.hasNextPage)}>
            Quarantine
          </Header>
          {entries.length === 0 ? (
            <Empty title="Nothing was quarantined">Everything that was read is a record of a known log.</Empty>
          ) : (
            <Grid
              label="Quarantine"
              columns={COLUMNS}
              rows={entries}
              rowKey={(entry) => entry.identity}
              height={Math.min(560, 40 + 30 * entries.length + 16)}
              at={at}
              onAt={(to) => pick(entries[to]?.identity ?? "")}
              onClick={() => reopen((n) => n + 1)}
              onOpen={(entry) => pick(entry.identity)}
            />
          )}
          {asked.hasNextPage ? (
            <ActButton loading={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>
              Load more
            </ActButton>
          ) : null}
        </SpaceBetween>
      )}
    </Asked>
  );
}

/** As many as the ledger counts under this word, and what they are. */
function inLedger(entries: Entry[], isMore: boolean): string {
  const records = entries.reduce((sum, entry) => sum + entry.records, 0);
  return `What was read and is no record of a known log, kept as it came. The ledger counts the records in these pieces as Quarantined: ${isMore ? "at least " : ""}${count(records)}. What has no form that is known has none`;
}

const COLUMNS: Column<Entry>[] = [
  { id: "time", head: "Quarantined (UTC)", width: 160, cell: (entry) => <Time at={entry.time} /> },
  { id: "source", head: "Source", width: 120, cell: (entry) => sourceWord(entry.source || "unknown") },
  { id: "reason", head: "Reason", width: 260, grows: true, cell: (entry) => <span title={visible(entry.reason)}>{visible(entry.reason)}</span> },
  { id: "object", head: "Object", width: 260, grows: true, cell: (entry) => (entry.object ? <Value text={entry.object} /> : "not known") },
  { id: "offset", head: "Offset", width: 90, cell: (entry) => (entry.offset == null ? "" : count(entry.offset)) },
  { id: "records", head: "Records", width: 80, cell: (entry) => count(entry.records) },
  { id: "bytes", head: "Size", width: 80, cell: (entry) => bytes(entry.bytes) },
];

function Details({ entry }: { entry: Entry }) {
  return (
    <SpaceBetween size="m">
      <KeyValuePairs
        columns={1}
        items={[
          { label: "Why", value: <span className="wraps">{visible(entry.reason)}</span> },
          { label: "When (UTC)", value: <Time at={entry.time} /> },
          { label: "Object", value: entry.object ? <Value text={entry.object} /> : "not known" },
          { label: "Where in it", value: entry.offset == null ? "not known" : `byte ${count(entry.offset)}` },
          { label: "Size", value: `${bytes(entry.bytes)}, ${counted(entry.records, "record")}` },
          { label: "Identity", value: <Value text={entry.identity} /> },
        ]}
      />
      <div>
        <Box variant="h3" padding={{ top: "n" }}>
          As it came
        </Box>
        <div className="rawpart" tabIndex={0} role="region" aria-label="As it came">
          <Raw text={entry.raw} />
        </div>
        {entry.bytes > RAW_BYTES && entry.raw.length < entry.bytes ? <Box color="text-body-secondary">Cut here: it has {bytes(entry.bytes)}.</Box> : null}
      </div>
      <Box color="text-body-secondary">If the sender is yours, mend it there and send again: what was taken already is taken once. If it is right and not understood, an update may read it; then replay.</Box>
    </SpaceBetween>
  );
}

/** All go through the log of deliveries again; what can be read now is in the lake once those before `position` are. */
function replayWords({ replayed }: Schema<"QuarantineReplayed">): string {
  return `${counted(replayed, "entry", "entries")} ${replayed === 1 ? "is" : "are"} tried again. What can be read now is in the lake within seconds, once; the entries stay here.`;
}

function Replay({ n }: { n: number }) {
  const mayReplay = useMay("users:manage");
  const cache = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<{ type: "success" | "info" | "error"; text: string } | null>(null);
  if (!mayReplay) return null;
  const replay = async () => {
    setBusy(true);
    try {
      const done = await call<Schema<"QuarantineReplayed">>("/api/v1/quarantine/replays", { method: "POST" });
      setResult({ type: done.replayed > 0 ? "success" : "info", text: replayWords(done) });
      await cache.invalidateQueries({ queryKey: ["quarantine"] });
      await cache.invalidateQueries({ queryKey: ["ledger"] });
    } catch (err) {
      setResult({ type: "error", text: err instanceof Error ? err.message : String(err) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <SpaceBetween size="xs" direction="horizontal" alignItems="center">
      {result ? (
        <Alert type={result.type} dismissible onDismiss={() => setResult(null)}>
          {visible(result.text)}
        </Alert>
      ) : null}
      <ActButton iconName="refresh" loading={isBusy} disabled={n === 0} onClick={() => void replay()}>
        Replay
      </ActButton>
    </SpaceBetween>
  );
}
