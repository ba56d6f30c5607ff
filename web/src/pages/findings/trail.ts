// The findings in the order in which the queue last had them, so that the page of one leads to the next.
import { isGroup, type QueueRow } from "./rows";

let uids: string[] = [];
// What was asked of the queue, as its address has it.
let asked = "";
// The row that was last looked at, for coming back to the queue.
let seen = "";

export function layTrail(rows: QueueRow[], search: string): void {
  asked = search;
  uids = rows.flatMap((row) => (isGroup(row) ? [] : [row.finding.uid]));
}
export function lookAt(key: string): void {
  seen = key;
}
export function lastSeen(): string {
  return seen;
}

export interface Place {
  /** The queue as it was asked for. */
  queue: string;
  /** From 1. */
  number: number;
  of: number;
  before?: string;
  after?: string;
}

/** Where a finding stood in the queue; nothing if it did not. */
export function placeOf(uid: string): Place | null {
  const at = uids.indexOf(uid);
  if (at < 0) return null;
  return { queue: asked === "" ? "/findings" : `/findings?${asked}`, number: at + 1, of: uids.length, before: uids[at - 1], after: uids[at + 1] };
}
