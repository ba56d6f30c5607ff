// Who changed what; and whether that log itself is whole.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import SplitPanel from "@cloudscape-design/components/split-panel";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { call, type Schema } from "../../api/client";
import { useShell } from "../../app/shell";
import { useUrl } from "../../app/url";
import { ActButton } from "../../parts/act";
import { Grid, type Column } from "../../parts/grid";
import { Json } from "../../parts/json";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { count, counted } from "../../parts/words";
import { useAct } from "./act";
import { kindWord } from "./roles";

type Entry = Schema<"Entry">;
type Verified = Schema<"Verified">;

const PAGE = 200;
const ALL = { value: "", label: "All" };

export function Audit() {
  const [who, setWho] = useUrl("who");
  const [kind, setKind] = useUrl("kind");
  const [text, setText] = useUrl("text");
  const [picked, pick] = useUrl("entry");
  const asked = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam }) => call<Entry[]>("/api/v1/audit", { query: { limit: PAGE, before: pageParam } }),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => (page.length === PAGE ? page.at(-1)?.seq : undefined),
    staleTime: 5000,
  });
  const entries = useMemo(() => asked.data?.pages.flat() ?? [], [asked.data]);
  const shown = useMemo(() => {
    const wanted = text.toLowerCase();
    return entries.filter(
      (entry) => (who === "" || entry.who === who) && (kind === "" || entry.kind === kind) && (wanted === "" || `${entry.who} ${kindWord(entry.kind)} ${JSON.stringify(entry.what)}`.toLowerCase().includes(wanted)),
    );
  }, [entries, who, kind, text]);
  const at = shown.findIndex((entry) => String(entry.seq) === picked);
  const open = shown[at];
  const { setPanel } = useShell();
  // A row that is open already opens its panel again.
  const [again, reopen] = useState(0);
  useEffect(() => {
    setPanel(
      open ? (
        <SplitPanel header={`Entry ${open.seq}`} closeBehavior="hide" hidePreferencesButton>
          <SpaceBetween size="s">
            <Box>
              <Time at={open.time} /> UTC
            </Box>
            <Box>
              <Value text={open.who} /> {kindWord(open.kind)} <span className="mono muted">{visible(open.kind)}</span>
            </Box>
            <Json value={open.what} />
          </SpaceBetween>
        </SplitPanel>
      ) : null,
    );
  }, [open, setPanel, again]);
  useEffect(() => () => setPanel(null), [setPanel]);
  const { isBusy, error, act } = useAct();
  const [found, setFound] = useState<Verified | null>(null);
  const verify = () => act(async () => setFound(await call<Verified>("/api/v1/audit/verification")));
  const options = (values: string[], word: (value: string) => string) => [ALL, ...[...new Set(values)].sort().map((value) => ({ value, label: visible(word(value)) }))];
  const people = options(entries.map((entry) => entry.who), (value) => value);
  const kinds = options(entries.map((entry) => entry.kind), kindWord);
  return (
    <SpaceBetween size="m">
      <Header
        variant="h2"
        description="Each entry is chained to the one before it by hash, and checkpoints are signed"
        actions={
          <ActButton iconName="check" loading={isBusy} onClick={() => void verify()}>
            Verify
          </ActButton>
        }
      >
        Audit log
      </Header>
      <div role="status">
        {error ? <Alert type="error">{visible(error)}</Alert> : found ? <Verdict found={found} /> : null}
      </div>
      <Asked what="the audit" asked={{ ...asked, data: asked.data?.pages }}>
        {() => (
          <SpaceBetween size="s">
            <div className="filters">
              <FormField label="Who">
                <Select selectedOption={people.find((one) => one.value === who) ?? { value: who, label: visible(who) }} options={people} onChange={({ detail }) => setWho(detail.selectedOption.value ?? "")} filteringType="auto" />
              </FormField>
              <FormField label="Did what">
                <Select selectedOption={kinds.find((one) => one.value === kind) ?? { value: kind, label: kindWord(kind) }} options={kinds} onChange={({ detail }) => setKind(detail.selectedOption.value ?? "")} />
              </FormField>
              <FormField label="Text">
                <Input type="search" value={text} onChange={({ detail }) => setText(detail.value)} placeholder="A name, an id, an address" />
              </FormField>
            </div>
            <Box color="text-body-secondary">
              {shown.length === entries.length ? `${counted(entries.length, "entry", "entries")}, newest first` : `${count(shown.length)} of ${count(entries.length)} that are loaded`}
              {asked.hasNextPage ? ". There are older ones." : ""}
            </Box>
            {shown.length === 0 ? (
              <Empty title="Nothing like that is loaded">{asked.hasNextPage ? "Load older entries, or ask for less." : "Ask for less."}</Empty>
            ) : (
              <Grid
                label="Audit"
                columns={COLUMNS}
                rows={shown}
                rowKey={(entry) => String(entry.seq)}
                height={Math.min(620, 52 + 30 * shown.length)}
                at={at}
                onAt={(to) => pick(String(shown[to]?.seq ?? ""))}
                onClick={() => reopen((n) => n + 1)}
                onOpen={(entry) => pick(String(entry.seq))}
              />
            )}
            {asked.hasNextPage ? (
              <ActButton loading={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>
                Load older entries
              </ActButton>
            ) : null}
          </SpaceBetween>
        )}
      </Asked>
    </SpaceBetween>
  );
}

const COLUMNS: Column<Entry>[] = [
  { id: "seq", head: "No.", width: 70, cell: (entry) => entry.seq },
  { id: "time", head: "When (UTC)", width: 160, cell: (entry) => <Time at={entry.time} /> },
  { id: "who", head: "Who", width: 180, cell: (entry) => <Value text={entry.who} /> },
  { id: "kind", head: "Did what", width: 200, cell: (entry) => kindWord(entry.kind) },
  { id: "what", head: "Details", width: 300, grows: true, cell: (entry) => <span className="mono">{visible(JSON.stringify(entry.what))}</span> },
];

function Verdict({ found }: { found: Verified }) {
  if (found.troubles.length === 0) {
    return (
      <Alert type="success">
        Whole: {counted(found.entries, "entry", "entries")} go with each other, {count(found.vouched)} of them vouched for by a signed checkpoint
        {found.vouched < found.entries ? "; the newest are signed within a minute" : ""}.
      </Alert>
    );
  }
  return (
    <Alert type="error" header="The audit was tampered with, or is damaged">
      <ul>
        {found.troubles.map((trouble, nth) => (
          <li key={nth}>{visible(trouble)}</li>
        ))}
      </ul>
      Keep the data folder as it is, and compare with a backup: skywarden verify audit --data DIR
    </Alert>
  );
}
