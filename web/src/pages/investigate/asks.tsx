// One click, one answer, here and in Query.
import { useMemo } from "react";
import { useAnswer, type Row } from "../../api/query";
import { guess } from "../../app/entity";
import { entityLink, queryLink, useUrl } from "../../app/url";
import { Grid, type Column } from "../../parts/grid";
import { Panel } from "../../parts/panel";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value } from "../../parts/value";
import { bytes, counted } from "../../parts/words";
import type { Entity } from "./entity";
import { questionsOf } from "./questions";
import type { Window } from "./time";

export function Asks({ entity, window, addresses }: { entity: Entity; window: Window; addresses: string[] }) {
  const all = useMemo(() => questionsOf(entity, addresses), [entity, addresses]);
  const [id, setId] = useUrl("ask");
  const chosen = all.find((one) => one.id === id);
  const asked = useAnswer(chosen ? { text: chosen.text, ...window, rows: 5000 } : null);
  return (
    <Panel
      id="asks"
      title="Ask"
      note={chosen && asked.data ? `${counted(asked.data.rows.length, "row")} in ${asked.data.job.took_ms} ms${asked.data.job.partial ? ", and there are more" : ""}` : "what is asked about every suspect, of the time above"}
      query={chosen ? queryLink(chosen.text, "ql", window) : undefined}
      wide
    >
      <div className="asks" role="group" aria-label="Questions">
        {all.map((one) => (
          <button key={one.id} type="button" aria-pressed={one.id === id} onClick={() => setId(one.id === id ? "" : one.id)}>
            {one.label}
          </button>
        ))}
      </div>
      {chosen ? (
        <Asked what="the answer" asked={asked}>
          {({ rows, job }) => (rows.length === 0 ? <Empty title="No">No event of this time says so. Logs that are not collected say nothing.</Empty> : <Answered label={chosen.label} rows={rows} columns={job.columns} />)}
        </Asked>
      ) : null}
    </Panel>
  );
}

const WIDTHS: Record<string, number> = { "@timestamp": 165, first: 165, last: 165, eventName: 190, events: 80, records: 80, bytes: 90, awsRegion: 110, sourceIPAddress: 140, dstport: 80 };

function Answered({ label, rows, columns }: { label: string; rows: Row[]; columns: string[] }) {
  const made = useMemo(() => {
    const names = (columns.length > 0 ? columns : [...new Set(rows.flatMap((row) => Object.keys(row)))]).filter((name) => !name.startsWith("@ptr"));
    return names.map(
      (name, at): Column<Row> => ({
        id: name,
        head: name,
        width: WIDTHS[name] ?? 220,
        grows: at === names.length - 1,
        cell: (row) => <Cell name={name} value={row[name]} />,
      }),
    );
  }, [rows, columns]);
  return <Grid label={label} columns={made} rows={rows} rowKey={(_, at) => String(at)} height={Math.min(380, 40 + rows.length * 30 + 16)} />;
}

function Cell({ name, value }: { name: string; value: unknown }) {
  if (value === undefined || value === null || value === "") return <span className="muted">–</span>;
  if (name === "@timestamp" || name === "first" || name === "last") return <Time at={String(value)} />;
  if (name === "bytes") return <span title={String(value)}>{bytes(Number(value))}</span>;
  if (typeof value === "number") return <>{value}</>;
  const said = typeof value === "string" ? value : JSON.stringify(value);
  const isEntity = /arn|IPAddress|addr$|accessKeyId/i.test(name);
  const kind = isEntity ? guess(said)[0]?.kind : undefined;
  return <Value text={said} to={kind ? entityLink(kind, said) : undefined} />;
}

