// Rows of the queue: findings, or groups of those that are loaded, each with its findings beneath.
import type { Finding } from "../../api/client";
import { ownOf } from "./own";

export const GROUPS = ["rule", "principal", "account"] as const;
export type GroupBy = (typeof GROUPS)[number];
export interface GroupRow {
  group: string;
  title: string;
  findings: Finding[];
  worst: number;
  count: number;
  isOpen: boolean;
}
export interface FindingRow {
  finding: Finding;
}
export type QueueRow = GroupRow | FindingRow;

export function isGroup(row: QueueRow): row is GroupRow {
  return "group" in row;
}
export function keyOf(row: QueueRow): string {
  return isGroup(row) ? `group ${row.group}` : row.finding.uid;
}

/** Groups stand in the order of their first finding, which is the order that was asked for. */
export function grouped(findings: Finding[], by: GroupBy | "", open: ReadonlySet<string>, titles: Map<string, string>): QueueRow[] {
  if (by === "") return findings.map((finding) => ({ finding }));
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const group = groups.get(finding[by]);
    if (group) group.push(finding);
    else groups.set(finding[by], [finding]);
  }
  const rows: QueueRow[] = [];
  for (const [group, members] of groups) {
    const isOpen = open.has(group);
    rows.push({
      group,
      title: by === "rule" ? (titles.get(group) ?? ownOf(group)?.title ?? group) : group,
      findings: members,
      worst: Math.max(...members.map((one) => one.severity_id)),
      count: members.reduce((sum, one) => sum + one.count, 0),
      isOpen,
    });
    if (isOpen) rows.push(...members.map((finding) => ({ finding })));
  }
  return rows;
}
