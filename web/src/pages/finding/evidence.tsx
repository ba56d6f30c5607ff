// The events of a finding: a picture of when, a list, and the record of the one that is chosen.
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import { useMemo, useState, type CSSProperties } from "react";
import { Link } from "wouter";
import type { Finding } from "../../api/client";
import { useUrl } from "../../app/url";
import { Grid, type Column } from "../../parts/grid";
import { Raw } from "../../parts/json";
import { Empty, Failed, Loading } from "../../parts/states";
import { Time } from "../../parts/time";
import { visible } from "../../parts/value";
import { count, counted } from "../../parts/words";
import { eventsQuery } from "../findings/factlist";
import type { Facts } from "../findings/facts";
import { ownOf } from "../findings/own";
import { short, type Seen } from "./events";
import { Lanes, type Mark } from "./lanes";
import { EVENTS_MAX } from "./load";

const ROW_PX = 30;
const ROWS_SHOWN = 9;
/** As in the style. */
const STACKED_PX = 220;

const TIME: Column<Seen> = { id: "time", head: "Time", width: 150, cell: (event) => <Time at={event.ms} /> };
const NAME: Column<Seen> = { id: "name", head: "Event", width: 200, cell: (event) => <b title={visible(event.service)}>{visible(event.name || "record")}</b> };
const WHAT: Column<Seen> = {
  id: "what",
  head: "Resource",
  width: 180,
  grows: true,
  cell: (event) => (
    <span className="mono" title={event.resources.map(visible).join("\n")}>
      {event.resources.map((one) => visible(short(one))).join(", ")}
    </span>
  ),
};
const plain = (id: string, head: string, width: number, of: (event: Seen) => string): Column<Seen> => ({
  id,
  head,
  width,
  cell: (event) => (
    <span title={visible(of(event))} className={id === "error" ? "refused" : undefined}>
      {visible(short(of(event)))}
    </span>
  ),
});
const ASIDE = [
  { column: plain("who", "Principal", 190, (event) => event.session || event.principal), of: (event: Seen) => event.session || event.principal, words: "by" },
  { column: plain("ip", "From", 130, (event) => event.ip), of: (event: Seen) => event.ip, words: "from" },
  { column: plain("region", "Region", 110, (event) => event.region), of: (event: Seen) => event.region, words: "in" },
  { column: plain("error", "Error", 170, (event) => event.error), of: (event: Seen) => event.error, words: "refused with" },
];

/** What is the same in all events is said once, above the list. */
function aside(events: Seen[]): { columns: Column<Seen>[]; shared: { words: string; value: string }[] } {
  const columns: Column<Seen>[] = [TIME, NAME];
  const shared: { words: string; value: string }[] = [];
  for (const { column, of, words } of ASIDE) {
    const values = new Set(events.map(of));
    const [only = ""] = values;
    if (values.size > 1) columns.push(column);
    else if (only !== "") shared.push({ words, value: only });
  }
  columns.splice(Math.min(columns.length, 3), 0, WHAT);
  return { columns, shared };
}

/** What picture, list and record of so many events are given, before they are there and after; the record has what the others leave. */
function roomFor(n: number, source: string): CSSProperties {
  const isFlow = source === "aws_vpc_flow";
  const lanes = n > 1 ? 32 * Math.min(n, 8) : 0;
  const wide = (n > 1 ? 110 + lanes : 0) + 78 + Math.min(n, ROWS_SHOWN) * ROW_PX + (isFlow ? 60 : 460);
  // Beneath each other, a few rows are as high as many.
  const narrow = (n > 1 ? 210 + lanes : 0) + 150 + STACKED_PX + (isFlow ? 120 : 320);
  return { "--room": `${wide}px`, "--room-narrow": `${narrow}px` } as CSSProperties;
}

interface Props {
  finding: Finding;
  facts: Facts;
  asked: { data: Seen[] | undefined; error: unknown; isPending: boolean; isFetching: boolean; refetch: () => unknown };
  marks: string[];
  mayAsk: boolean;
}

export function Evidence({ finding, facts, asked, marks, mayAsk }: Props) {
  const [laneText, setLane] = useUrl("lane");
  const [chosen, setChosen] = useUrl("event");
  const [touched, setTouched] = useState(false);
  const events = useMemo(() => asked.data ?? [], [asked.data]);
  const { columns, shared } = useMemo(() => aside(events), [events]);
  const isOne = new Set(events.map((one) => one.session || one.principal)).size < 2;
  const lane = ["principal", "event", "ip"].includes(laneText) ? laneText : isOne ? "event" : "principal";
  const at = Math.max(0, events.findIndex((event) => event.uid === chosen));
  const event = events[at];
  const drawn = useMemo(
    () =>
      events.map(
        (one): Mark => ({
          id: one.uid,
          ms: one.ms,
          lane: lane === "event" ? one.name : lane === "ip" ? one.ip || "no address" : short(one.session || one.principal) || "unknown",
          title: `${one.name} ${short(one.session || one.principal)} ${one.error}`,
          tone: one.error !== "" ? "--muted" : one.isRead ? "--low" : "--high",
          shape: one.error !== "" ? "cross" : one.isRead ? "dot" : "triangle",
        }),
      ),
    [events, lane],
  );
  if (!mayAsk) return <Empty title="Events are not shown">Your role may not ask for events (query:run). An admin can change it under Settings.</Empty>;
  const own = ownOf(finding.rule);
  if (own) return <Empty title="No event is behind it">The server found it watching itself. <Link href={own.to} className="linked">See how it stands now</Link>.</Empty>;
  if (facts.events.length === 0) return <Empty title="No events are named">The finding names none of its events. Look at all hits of its rule instead.</Empty>;
  if (asked.error && !asked.data) return <Failed what="load the events" error={asked.error} retry={() => void asked.refetch()} />;
  const wanted = Math.min(facts.events.length, EVENTS_MAX);
  const room = roomFor(wanted, finding.source);
  if (!asked.data) return <div className="evidence" style={room}><Loading what="events" /></div>;
  const more = finding.count - events.length;
  const again = (
    <Button loading={asked.isFetching} onClick={() => void asked.refetch()}>
      Load again
    </Button>
  );
  const select = (next: number) => {
    const there = events[next];
    if (there) setChosen(there.uid);
    setTouched(true);
  };
  return (
    <div className="evidence" style={room}>
      {events.length < wanted ? (
        <Alert type="info" action={again}>
          {events.length === 0 ? "The events are not in the lake yet" : `${counted(wanted - events.length, "event")} of ${wanted} not in the lake yet`}: what came in just now takes some seconds.
        </Alert>
      ) : null}
      {events.length > 1 ? (
        <>
          <div className="tools">
            <SegmentedControl
              label="A lane for each"
              selectedId={lane}
              options={[
                { id: "principal", text: "By principal" },
                { id: "event", text: "By event" },
                { id: "ip", text: "By address" },
              ]}
              onChange={({ detail }) => setLane(detail.selectedId)}
            />
            <span className="keyed">
              <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path d="M0 -6L6 5H-6Z" fill="var(--high)" /></svg> changes
              <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><circle r="5" fill="var(--low)" /></svg> reads
              <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"><path d="M-5 -5L5 5M5 -5L-5 5" stroke="var(--muted)" strokeWidth="2" /></svg> refused
            </span>
          </div>
          <Lanes label={`When the ${events.length} events happened`} marks={drawn} chosen={event?.uid} onChoose={(id) => select(events.findIndex((one) => one.uid === id))} />
        </>
      ) : null}
      {shared.length > 0 ? (
        <p className="shared">
          {counted(events.length, "event")}
          {shared.map(({ words, value }) => (
            <span key={words}>
              {" "}
              <span className="muted">{words}</span> <b title={visible(value)}>{visible(short(value).slice(0, 200))}</b>
            </span>
          ))}
        </p>
      ) : null}
      {events.length > 0 ? (
        <Grid
          label="Events of the finding"
          columns={columns}
          rows={events}
          rowKey={(one) => one.uid || one.raw.slice(0, 80)}
          height={`${Math.min(events.length, ROWS_SHOWN) * ROW_PX + 38}px`}
          rowHeight={ROW_PX}
          at={touched || chosen !== "" || events.length === 1 ? at : 0}
          onAt={select}
        />
      ) : null}
      {more > 0 && events.length >= wanted ? (
        <p className="muted">
          {counted(more, "more event")} of this finding: <Link href={eventsQuery(finding)}>ask for all {count(finding.count)}</Link>
        </p>
      ) : null}
      {event ? (
        <div className="record" data-source={finding.source}>
          <Raw text={event.raw} marks={marks} />
        </div>
      ) : null}
    </div>
  );
}
