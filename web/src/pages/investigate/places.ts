// What a map of logins shows: addresses by the place where they are, and ways that nobody can travel.
import { placeName, type Place } from "../../api/places";
import type { Mark } from "../../parts/world";
import { queryLink } from "../../app/url";
import { counted } from "../../parts/words";
import { listed } from "./predicate";
import { ms, type Window } from "./time";

/** What came from an address. */
export interface From {
  value: string;
  events: number;
  before: number;
  errors: number;
}
export interface Spot extends Mark {
  addresses: string[];
  organisations: string[];
  events: number;
  before: number;
  errors: number;
}

/** Where a place is on the globe, if that is known. */
function spotOf({ latitude, longitude }: Place): { latitude: number; longitude: number } | null {
  return typeof latitude === "number" && typeof longitude === "number" ? { latitude, longitude } : null;
}

const ADDRESSES_TOLD = 5;

/** One spot a place, that with most events first. `its` is the question whose events these are. */
export function spotsOf(all: From[], places: Place[], its: string, window: Window): Spot[] {
  const known = new Map(places.map((place) => [place.address, place]));
  const spots = new Map<string, Spot>();
  for (const { value, events, before, errors } of all) {
    const place = known.get(value);
    const spotted = place && spotOf(place);
    if (!spotted || events === 0) continue;
    const label = placeName(place);
    const key = `${label} ${spotted.latitude} ${spotted.longitude}`;
    const spot = spots.get(key) ?? {
      key, label, title: "", ...spotted, weight: 0, isNew: false, isApproximate: place.is_approximate === true, to: "",
      addresses: [], organisations: [], events: 0, before: 0, errors: 0,
    };
    spot.addresses.push(value);
    if (place.organisation && !spot.organisations.includes(place.organisation)) spot.organisations.push(place.organisation);
    spot.events += events;
    spot.before += before;
    spot.errors += errors;
    spots.set(key, spot);
  }
  for (const spot of spots.values()) {
    const more = spot.addresses.length - ADDRESSES_TOLD;
    spot.weight = spot.events;
    spot.isNew = spot.before === 0;
    spot.title = `${spot.isApproximate ? "Somewhere in " : ""}${spot.label}${spot.isNew ? ", new" : ""}: ${counted(spot.events, "event")} from ${spot.addresses.slice(0, ADDRESSES_TOLD).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
    spot.to = queryLink(`${its}\n| filter sourceIPAddress in [${listed(spot.addresses.slice(0, 50), "ql")}]\n| sort @timestamp desc`, "ql", window);
  }
  return [...spots.values()].sort((a, b) => b.events - a.events);
}

/** From the place that it is usually at to each that is new. */
export function waysOf(spots: Spot[]): { from: Spot; to: Spot }[] {
  const usual = spots.filter((spot) => !spot.isNew).sort((a, b) => b.before - a.before)[0];
  return usual ? spots.filter((spot) => spot.isNew).map((to) => ({ from: usual, to })) : [];
}

const EARTH_KM = 6371;

/** The shortest way over the ground. */
export function km(a: { latitude: number; longitude: number }, b: { latitude: number; longitude: number }): number {
  const rad = (degrees: number) => (degrees * Math.PI) / 180;
  const h = Math.sin(rad(b.latitude - a.latitude) / 2) ** 2 + Math.cos(rad(a.latitude)) * Math.cos(rad(b.latitude)) * Math.sin(rad(b.longitude - a.longitude) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** One event after another, from another address. */
export interface Move {
  at: unknown;
  address: unknown;
  at_before: unknown;
  address_before: unknown;
}
export interface Travel {
  from: Place;
  to: Place;
  km: number;
  seconds: number;
  at: string;
}

/** Faster than an airliner; and not within what the middle of a country may be wrong by. */
const KM_H_MAX = 1000;
const KM_MIN = 500;

/** The move that needs the greatest speed, if nobody can have travelled it. */
export function impossible(moves: Move[], places: Place[]): Travel | null {
  const known = new Map(places.map((place) => [place.address, place]));
  let worst: Travel | null = null;
  const speed = (travel: Travel) => travel.km / Math.max(1, travel.seconds);
  for (const move of moves) {
    const from = known.get(String(move.address_before));
    const to = known.get(String(move.address));
    const [a, b] = [from && spotOf(from), to && spotOf(to)];
    if (!from || !to || !a || !b) continue;
    // Two middles of one country are one place.
    if (from.country === to.country && (from.is_approximate || to.is_approximate)) continue;
    const way = km(a, b);
    const travel = { from, to, km: way, seconds: Math.max(0, (ms(move.at) - ms(move.at_before)) / 1000), at: String(move.at) };
    if (way < KM_MIN || speed(travel) * 3600 < KM_H_MAX) continue;
    if (!worst || speed(travel) > speed(worst)) worst = travel;
  }
  return worst;
}
