// Its events, the newest first; what changed something and what failed stand out.
import SplitPanel from "@cloudscape-design/components/split-panel";
import { useEffect, useMemo, useState } from "react";
import { useAnswer, type Question, type Row } from "../../api/query";
import { useShell } from "../../app/shell";
import { entityLink, queryLink, useUrl } from "../../app/url";
import { Grid, type Column } from "../../parts/grid";
import { Raw } from "../../parts/json";
import { Panel } from "../../parts/panel";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { count, counted } from "../../parts/words";
import { useWidth } from "../../parts/width";
import { short } from "./addresses";
import { whoEntity, whoWords, type Entity } from "./entity";
import { rawText, TIMELINE_ROWS, timelineText } from "./texts";
import { iso, ms, type Window } from "./time";

const text = (value: unknown) => (typeof value === "string" ? value : "");
const SHOWS: [string, string, (row: Row) => boolean][] = [
  ["", "All", () => true],
  ["writes", "Changes", (row) => row.readOnly === "false"],
  ["errors", "Errors", (row) => text(row.errorCode) !== ""],
  ["found", "Found by a rule", (row) => Number(row.rules) > 0],
  ["unfound", "Found by no rule", (row) => !(Number(row.rules) > 0)],
];

export function Timeline({ entity, window }: { entity: Entity; window: Window }) {
  const question = useMemo((): Question | null => (entity.calls ? { text: timelineText(entity.calls), lang: "sql", ...window, rows: TIMELINE_ROWS } : null), [entity, window]);
  const asked = useAnswer(question);
  const [show, setShow] = useUrl("show");
  const [event, setEvent] = useUrl("event");
  const all = asked.data?.rows;
  const rows = useMemo(() => (all ?? []).filter(SHOWS.find(([value]) => value === show)?.[2] ?? (() => true)), [all, show]);
  const [at, setAt] = useState(-1);
  useEffect(() => setAt(rows.findIndex((row) => row.event_identity === event)), [rows, event]);
  const chosen = all?.find((row) => row.event_identity === event);
  const { setPanel } = useShell();
  useEffect(() => {
    if (chosen) setPanel(<EventPanel row={chosen} />);
  }, [chosen, setPanel]);
  useEffect(() => () => setPanel(null), [setPanel]);
  const [frame, width] = useWidth();
  const columns = useMemo(() => columnsOf(all ?? [], width), [all, width]);
  // What is the same in each row is said once.
  const same = useMemo(() => (["recipientAccountId", "awsRegion", "sourceIPAddress"] as const).map((name) => onlyOf(all ?? [], name)).filter((value): value is string => value !== null), [all]);
  const open = (row: Row) => {
    setEvent(text(row.event_identity));
    // The same row again opens what was closed.
    setPanel(<EventPanel row={row} />);
  };
  return (
    <Panel
      id="timeline"
      title="Timeline"
      note={
        asked.data
          ? `${counted(rows.length, "event")}, newest first${same.length > 0 ? `, all of ${same.map(visible).join(", ")}` : ""}${(all?.length ?? 0) >= TIMELINE_ROWS ? `; only the newest ${count(TIMELINE_ROWS)} are here` : ""}`
          : undefined
      }
      query={question ? queryLink(question.text, "sql", window) : undefined}
      wide
    >
      <div className="asks" role="group" aria-label="Which events">
        {SHOWS.map(([value, label]) => (
          <button key={value} type="button" aria-pressed={show === value} onClick={() => setShow(value)}>
            {label}
          </button>
        ))}
      </div>
      <div ref={frame}>
        <Asked what="events" asked={asked}>
          {() =>
            rows.length === 0 ? (
              <Empty title="No event">Nothing of this kind in this time.</Empty>
            ) : (
              <Grid label="Timeline" columns={columns} rows={rows} rowKey={(row, n) => `${text(row.event_identity)} ${n}`} height={Math.min(460, 52 + rows.length * 30)} at={at} onAt={setAt} onOpen={open} onClick={open} />
            )
          }
        </Asked>
      </div>
    </Panel>
  );
}

/** The value that all rows have, if there is more than one row. */
function onlyOf(rows: Row[], name: string): string | null {
  const first = text(rows[0]?.[name]);
  return rows.length > 1 && first !== "" && rows.every((row) => row[name] === first) ? first : null;
}

const NARROW_PX = 700;

/** Columns that say something of these rows, as wide as they need, the most telling first. */
function columnsOf(rows: Row[], width: number): Column<Row>[] {
  const isNarrow = width < NARROW_PX;
  const isWrite = (row: Row) => row.readOnly === "false";
  const varies = (name: string) => rows.length === 1 || (onlyOf(rows, name) === null && rows.some((row) => text(row[name]) !== ""));
  const whos = new Set(rows.map((row) => whoWords(row)));
  const place = (row: Row) => {
    const address = text(row.sourceIPAddress);
    return <Value text={address} to={/^[0-9a-f.:]+$/i.test(address) ? entityLink("ip", address) : undefined} />;
  };
  const found = (row: Row) => (Number(row.rules) > 0 ? <span className="tag new" title={`Found by ${counted(Number(row.rules), "rule")}`}>rule</span> : null);
  const all: (Column<Row> & { isThere?: boolean })[] = [
    { id: "time", head: isNarrow ? "UTC" : "Time (UTC)", width: isNarrow ? 116 : 158, cell: (row) => (isNarrow ? <Time at={text(row.time_dt)} /> : <Time at={text(row.time_dt)} />) },
    {
      id: "what",
      head: "Call",
      width: isNarrow ? Math.max(150, width - 120) : 220,
      cell: (row) => (
        <span className={`call${isWrite(row) ? " write" : ""}${text(row.errorCode) ? " failed" : ""}`} title={visible(`${text(row.eventSource)}:${text(row.eventName)} ${text(row.errorCode)}`)}>
          {isNarrow ? null : <span className="muted">{visible(text(row.eventSource).replace(".amazonaws.com", ""))}:</span>}
          {visible(text(row.eventName))}
          {isNarrow ? <> {found(row)}</> : null}
        </span>
      ),
    },
    {
      id: "kind",
      head: "Kind",
      width: 118,
      isThere: !isNarrow,
      cell: (row) => (
        <span className="with-tag">
          {isWrite(row) ? <span className="tag write">change</span> : row.readOnly === "true" ? <span className="muted">read</span> : null}
          {found(row)}
        </span>
      ),
    },
    { id: "error", head: "Error", width: 150, isThere: rows.some((row) => text(row.errorCode) !== ""), cell: (row) => (text(row.errorCode) ? <span className="error">{visible(text(row.errorCode))}</span> : "") },
    { id: "target", head: "What", width: 150, grows: true, cell: (row) => (text(row.target) ? <Value text={text(row.target)} to={entityLink("resource", text(row.target))} /> : "") },
    { id: "who", head: "Who", width: 230, isThere: whos.size > 1, cell: (row) => (text(row.type) ? <Value text={short(whoWords(row))} to={entityLink(whoEntity(row).kind, whoEntity(row).value)} /> : "") },
    { id: "from", head: "From", width: 140, isThere: varies("sourceIPAddress"), cell: (row) => (text(row.sourceIPAddress) ? place(row) : "") },
    { id: "account", head: "Account", width: 142, isThere: varies("recipientAccountId"), cell: (row) => (text(row.recipientAccountId) ? <Value text={text(row.recipientAccountId)} to={entityLink("account", text(row.recipientAccountId))} /> : "") },
    { id: "region", head: "Region", width: 128, isThere: varies("awsRegion"), cell: (row) => visible(text(row.awsRegion)) },
  ];
  return all.filter((column) => column.isThere !== false);
}

function EventPanel({ row }: { row: Row }) {
  const identity = text(row.event_identity);
  const at = ms(row.time_dt);
  const question: Question = { text: rawText(identity), lang: "sql", from: iso(at - 1000), to: iso(at + 2000) };
  const asked = useAnswer(question);
  return (
    <SplitPanel header={visible(text(row.eventName)) || "Event"} closeBehavior="hide" hidePreferencesButton>
      <p>
        <Time at={text(row.time_dt)} /> · <Value text={whoWords(row)} to={entityLink(whoEntity(row).kind, whoEntity(row).value)} />
      </p>
      <Asked what="the event" asked={asked}>
        {({ rows }) => (rows[0] ? <Raw text={text(rows[0].raw)} marks={["eventName", "errorCode", "userIdentity.arn", "userIdentity.accessKeyId", "sourceIPAddress"]} /> : <Empty title="It is not there any more">Retention may have removed it since.</Empty>)}
      </Asked>
    </SplitPanel>
  );
}
