// Times are UTC; the local time is one hover away.
import { useSyncExternalStore } from "react";

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** `2026-11-23 02:09:20`, whatever the time was given as. */
export function utc(time: string | number | Date): string {
  const date = asDate(time);
  if (date === null) return String(time);
  return date.toISOString().slice(0, 19).replace("T", " ");
}

/** The lake writes `2026-11-23 02:09:20.000` and means UTC. */
export function asDate(time: string | number | Date): Date | null {
  const text = typeof time === "string" && /^\d{4}-\d\d-\d\d \d\d:/.test(time) ? `${time.replace(" ", "T")}Z` : time;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}

let now = Date.now();
const listeners = new Set<() => void>();
setInterval(() => {
  now = Date.now();
  listeners.forEach((tell) => tell());
}, 15_000);

export function useNow(): number {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => now,
  );
}

export function ago(time: string | number, at: number): string {
  const date = asDate(time);
  if (date === null) return String(time);
  const seconds = Math.max(0, (at - date.getTime()) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

export function Time({ at }: { at: string | number }) {
  const date = asDate(at);
  if (date === null) return <span className="nowrap">{String(at)}</span>;
  return (
    <time className="nowrap" dateTime={date.toISOString()} title={`${local.format(date)} (local)`}>
      {utc(date)}
    </time>
  );
}

/** How long ago, with the exact time on hover. */
export function Ago({ at }: { at: string | number }) {
  const date = asDate(at);
  const words = ago(at, useNow());
  if (date === null) return <span>{words}</span>;
  return (
    <time className="nowrap" dateTime={date.toISOString()} title={`${utc(date)} UTC`}>
      {words}
    </time>
  );
}
