// How the server and each thing that feeds it are doing.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { Link } from "wouter";
import type { Schema } from "../../api/client";
import { useStatus } from "../../app/bar";
import { link, queryLink } from "../../app/url";
import { CodeBlock } from "../../parts/codeblock";
import { Thin } from "../../parts/panel";
import { Spark } from "../../parts/spark";
import { Asked, Empty } from "../../parts/states";
import { Ago, asDate, Time, useNow } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { bytes, count, counted, span } from "../../parts/words";
import { SILENT_S } from "../overview/sources";
import { sourceWord, tables, useCells, useLedger, useStatusEvery, type Cell } from "./ask";
import { rate, rateWords, steps, useSamples, type Sample } from "./rates";
import { advice, missing, statement } from "./trouble";

type Status = Schema<"ServerStatus">;
type Feed = Schema<"FeedStatus">;

export function Health() {
  const status = useStatusEvery(3000);
  const samples = useSamples(status.data, status.dataUpdatedAt);
  return (
    <Asked what="the status" asked={status}>
      {(data) => (
        <SpaceBetween size="l">
          <Numbers status={data} samples={samples} />
          <SourceTable status={data} samples={samples} />
          <Feeds feeds={data.feeds} />
          <Log status={data} />
          <Doctor />
        </SpaceBetween>
      )}
    </Asked>
  );
}

/** Says on top of every tab that something does not get on. */
export function Trouble() {
  const { data } = useStatus();
  const feeds = data?.feeds.filter((feed) => feed.trouble) ?? [];
  if (!data?.trouble && feeds.length === 0) return null;
  return (
    <SpaceBetween size="s">
      {data?.trouble ? (
        <Alert type="error" header="The server does not get on">
          <SpaceBetween size="xs">
            <span>{visible(data.trouble)}</span>
            <span>What senders were told is kept is on disk, and goes on from there. Look for a full disk first, then run this on the server:</span>
            <CodeBlock label="Command" text="skywarden doctor --data DIR --ledger" isInline />
          </SpaceBetween>
        </Alert>
      ) : null}
      {feeds.length > 0 ? (
        <Alert type="warning" header={feeds.length === 1 ? "A feed does not get on" : `${feeds.length} feeds do not get on`}>
          <SpaceBetween size="m">
            {feeds.map((feed) => (
              <Why key={feed.what} what={feed.what} trouble={feed.trouble ?? ""} />
            ))}
          </SpaceBetween>
        </Alert>
      ) : null}
    </SpaceBetween>
  );
}

function Numbers({ status, samples }: { status: Status; samples: Sample[] }) {
  const behind = Math.max(0, status.log.durable - status.log.detected);
  return (
    <Container>
      <KeyValuePairs
        columns={4}
        items={[
          {
            label: "Events since start",
            value: (
              <Link className="linked big" href={queryLink("sort @timestamp desc | limit 200")}>
                {count(status.events)}
              </Link>
            ),
          },
          { label: "Now", value: <span className="big">{rateWords(rate(samples, ""))}</span> },
          {
            label: "Rules",
            value: (
              <span>
                <Link className="linked big" href="/detections">
                  {count(status.rules.loaded)}
                </Link>{" "}
                {status.rules.broken > 0 ? (
                  <Link className="linked" href="/detections">
                    <StatusIndicator type="error">{count(status.rules.broken)} broken</StatusIndicator>
                  </Link>
                ) : (
                  <StatusIndicator type="success">none broken</StatusIndicator>
                )}
              </span>
            ),
          },
          {
            label: "Behind",
            value:
              behind === 0 ? (
                <StatusIndicator type="success">Every delivery was looked at</StatusIndicator>
              ) : (
                <StatusIndicator type="in-progress">{counted(behind, "delivery waits", "deliveries wait")} for the rules</StatusIndicator>
              ),
          },
        ]}
      />
    </Container>
  );
}

interface SourceRow {
  source: string;
  events: number;
  last: string | null;
  newest: string | null;
  lag: number | null;
}

function rows(status: Status, sources: string[], cells: Cell[] | undefined): SourceRow[] {
  const names = new Set([...sources, ...status.sources.map((one) => one.source)]);
  return [...names].map((source) => {
    const seen = status.sources.find((one) => one.source === source);
    const mine = cells?.filter((cell) => cell.source === source) ?? [];
    const newest = mine.map((cell) => cell.newest).sort().at(-1) ?? null;
    // How late the newest event came is how far behind the source is.
    const of = mine.find((cell) => cell.newest === newest);
    const [at, came] = [newest ? asDate(newest) : null, of ? asDate(of.arrived) : null];
    return { source, events: seen?.events ?? 0, last: seen?.last_seen ?? null, newest, lag: at && came ? (came.getTime() - at.getTime()) / 1000 : null };
  });
}

function SourceTable({ status, samples }: { status: Status; samples: Sample[] }) {
  const ledger = useLedger();
  const cells = useCells(tables(ledger.data ?? []), 30);
  const now = useNow();
  return (
    <Container
      header={
        <Header variant="h2" description="What came since the server began, and how fast it comes">
          Sources
        </Header>
      }
      footer={
        <Box color="text-body-secondary" fontSize="body-s">
          Late by: how long after it happened the newest event came. Files that are read again later are late by their age.
        </Box>
      }
    >
      <Asked what="sources" asked={ledger}>
        {(entries) => (
          <Thin
            stacks
            label="Sources"
            heads={["Source", "Events", "Rate", "Last minutes", "Last came", "State", "Newest event (UTC)", "Late by"].map((label) => ({ label }))}
            rows={rows(status, tables(entries), cells.data?.cells).map((row) => ({
              key: row.source,
              cells: [
                sourceWord(row.source),
                <Link className="linked" href={queryLink(`SOURCE '${row.source}' | sort @timestamp desc | limit 200`)}>
                  {count(row.events)}
                </Link>,
                rateWords(rate(samples, row.source)),
                <Spark values={steps(samples, row.source).slice(-24)} label={`Events of ${sourceWord(row.source)} at each look`} />,
                row.last ? <Ago at={row.last} /> : "nothing since the start",
                <Freshness last={row.last} now={now} />,
                row.newest ? <Time at={row.newest} /> : cells.isFetching ? "…" : "none in 30 days",
                row.lag === null ? "not known yet" : row.lag < 1 ? "under 1 s" : span(row.lag),
              ],
            }))}
          />
        )}
      </Asked>
      {status.events === 0 && status.feeds.length === 0 ? (
        <p className="hint">
          Nothing has come since the server began. <Link href="/start">Drop files or connect AWS</Link>.
        </p>
      ) : null}
    </Container>
  );
}

function Freshness({ last, now }: { last: string | null; now: number }) {
  const at = last ? asDate(last) : null;
  if (!at) return <StatusIndicator type="stopped">No event</StatusIndicator>;
  const s = (now - at.getTime()) / 1000;
  if (s <= SILENT_S) return <StatusIndicator type="success">Comes</StatusIndicator>;
  return <StatusIndicator type="warning">Silent for {span(s)}</StatusIndicator>;
}

function feedState(feed: Feed) {
  if (feed.trouble) return <StatusIndicator type="error">Does not get on</StatusIndicator>;
  if (feed.complete === true) return <StatusIndicator type="success">All was read</StatusIndicator>;
  if (feed.complete === false) return <StatusIndicator type="in-progress">Walks{feed.day ? ` ${feed.day}` : ""}</StatusIndicator>;
  return <StatusIndicator type="success">Listens</StatusIndicator>;
}

function Feeds({ feeds }: { feeds: Feed[] }) {
  return (
    <Container
      header={
        <Header variant="h2" counter={`(${feeds.length})`} description="Queues and buckets that the server reads by itself">
          Feeds
        </Header>
      }
    >
      {feeds.length === 0 ? (
        <Empty title="No queue or bucket is read">
          <Link className="linked" href={link("/start")}>
            Connect AWS
          </Link>{" "}
          makes the policy, the Terraform and the settings.
        </Empty>
      ) : (
        <Thin
          stacks
          label="Feeds"
          heads={[{ label: "Feed" }, { label: "State" }, { label: "Objects" }, { label: "Could not be read" }, { label: "What is missing", wraps: true }]}
          rows={feeds.map((feed) => ({
            key: feed.what,
            cells: [
              <Value text={feed.what} />,
              feedState(feed),
              feed.objects_known != null ? `${count(feed.objects_done ?? 0)} of ${count(feed.objects_known)}` : "",
              feed.gaps == null ? "" : feed.gaps > 0 ? <StatusIndicator type="warning">{count(feed.gaps)}</StatusIndicator> : "0",
              feed.trouble ? (missing(feed.trouble)?.action ?? "see above") : "",
            ],
          }))}
        />
      )}
    </Container>
  );
}

function Why({ what, trouble }: { what: string; trouble: string }) {
  const lacks = missing(trouble);
  return (
    <SpaceBetween size="xs">
      <Value text={what} />
      {lacks ? <Box variant="strong">Missing: {lacks.action}</Box> : null}
      <span className="wraps">{visible(trouble)}</span>
      <span className="muted wraps">{advice(trouble)}</span>
      {lacks ? <CodeBlock label="IAM statement" text={statement(lacks)} /> : null}
    </SpaceBetween>
  );
}

function Log({ status: { log, begun, version } }: { status: Status }) {
  const position = (at: number) => (at >= log.durable ? <StatusIndicator type="success">{count(at)}, all</StatusIndicator> : <StatusIndicator type="in-progress">{`${count(at)}, ${count(log.durable - at)} to go`}</StatusIndicator>);
  return (
    <Container
      header={
        <Header variant="h2" description="Deliveries are on disk before a sender hears that they are taken">
          Durable log
        </Header>
      }
    >
      <KeyValuePairs
        columns={4}
        items={[
          { label: "On disk", value: counted(log.durable, "delivery", "deliveries") },
          { label: "Looked at by rules", value: position(log.detected) },
          { label: "In the lake", value: position(log.committed) },
          { label: "Takes on the disk", value: bytes(log.bytes) },
          { label: "Files that wait", value: log.files_waiting === 0 ? <StatusIndicator type="success">None</StatusIndicator> : <StatusIndicator type="in-progress">{count(log.files_waiting)}</StatusIndicator> },
          { label: "Server began (UTC)", value: <Time at={begun} /> },
          { label: "Version", value: version },
          {
            label: "Metrics",
            value: (
              <a className="linked" href="/metrics" target="_blank" rel="noreferrer">
                /metrics, for Prometheus
              </a>
            ),
          },
        ]}
      />
    </Container>
  );
}

function Doctor() {
  return (
    <Container header={<Header variant="h2" description="On the server, also while it runs">Look closer</Header>}>
      <div className="commands">
        <CodeBlock label="Is all well, and does every record add up" text="skywarden doctor --data DIR --ledger" />
        <CodeBlock label="What the server knows besides its lake, as one file" text="skywarden backup FILE --data DIR" />
        <CodeBlock label="Every setting, and who says so" text="skywarden config show --origin" />
        <CodeBlock label="Is every file of the lake there and readable" text="skywarden lake fsck --lake DIR/lake" />
      </div>
    </Container>
  );
}
