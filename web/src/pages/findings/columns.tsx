// The columns of the queue.
import type { ReactNode } from "react";
import { Link } from "wouter";
import { entityLink, link } from "../../app/url";
import type { Column } from "../../parts/grid";
import { Severity, SeverityShape, severityWord } from "../../parts/severity";
import { Time, utc } from "../../parts/time";
import { visible } from "../../parts/value";
import { count, counted, span, STATUS_WORDS, VERDICT_WORDS } from "../../parts/words";
import { deed } from "./facts";
import { isGroup, type QueueRow } from "./rows";

interface Made {
  isNarrow: boolean;
  /** Whether there is room for what other columns tell too. */
  isWide: boolean;
  selected: ReadonlySet<string>;
  toggle: (row: QueueRow) => void;
  sort: "worst" | "latest";
  onSort: (sort: "worst" | "latest") => void;
  isGrouped: boolean;
  now: number;
}

export function columns({ isNarrow, isWide, selected, toggle, sort, onSort, isGrouped, now }: Made): Column<QueueRow>[] {
  const pick: Column<QueueRow> = {
    id: "pick",
    head: <span className="visually-hidden">Selected</span>,
    width: 32,
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
    width: 200,
    grows: true,
    cell: (row) =>
      isGroup(row) ? (
        <span className="group-title">
          <span aria-hidden="true">{row.isOpen ? "▾" : "▸"}</span> {visible(row.title)}
          <span className="visually-hidden">, {row.isOpen ? "open" : "closed"}</span>
          {isNarrow ? <span className="muted"> {row.findings.length}</span> : null}
        </span>
      ) : (
        <Link href={`/findings/${encodeURIComponent(row.finding.uid)}`} className={`title${isGrouped ? " inner" : ""}`} title={visible(row.finding.title)} tabIndex={-1}>
          <span className="deed">{visible(isGrouped ? row.finding.title : deed(row.finding))}</span>
          {isNarrow && !isGrouped ? <small className="muted">{visible(row.finding.principal)}</small> : null}
        </Link>
      ),
  };
  const status: Column<QueueRow> = {
    id: "status",
    head: "Status",
    width: isNarrow ? 96 : 112,
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
  const principal: Column<QueueRow> = {
    id: "principal",
    head: "Principal",
    width: isWide ? 190 : 150,
    cell: (row) => (isGroup(row) ? <span className="muted">{counted(row.findings.length, "finding")} loaded</span> : entity("principal", row.finding.principal)),
  };
  const events: Column<QueueRow> = {
    id: "count",
    head: "Events",
    width: 58,
    cell: (row) => <span className="number">{count(isGroup(row) ? row.count : row.finding.count)}</span>,
  };
  const age = (first: string) => span(Math.max(0, (now - Date.parse(first)) / 1000)).replace(/ (h|min|s|d) \d.*$/, " $1");
  return [
    pick,
    { id: "severity", head: head("Severity", "worst"), width: 98, cell: (row) => <Severity level={level(row)} /> },
    // Who and what read as one sentence; groups need the room for their names.
    ...(isGrouped ? [title, principal] : [principal, title]),
    plain("account", "Account", 112, ({ finding }) => entity("account", finding.account)),
    events,
    // Where there is little room, what happened needs it most.
    ...(isWide ? [plain("region", "Region", 104, ({ finding }) => visible(finding.region)), plain("first", "First seen (UTC)", 168, ({ finding }) => <Time at={finding.first_seen} />)] : []),
    { id: "last", head: head("Last seen (UTC)", "latest"), width: 168, cell: (row) => (isGroup(row) ? null : <Time at={row.finding.last_seen} />) },
    status,
    plain("assignee", "Assignee", 74, ({ finding }) => (finding.assignee ? visible(finding.assignee) : <span className="muted">nobody</span>)),
    plain("age", "Age", 60, ({ finding }) => <span title={`Since its first event, ${utc(finding.first_seen)} UTC`}>{age(finding.first_seen)}</span>),
  ];
}
