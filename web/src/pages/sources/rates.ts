// How fast events come: from two looks at the counts of the status.
import { useEffect, useReducer } from "react";
import type { Schema } from "../../api/client";

type Status = Schema<"ServerStatus">;
export interface Sample {
  atMs: number;
  begun: string;
  events: Record<string, number>;
}

const SAMPLES_MAX = 60;
/** A rate is that of the last minute. */
const WINDOW_MS = 60_000;

/** Adds a look; a server that began anew counts from 0. */
export function added(samples: Sample[], next: Sample): Sample[] {
  const last = samples.at(-1);
  if (last && last.begun !== next.begun) return [next];
  if (last && next.atMs <= last.atMs) return samples;
  return [...samples, next].slice(-SAMPLES_MAX);
}

/** Events a second over the last minute; null while there is only one look. */
export function rate(samples: Sample[], source: string): number | null {
  const last = samples.at(-1);
  if (!last) return null;
  const first = samples.find((one) => one !== last && last.atMs - one.atMs <= WINDOW_MS);
  if (!first) return null;
  return Math.max(0, ((last.events[source] ?? 0) - (first.events[source] ?? 0)) / ((last.atMs - first.atMs) / 1000));
}

/** Events between each look and the one before it. */
export function steps(samples: Sample[], source: string): number[] {
  return samples.slice(1).map((one, at) => Math.max(0, (one.events[source] ?? 0) - (samples[at]?.events[source] ?? 0)));
}

export function rateWords(perSecond: number | null): string {
  if (perSecond === null) return "measuring";
  if (perSecond === 0) return "0 / s";
  if (perSecond < 1) return `${(perSecond * 60).toFixed(1)} / min`;
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString("en")} / s`;
}

// Kept while other pages are shown.
let kept: Sample[] = [];

export function useSamples(status: Status | undefined, atMs: number): Sample[] {
  const [, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    if (!status || atMs === 0) return;
    const events = Object.fromEntries(status.sources.map((one) => [one.source, one.events]));
    kept = added(kept, { atMs, begun: status.begun, events: { ...events, "": status.events } });
    again();
  }, [status, atMs]);
  return kept;
}
