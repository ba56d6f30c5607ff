// Whether the server answers. Who finds that it does not says so here, and it is asked again until it does.
import { useSyncExternalStore } from "react";
import { outage } from "./ended";

export interface Away {
  since: number;
  /** When it is asked again. */
  next: number;
}

const FIRST_MS = 1000;
const MOST_MS = 15_000;
/** Whoever has heard nothing for so long asks, also where nothing else does. */
const QUIET_MS = 20_000;
const PATIENCE_MS = 8000;

/** Why nothing can be done meanwhile. */
export const AWAY_WHY = "The server does not answer. It is asked again by itself; until then nothing can be changed.";

let away: Away | null = null;
let tries = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let heard = Date.now();
const watchers = new Set<() => void>();
const waiting = new Set<() => void>();

/** How long until the next try. */
export function pause(tried: number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** tried);
}

/** What stands in front of a server answers so when there is none. */
export function isNobody(status: number): boolean {
  return status === 502 || status === 504;
}

export function answered(): void {
  heard = Date.now();
  if (away === null) return;
  away = null;
  tries = 0;
  clearTimeout(timer);
  for (const tell of watchers) tell();
  for (const act of waiting) act();
}

export function unanswered(): void {
  if (away !== null) return;
  outage(Date.now());
  later(Date.now());
}

function later(since: number): void {
  const ms = pause(tries);
  away = { since, next: Date.now() + ms };
  tries += 1;
  clearTimeout(timer);
  timer = setTimeout(() => void look(), ms);
  for (const tell of watchers) tell();
}

/** Asks whether it is there, which keeps no session alive. */
export async function look(): Promise<void> {
  const since = away?.since;
  try {
    const { status } = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!isNobody(status)) return answered();
  } catch {
    // Nobody is there.
  }
  if (since === undefined) unanswered();
  else if (away !== null) later(since);
}

if (typeof document !== "undefined") {
  setInterval(() => {
    if (away === null && !document.hidden && Date.now() - heard > QUIET_MS) void look();
  }, QUIET_MS / 4);
}

/** Something broke off: it may be that nobody is there. */
export function suspect(): void {
  if (away === null) void look();
}

/** Acts when the server answers again. */
export function whenBack(act: () => void): () => void {
  waiting.add(act);
  return () => void waiting.delete(act);
}

/** Since when nobody answers; nothing if somebody does. */
export function useAway(): Away | null {
  return useSyncExternalStore(
    (tell) => {
      watchers.add(tell);
      return () => watchers.delete(tell);
    },
    () => away,
  );
}
