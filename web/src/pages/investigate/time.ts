// Spans of time of a profile: the window that is looked at, and the usual before it.
import type { Row } from "../../api/query";
import { asDate } from "../../parts/time";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
export const USUAL_DAYS = 30;
export const LOOK_DAYS = 90;

export interface Window {
  from: string;
  to: string;
}

/** `2026-11-23T02:00:00Z` */
export function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function ms(time: unknown): number {
  return asDate(time as string)?.getTime() ?? Number.NaN;
}

export interface Hour {
  at: number;
  events: number;
  errors: number;
  writes: number;
}
export interface Activity {
  hours: Hour[];
  first: number;
  last: number;
  isOfFlows: boolean;
}

export function activityOf(rows: Row[], isOfFlows: boolean): Activity | null {
  if (rows.length === 0) return null;
  const hours = rows.map((row) => ({ at: ms(row.hour), events: Number(row.events), errors: Number(row.errors), writes: Number(row.writes) }));
  return {
    hours,
    first: Math.min(...rows.map((row) => ms(row.first))),
    last: Math.max(...rows.map((row) => ms(row.last))),
    isOfFlows,
  };
}

/** What is looked at if nothing was said: the last day on which it was active. */
export function lastDay(last: number): Window {
  const to = Math.floor(last / HOUR_MS) * HOUR_MS + HOUR_MS;
  return { from: iso(to - DAY_MS), to: iso(to) };
}

export function sum(hours: Hour[], from: number, to: number): { events: number; errors: number; writes: number } {
  const all = { events: 0, errors: 0, writes: 0 };
  for (const hour of hours) {
    if (hour.at + HOUR_MS <= from || hour.at >= to) continue;
    all.events += hour.events;
    all.errors += hour.errors;
    all.writes += hour.writes;
  }
  return all;
}

/** Every hour of a span, those without events too. */
export function everyHour(hours: Hour[], from: number, to: number): Hour[] {
  const known = new Map(hours.map((hour) => [hour.at, hour]));
  const all: Hour[] = [];
  for (let at = Math.floor(from / HOUR_MS) * HOUR_MS; at < to; at += HOUR_MS) all.push(known.get(at) ?? { at, events: 0, errors: 0, writes: 0 });
  return all;
}
