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
import { whoEntity, whoWords, type Entity } from "./entity";
import { rawText, TIMELINE_ROWS, timelineText } from "./texts";
import { iso, ms, type Window } from "./time";

const text = (value: unknown) => (typeof value === "string" ? value : "");
const SHOWS = [
  ["", "All"],
  ["writes", "Changes"],
  ["errors", "Errors"],
] as const;

export function Timeline({ entity, window }: { entity: Entity; window: Window }) {
  const question = useMemo((): Question | null => (entity.calls ? { text: timelineText(entity.calls), lang: "sql", ...window, rows: TIMELINE_ROWS } : null), [entity, window]);
  const asked = useAnswer(question);
  const [show, setShow] = useUrl("show");
  const [event, setEvent] = useUrl("event");
  const all = asked.data?.rows;
  const rows = useMemo(
    () => (all ?? []).filter((row) => (show === "writes" ? row.readOnly === "false" : show === "errors" ? text(row.errorCode) !== "" : true)),
    [all, show],
  );
  const [at, setAt] = useState(-1);
  useEffect(() => setAt(rows.findIndex((row) => row.event_identity === event)), [rows, event]);
  const chosen = all?.find((row) => row.event_identity === event);
  const { setPanel } = useShell();
  useEffect(() => {
    if (chosen) setPanel(<EventPanel row={chosen} />);
  }, [chosen, setPanel]);
  useEffect(() => () => setPanel(null), [setPanel]);
  const isOne = entity.kind === "session" || entity.kind === "principal" || entity.kind === "key";
  const columns = useMemo(() => columnsOf({ isOne, isAddress: entity.kind === "ip", isAccount: entity.kind === "account" }), [isOne, entity.kind]);
  const open = (row: Row) => {
    setEvent(text(row.event_identity));
    // The same row again opens what was closed.
    setPanel(<EventPanel row={row} />);
  };
  return (
    <Panel
      id="timeline"
      title="Timeline"
      note={asked.data ? `${counted(rows.length, "event")}, newest first${(all?.length ?? 0) >= TIMELINE_ROWS ? `; only the newest ${count(TIMELINE_ROWS)} are here` : ""}` : undefined}
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
      <Asked what="events" asked={asked}>
        {() =>
          rows.length === 0 ? (
            <Empty title="No event">Nothing of this kind in this time.</Empty>
          ) : (
            <Grid label="Timeline" columns={columns} rows={rows} rowKey={(row, n) => `${text(row.event_identity)} ${n}`} height={Math.min(460, 52 + rows.length * 30)} at={at} onAt={setAt} onOpen={open} onClick={open} />
          )
        }
      </Asked>
    </Panel>
  );
}

function columnsOf({ isOne, isAddress, isAccount }: { isOne: boolean; isAddress: boolean; isAccount: boolean }): Column<Row>[] {
  const isWrite = (row: Row) => row.readOnly === "false";
  return [
    { id: "time", head: "Time (UTC)", width: 160, cell: (row) => <Time at={text(row.time_dt)} /> },
    {
      id: "what",
      head: "Call",
      width: 230,
      cell: (row) => (
        <span className={`call${isWrite(row) ? " write" : ""}${text(row.errorCode) ? " failed" : ""}`}>
          <span className="muted">{visible(text(row.eventSource).replace(".amazonaws.com", ""))}:</span>
          {visible(text(row.eventName))}
        </span>
      ),
    },
    { id: "kind", head: "Kind", width: 84, cell: (row) => (isWrite(row) ? <span className="tag write">change</span> : row.readOnly === "true" ? <span className="muted">read</span> : "") },
    { id: "error", head: "Error", width: 140, cell: (row) => (text(row.errorCode) ? <span className="error">{visible(text(row.errorCode))}</span> : "") },
    { id: "target", head: "What", width: 200, grows: true, cell: (row) => (text(row.target) ? <Value text={text(row.target)} to={entityLink("resource", text(row.target))} /> : "") },
    ...(isOne
      ? []
      : [{ id: "who", head: "Who", width: 230, cell: (row: Row) => (text(row.type) ? <Value text={whoWords(row)} to={entityLink(whoEntity(row).kind, whoEntity(row).value)} /> : "") }]),
    ...(isAddress
      ? []
      : [{ id: "from", head: "From", width: 156, cell: (row: Row) => (text(row.sourceIPAddress) ? <Value text={text(row.sourceIPAddress)} to={/^[0-9a-f.:]+$/i.test(text(row.sourceIPAddress)) ? entityLink("ip", text(row.sourceIPAddress)) : undefined} /> : "") }]),
    ...(isAccount ? [] : [{ id: "account", head: "Account", width: 146, cell: (row: Row) => (text(row.recipientAccountId) ? <Value text={text(row.recipientAccountId)} to={entityLink("account", text(row.recipientAccountId))} /> : "") }]),
    { id: "region", head: "Region", width: 116, cell: (row) => visible(text(row.awsRegion)) },
  ];
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
