// Resources that its calls named, those that it changed first; and, of addresses and interfaces, where bytes went.
import { useCallback, useMemo } from "react";
import { entityLink, queryLink } from "../../app/url";
import { useAnswer, type Question, type Row } from "../../api/query";
import { Chart, token } from "../../parts/chart";
import { Panel, Thin } from "../../parts/panel";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { bytes, count, counted } from "../../parts/words";
import type { Entity } from "./entity";
import { flowsText, resourcesText } from "./texts";
import type { Window } from "./time";

const text = (value: unknown) => (typeof value === "string" ? value : "");
const SHOWN = 100;
const ROWS = 5000;

export interface Touched {
  name: string;
  events: number;
  writes: number;
  errors: number;
  first: string;
  last: string;
  calls: Map<string, number>;
}

/** ARNs of a list of resources, in the notation of either kind of record. */
function arns(json: unknown): string[] {
  try {
    const all = JSON.parse(text(json) || "[]") as { ARN?: unknown; uid?: unknown }[];
    return all.map((one) => text(one.ARN) || text(one.uid)).filter(Boolean);
  } catch {
    return [];
  }
}

export function touchedOf(rows: Row[]): Touched[] {
  const all = new Map<string, Touched>();
  for (const row of rows) {
    const named = arns(row.resources);
    const target = text(row.target);
    // A bucket stands in the list beside its object; who reads wants the object.
    const telling = named.filter((arn) => !named.some((other) => other !== arn && other.startsWith(`${arn}/`)));
    for (const name of telling.length > 0 ? telling : target ? [target] : []) {
      const one = all.get(name) ?? { name, events: 0, writes: 0, errors: 0, first: text(row.first), last: text(row.last), calls: new Map<string, number>() };
      const n = Number(row.events);
      one.events += n;
      if (row.readOnly === "false") one.writes += n;
      one.errors += Number(row.errors);
      if (text(row.first) < one.first) one.first = text(row.first);
      if (text(row.last) > one.last) one.last = text(row.last);
      one.calls.set(text(row.eventName), (one.calls.get(text(row.eventName)) ?? 0) + n);
      all.set(name, one);
    }
  }
  return [...all.values()].sort((a, b) => Number(b.writes > 0) - Number(a.writes > 0) || b.writes - a.writes || b.events - a.events);
}

export function Resources({ entity, window, wide }: { entity: Entity; window: Window; wide: boolean }) {
  const question = useMemo((): Question | null => (entity.calls ? { text: resourcesText(entity.calls), lang: "sql", ...window, rows: ROWS } : null), [entity, window]);
  const asked = useAnswer(question);
  const all = useMemo(() => touchedOf(asked.data?.rows ?? []), [asked.data]);
  const changed = all.filter((one) => one.writes > 0).length;
  return (
    <Panel
      id="resources"
      wide={wide}
      title="Resources touched"
      note={asked.data ? `${count(changed)} changed, ${count(all.length - changed)} only read` : undefined}
      query={question ? queryLink(question.text, "sql", window) : undefined}
    >
      <Asked what="resources" asked={asked}>
        {(data) =>
          all.length === 0 ? (
            <Empty title="No resource">No event of this time names one.</Empty>
          ) : (
            <>
              <Thin
                label="Resources touched"
                height={300}
                heads={[{ label: "Resource", grows: true }, { label: "Calls", isMinor: true }, { label: "Writes", isNumber: true }, { label: "Events", isNumber: true, isMinor: true }, { label: "Last" }]}
                rows={all.slice(0, SHOWN).map((one) => ({
                  key: one.name,
                  cells: [
                    <Value text={one.name} to={entityLink("resource", one.name)} />,
                    <span className="mono calls" title={[...one.calls].map(([call, n]) => `${visible(call)} ${n}`).join("\n")}>
                      {[...one.calls.keys()].slice(0, 3).map(visible).join(", ")}
                      {one.calls.size > 3 ? ` and ${one.calls.size - 3} more` : ""}
                    </span>,
                    one.writes > 0 ? <span className="tag write">{count(one.writes)}</span> : "",
                    `${count(one.events)}${one.errors > 0 ? `, ${count(one.errors)} failed` : ""}`,
                    <Time at={one.last} />,
                  ],
                }))}
              />
              {all.length > SHOWN || data.job.partial ? (
                <p className="hint">
                  The first {Math.min(SHOWN, all.length)} of {data.job.partial ? "more than " : ""}{count(all.length)}.
                </p>
              ) : null}
            </>
          )
        }
      </Asked>
    </Panel>
  );
}

const LINKS_MAX = 50;

export function Flows({ entity, window, wide }: { entity: Entity; window: Window; wide: boolean }) {
  const question = useMemo((): Question | null => (entity.flows ? { text: flowsText(entity.flows), lang: "sql", ...window } : null), [entity, window]);
  const asked = useAnswer(question);
  if (!question) return null;
  return (
    <Panel id="flows" wide={wide} title="Network flows" note="by bytes, of the flow log" query={queryLink(question.text, "sql", window)}>
      <Asked what="flows" asked={asked}>
        {(data) => (data.rows.length === 0 ? <Empty title="No flow">The flow log has none of it in this time, or is not collected.</Empty> : <FlowPicture rows={data.rows} />)}
      </Asked>
    </Panel>
  );
}

function FlowPicture({ rows }: { rows: Row[] }) {
  const table = useMemo(
    () => ({
      heads: ["Source", "Destination", "Port", "Action", "Bytes", "Records", "First", "Last"],
      rows: rows.map((row) => [
        visible(text(row.srcaddr)), visible(text(row.dstaddr)), row.port === undefined ? "" : String(row.port), visible(text(row.action)),
        bytes(Number(row.bytes ?? 0)), count(Number(row.records)), text(row.first).slice(0, 19), text(row.last).slice(0, 19),
      ]),
    }),
    [rows],
  );
  const sums = useMemo(() => {
    const all = { bytes: 0, records: 0, rejected: 0 };
    for (const row of rows) {
      all.bytes += Number(row.bytes ?? 0);
      all.records += Number(row.records);
      if (row.action === "REJECT") all.rejected += Number(row.records);
    }
    return all;
  }, [rows]);
  const option = useCallback(() => {
    // A picture of flows has no circles, so each side of a row has a column of its own.
    const links = new Map<string, { source: string; target: string; value: number }>();
    const names = new Map<string, string>();
    const add = (source: string, target: string, value: number) => {
      const key = `${source}\n${target}`;
      const known = links.get(key);
      if (known) known.value += value;
      else links.set(key, { source, target, value });
    };
    for (const row of rows.slice(0, LINKS_MAX)) {
      const value = Math.max(1, Number(row.bytes ?? 0));
      // Answers come back to a port of the caller that tells nothing.
      const port = Number(row.port) >= 32768 ? "high port" : `port ${row.port ?? "?"}`;
      const [source, middle, target] = [`s ${text(row.srcaddr)}`, `p ${port}${row.action === "REJECT" ? " rejected" : ""}`, `d ${text(row.dstaddr)}`];
      names.set(source, text(row.srcaddr)).set(middle, middle.slice(2)).set(target, text(row.dstaddr));
      add(source, middle, value);
      add(middle, target, value);
    }
    return {
      tooltip: {
        formatter: (part: { dataType?: string; name: string; value: number; data: { source?: string; target?: string } }) =>
          part.dataType === "edge"
            ? `${names.get(part.data.source ?? "")} to ${names.get(part.data.target ?? "")}: ${bytes(part.value)}`
            : `${names.get(part.name)}: ${bytes(part.value)}`,
      },
      series: [
        {
          type: "sankey", left: 4, right: 96, top: 6, bottom: 6, nodeWidth: 10, nodeGap: 14, draggable: false,
          data: [...names].map(([name, label]) => ({
            name,
            itemStyle: { color: token(label.endsWith("rejected") ? "--high" : "--accent"), borderWidth: 0 },
            label: { formatter: visible(label), color: token("--ink"), fontSize: 11 },
          })),
          links: [...links.values()],
          lineStyle: { color: token("--accent"), opacity: 0.25, curveness: 0.5 },
        },
      ],
    };
  }, [rows]);
  return (
    <>
      <p className="hint">
        {bytes(sums.bytes)} in {counted(sums.records, "record")}
        {sums.rejected > 0 ? `, ${count(sums.rejected)} of them rejected` : ""}
        {rows.length > LINKS_MAX ? `; the picture has the largest ${LINKS_MAX} of ${rows.length === 500 ? "500 or more" : rows.length} kinds` : ""}
      </p>
      <Chart label="Bytes from source over port to destination" option={option} table={table} height={260} />
    </>
  );
}
