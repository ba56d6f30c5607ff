// Which account sends which log from which Region, and how fresh it is.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { Link } from "wouter";
import { quoted } from "../../api/query";
import { useMay } from "../../api/session";
import { entityLink, link, queryLink, useUrl } from "../../app/url";
import { Asked, Empty, Failed, Loading } from "../../parts/states";
import { ago, asDate, useNow, utc } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { count } from "../../parts/words";
import { sourceWord, useCells, useSources, type Cell } from "./ask";
import "./sources.css";

const WINDOWS = [
  { value: "1", label: "Last day" },
  { value: "7", label: "Last 7 days" },
  { value: "30", label: "Last 30 days" },
  { value: "0", label: "All that is kept" },
];

const SILENT_SHOWN = 12;

/** How fresh the newest event is: a word, a colour, and so long at most. */
const FRESH = [
  { id: "live", word: "live", most_s: 3600, tells: "within 1 h" },
  { id: "late", word: "late", most_s: 86_400, tells: "within 24 h" },
  { id: "old", word: "old", most_s: 7 * 86_400, tells: "within 7 days" },
  { id: "silent", word: "silent", most_s: Infinity, tells: "longer ago" },
] as const;

export function freshness(newest: string, now: number) {
  const age = (now - (asDate(newest)?.getTime() ?? 0)) / 1000;
  return FRESH.find((one) => age <= one.most_s) ?? FRESH[3];
}

export function LogMatrix() {
  const asked = useSources();
  const mayAsk = useMay("query:run");
  const [days, setDays] = useUrl("days", "30");
  const known = WINDOWS.find((one) => one.value === days) ?? WINDOWS[2];
  const cells = useCells(asked.sources, Number(known?.value ?? 30));
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="A cell is what one account sent of one log from one Region. A number leads to its events."
          actions={
            <FormField label={<span className="visually-hidden">Time</span>}>
              <Select selectedOption={known ?? null} options={WINDOWS} onChange={({ detail }) => setDays(detail.selectedOption.value ?? "30")} />
            </FormField>
          }
        >
          Log sources by account and Region
        </Header>
      }
    >
      {!mayAsk ? (
        <Alert type="info">Your role may not ask the lake, so this is not shown.</Alert>
      ) : asked.error ? (
        <Failed what="load sources" error={asked.error} retry={() => void asked.refetch()} />
      ) : asked.isPending ? (
        <Loading what="sources" />
      ) : (
        <Asked what="what came of each account" asked={cells}>
          {({ cells: found, isPartial }) => <Matrix cells={found} sources={asked.sources} days={Number(known?.value ?? 30)} isPartial={isPartial} />}
        </Asked>
      )}
    </Container>
  );
}

function Matrix({ cells, sources, days, isPartial }: { cells: Cell[]; sources: string[]; days: number; isPartial: boolean }) {
  const now = useNow();
  if (cells.length === 0) {
    return (
      <Empty title="No event in this time">
        <Link className="linked" href="/start">
          Drop files or connect AWS
        </Link>
        , or choose a longer time.
      </Empty>
    );
  }
  const accounts = [...new Set(cells.map((cell) => cell.account))].sort();
  // What does not say its Region comes last.
  const regions = [...new Set(cells.map((cell) => cell.region))].sort((a, b) => Number(a === "") - Number(b === "") || a.localeCompare(b));
  const at = new Map(cells.map((cell) => [`${cell.account}\n${cell.region}\n${cell.source}`, cell]));
  const silent = accounts.flatMap((account) => sources.filter((source) => !cells.some((cell) => cell.account === account && cell.source === source)).map((source) => ({ account, source })));
  return (
    <SpaceBetween size="s">
      {isPartial ? <Alert type="warning">There are more accounts and Regions than are shown.</Alert> : null}
      <div className="scrolls" tabIndex={0} role="region" aria-label="Log sources by account and Region">
        <table className="matrix">
          <thead>
            <tr>
              <th scope="col">Account</th>
              <th scope="col">Log</th>
              {regions.map((region) => (
                <th scope="col" key={region}>
                  {region === "" ? "Not said" : visible(region)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {accounts.map((account) =>
              sources.map((source, nth) => (
                <tr key={account + source} className={nth === 0 ? "first" : undefined}>
                  {nth === 0 ? (
                    <th scope="rowgroup" rowSpan={sources.length}>
                      {account === "" ? "Not said" : <Value text={account} to={entityLink("account", account)} />}
                    </th>
                  ) : null}
                  <th scope="row">{sourceWord(source)}</th>
                  {regions.map((region) => (
                    <td key={region}>
                      <CellLink cell={at.get(`${account}\n${region}\n${source}`)} now={now} days={days} />
                    </td>
                  ))}
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
      <div className="legend" aria-label="What the colours mean">
        {FRESH.map((one) => (
          <span key={one.id} className="cell" data-fresh={one.id}>
            {one.word}: newest event {one.tells}
          </span>
        ))}
        <span className="cell none">–: no event</span>
      </div>
      {silent.length > 0 ? (
        <Box color="text-body-secondary">
          Not seen at all: {silent.slice(0, SILENT_SHOWN).map(({ account, source }) => `${sourceWord(source)} of ${account === "" ? "no account" : visible(account)}`).join(", ")}
          {silent.length > SILENT_SHOWN ? `, and ${count(silent.length - SILENT_SHOWN)} more` : ""}.{" "}
          <Link className="linked" href={link("/start", { way: "queue" })}>
            Connect them
          </Link>
        </Box>
      ) : null}
    </SpaceBetween>
  );
}

function CellLink({ cell, now, days }: { cell: Cell | undefined; now: number; days: number }) {
  if (!cell) return <span className="cell none">–</span>;
  const fresh = freshness(cell.newest, now);
  const filters = [
    cell.account === "" ? "not ispresent(event_account)" : `event_account = ${quoted(cell.account)}`,
    cell.region === "" ? "not ispresent(event_region)" : `event_region = ${quoted(cell.region)}`,
  ];
  const text = `SOURCE '${cell.source}' | filter ${filters.join(" and ")} | sort @timestamp desc | limit 500`;
  const from = days === 0 ? null : new Date(now - days * 86_400_000).toISOString();
  return (
    <Link href={queryLink(text, "ql", { from })} className="cell" data-fresh={fresh.id} title={`Newest event ${utc(cell.newest)} UTC, came ${utc(cell.arrived)} UTC`}>
      <b>{count(cell.n)}</b>
      <span>
        {fresh.word}, {ago(cell.newest, now)}
      </span>
    </Link>
  );
}
