// What became of every record: it adds up, or says that it does not.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useCallback, useMemo } from "react";
import { Link } from "wouter";
import { link, queryLink } from "../../app/url";
import { Chart, token } from "../../parts/chart";
import { Thin } from "../../parts/panel";
import { Asked } from "../../parts/states";
import { count, counted, percent } from "../../parts/words";
import { sourceWord, useLedger, type LedgerEntry } from "./ask";
import "./sources.css";

const PARTS = ["lake", "duplicates", "quarantined", "rejected", "removed"] as const;
type Part = (typeof PARTS)[number];
const WORDS: Record<Part, { head: string; tells: string; colour: string }> = {
  lake: { head: "In the lake", tells: "rows of its table", colour: "--accent" },
  duplicates: { head: "Duplicates", tells: "were there already", colour: "--low" },
  quarantined: { head: "Quarantined", tells: "no record of a known log, kept as they came", colour: "--medium" },
  rejected: { head: "Rejected", tells: "refused", colour: "--critical" },
  removed: { head: "Removed", tells: "past the time of keeping", colour: "--info" },
};

export function Ledger() {
  const ledger = useLedger(15_000);
  return (
    <Asked what="the ledger" asked={ledger}>
      {(entries) => (
        <SpaceBetween size="l">
          <Verdict entries={entries} />
          <Rows entries={entries} />
          <Bars entries={entries} />
        </SpaceBetween>
      )}
    </Asked>
  );
}

function Verdict({ entries }: { entries: LedgerEntry[] }) {
  const off = entries.filter((entry) => !entry.balanced);
  const all = entries.reduce((sum, entry) => sum + entry.in, 0);
  if (off.length > 0) {
    return (
      <Alert type="error" header={`The ledger does not balance: ${off.map((entry) => sourceWord(entry.source)).join(", ")}`}>
        Records are missing or counted twice. Run skywarden doctor --data DIR --ledger on the server, then skywarden lake fsck --lake DIR/lake. Senders keep what was not acknowledged; send it again, nothing is taken twice.
      </Alert>
    );
  }
  if (all === 0) {
    return (
      <span>
        No record was read yet.{" "}
        <Link className="linked" href="/start">
          Drop files or connect AWS
        </Link>
        .
      </span>
    );
  }
  return (
    <div className="whole-words">
      <StatusIndicator type="success">{`${counted(all, "record was", "records were")} read, and every one is accounted for`}</StatusIndicator>
    </div>
  );
}

function difference(entry: LedgerEntry): number {
  return entry.in - PARTS.reduce((sum, part) => sum + entry[part], 0);
}

function Rows({ entries }: { entries: LedgerEntry[] }) {
  return (
    <Container
      header={
        <Header variant="h2" description="In = in the lake + duplicates + quarantined + rejected + removed, by counts that know nothing of each other">
          Ledger
        </Header>
      }
    >
      <Thin
        stacks
        label="Ledger"
        heads={[{ label: "Source" }, { label: "In" }, ...PARTS.map((part) => ({ label: WORDS[part].head })), { label: "Adds up" }]}
        rows={entries.map((entry) => ({
          key: entry.source,
          cells: [
            sourceWord(entry.source),
            <b>{count(entry.in)}</b>,
            ...PARTS.map((part) => <Number entry={entry} part={part} />),
            entry.balanced ? <StatusIndicator type="success">Yes</StatusIndicator> : <StatusIndicator type="error">{`No, off by ${count(difference(entry))}`}</StatusIndicator>,
          ],
        }))}
      />
    </Container>
  );
}

function Number({ entry, part }: { entry: LedgerEntry; part: Part }) {
  const n = entry[part];
  if (n === 0) return <span className="muted">0</span>;
  if (part === "lake" && entry.source !== "unknown") {
    return (
      <Link className="linked" href={queryLink(`SOURCE '${entry.source}' | sort @timestamp desc | limit 200`)}>
        {count(n)}
      </Link>
    );
  }
  if (part === "quarantined") {
    return (
      <Link className="linked" href={link("/sources", { tab: "quarantine" })}>
        {count(n)}
      </Link>
    );
  }
  return <>{count(n)}</>;
}

function Bars({ entries }: { entries: LedgerEntry[] }) {
  const shown = useMemo(() => entries.filter((entry) => entry.in > 0), [entries]);
  const table = useMemo(
    () => ({
      heads: ["Source", ...PARTS.map((part) => WORDS[part].head)],
      rows: shown.map((entry) => [sourceWord(entry.source), ...PARTS.map((part) => `${count(entry[part])} (${percent(entry[part] / entry.in)})`)]),
    }),
    [shown],
  );
  const option = useCallback(
    () => ({
      grid: { left: 8, right: 24, top: 36, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 12, textStyle: { color: token("--ink") } },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: (value: unknown) => percent(value as number) },
      xAxis: { type: "value", max: 1, axisLabel: { formatter: (value: number) => `${Math.round(value * 100)} %`, color: token("--muted") }, splitLine: { lineStyle: { color: token("--line") } } },
      yAxis: { type: "category", inverse: true, data: shown.map((entry) => sourceWord(entry.source)), axisLabel: { color: token("--ink") }, axisTick: { show: false } },
      series: PARTS.map((part) => ({
        name: WORDS[part].head,
        type: "bar",
        stack: "in",
        barMaxWidth: 26,
        itemStyle: { color: token(WORDS[part].colour), borderColor: token("--surface"), borderWidth: 1 },
        data: shown.map((entry) => entry[part] / entry.in),
      })),
    }),
    [shown],
  );
  if (shown.length === 0) return null;
  return (
    <Container header={<Header variant="h2" description="As a share of what was read of each source">Where records went</Header>}>
      <Chart label="What became of the records of each source" option={option} table={table} height={70 + 52 * shown.length} />
      <Box color="text-body-secondary" fontSize="body-s">
        {PARTS.map((part) => `${WORDS[part].head}: ${WORDS[part].tells}`).join(". ")}.
      </Box>
    </Container>
  );
}
