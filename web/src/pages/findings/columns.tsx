// The columns of the queue.
import type { ReactNode } from "react";
import { Link } from "wouter";
import { entityLink, link } from "../../app/url";
import type { Column } from "../../parts/grid";
import { Severity, SeverityShape, severityWord } from "../../parts/severity";
import { asDate, utc } from "../../parts/time";
import { visible } from "../../parts/value";
import { count, counted, span, STATUS_WORDS, VERDICT_WORDS } from "../../parts/words";
import { isGroup, type QueueRow } from "./rows";

interface Made {
  isNarrow: boolean;
  selected: ReadonlySet<string>;
  toggle: (row: QueueRow) => void;
  sort: "worst" | "latest";
  onSort: (sort: "worst" | "latest") => void;
  isGrouped: boolean;
  now: number;
}

/** `11-23 02:09`, the whole on hover. */
function Short({ at }: { at: string }) {
  const date = asDate(at);
  return (
    <time dateTime={at} title={`${utc(at)} UTC, ${date?.toLocaleString() ?? ""} local`}>
      {utc(at).slice(5, 16)}
    </time>
  );
}

export function columns({ isNarrow, selected, toggle, sort, onSort, isGrouped, now }: Made): Column<QueueRow>[] {
  const pick: Column<QueueRow> = {
    id: "pick",
    head: <span className="visually-hidden">Selected</span>,
    width: 36,
    cell: (row) => {
      const uids = isGroup(row) ? row.findings.map((one) => one.uid) : [row.finding.uid];
      const n = uids.filter((uid) => selected.has(uid)).length;
      const state = n === 0 ? "false" : n === uids.length ? "true" : "mixed";
      return (
        <button
          type="button"
          role="checkbox"
          aria-checked={state}
          aria-label={`Select ${isGroup(row) ? `all of ${visible(row.title)}` : visible(row.finding.title)}`.slice(0, 160)}
          className="pick"
          tabIndex={-1}
          onClick={(event) => {
            event.stopPropagation();
            toggle(row);
          }}
        />
      );
    },
  };
  const head = (text: string, by: "worst" | "latest") => (
    <button type="button" onClick={() => onSort(by)} title={by === "worst" ? "Worst first" : "Latest first"} aria-pressed={sort === by}>
      {text} {sort === by ? "▾" : ""}
    </button>
  );
  const level = (row: QueueRow) => (isGroup(row) ? row.worst : row.finding.severity_id);
  const title: Column<QueueRow> = {
    id: "title",
    head: "What happened",
    width: isNarrow ? 200 : 270,
    grows: true,
    cell: (row) =>
      isGroup(row) ? (
        <span className="group-title">
          <span aria-hidden="true">{row.isOpen ? "▾" : "▸"}</span> {visible(row.title)} <span className="muted">{counted(row.findings.length, "finding")} loaded</span>
        </span>
      ) : (
        <Link href={`/findings/${encodeURIComponent(row.finding.uid)}`} className={`title${isGrouped ? " inner" : ""}`} title={visible(row.finding.title)} tabIndex={-1}>
          {visible(row.finding.title)}
        </Link>
      ),
  };
  const status: Column<QueueRow> = {
    id: "status",
    head: "Status",
    width: isNarrow ? 96 : 128,
    cell: (row) =>
      isGroup(row) ? null : (
        <span className="status" data-status={row.finding.status}>
          {STATUS_WORDS[row.finding.status]}
          {row.finding.verdict && !isNarrow ? <span className="muted">, {VERDICT_WORDS[row.finding.verdict].toLowerCase()}</span> : null}
        </span>
      ),
  };
  if (isNarrow) {
    const shape: Column<QueueRow> = {
      id: "severity",
      head: <span className="visually-hidden">Severity</span>,
      width: 34,
      cell: (row) => (
        <span className="severity" data-level={level(row)} title={severityWord(level(row))}>
          <SeverityShape level={level(row)} />
          <span className="visually-hidden">{severityWord(level(row))}</span>
        </span>
      ),
    };
    return [pick, shape, title, status];
  }
  const plain = (id: string, name: string, width: number, cell: (row: Exclude<QueueRow, { group: string }>) => ReactNode): Column<QueueRow> => ({
    id,
    head: name,
    width,
    cell: (row) => (isGroup(row) ? null : cell(row)),
  });
  const entity = (kind: "principal" | "account", value: string) =>
    value === "" ? (
      <span className="muted">none</span>
    ) : (
      // Lists know a principal by its name alone, which leads to its other findings; a finding's own page knows the ARN.
      <Link href={kind === "account" ? entityLink(kind, value) : link("/findings", { principal: value, status: "all" })} className="entity" title={visible(value)} tabIndex={-1}>
        {visible(value)}
      </Link>
    );
  return [
    pick,
    { id: "severity", head: head("Severity", "worst"), width: 116, cell: (row) => <Severity level={level(row)} /> },
    title,
    plain("principal", "Principal", 158, ({ finding }) => entity("principal", finding.principal)),
    plain("account", "Account", 112, ({ finding }) => entity("account", finding.account)),
    plain("region", "Region", 98, ({ finding }) => visible(finding.region)),
    { id: "count", head: "Events", width: 62, cell: (row) => <span className="number">{count(isGroup(row) ? row.count : row.finding.count)}</span> },
    plain("first", "First seen", 94, ({ finding }) => <Short at={finding.first_seen} />),
    { id: "last", head: head("Last seen", "latest"), width: 98, cell: (row) => (isGroup(row) ? null : <Short at={row.finding.last_seen} />) },
    status,
    plain("assignee", "Assignee", 84, ({ finding }) => (finding.assignee ? visible(finding.assignee) : <span className="muted">nobody</span>)),
    plain("age", "Age", 72, ({ finding }) => <span title="Since its first event">{span(Math.max(0, (now - Date.parse(finding.first_seen)) / 1000)).replace(/ (h|min|s|d) \d.*$/, " $1")}</span>),
  ];
}
