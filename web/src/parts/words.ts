// How states and numbers are said.
import type { FindingStatus, Verdict } from "../api/client";

export const STATUS_WORDS: Record<FindingStatus, string> = {
  new: "New",
  notified: "Notified",
  in_progress: "In progress",
  resolved: "Resolved",
  suppressed: "Suppressed",
};
export const VERDICT_WORDS: Record<Verdict, string> = {
  true_positive: "True positive",
  false_positive: "False positive",
  benign: "Benign",
};

const whole = new Intl.NumberFormat("en");
export function count(n: number): string {
  return whole.format(n);
}

/** A count and its noun: `1 event`, `2 events`. */
export function counted(n: number, noun: string, many = `${noun}s`): string {
  return `${count(n)} ${n === 1 ? noun : many}`;
}

export function bytes(n: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  let left = n;
  while (left >= 1000 && at < units.length - 1) {
    left /= 1000;
    at += 1;
  }
  return `${at === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${units[at]}`;
}

/** A span of time in the two largest units that count: `3 h 20 min`. */
export function span(seconds: number): string {
  const units: [number, string][] = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  let left = Math.round(seconds);
  const parts: string[] = [];
  for (const [size, name] of units) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0) parts.push(`${n} ${name}`);
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

/** Of fewer verdicts no share is told: one more could turn it over. */
export const JUDGED_MIN = 5;

export function percent(part: number): string {
  return `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;
}
