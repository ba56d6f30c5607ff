import { expect, it } from "vitest";
import type { Place } from "../../api/places";
import { placeMarks } from "../../parts/world";
import { impossible, km, spotsOf, waysOf } from "./places";

const place = (address: string, country: string, city: string | null, latitude: number | null, longitude: number | null, isApproximate = false): Place => ({
  address, country, country_name: country, city, latitude, longitude, is_approximate: isApproximate, asn: null, organisation: `of ${address}`,
});
const PLACES = [place("1.1.1.1", "Sweden", "Stockholm", 59.33, 18.07), place("1.1.1.2", "Sweden", "Stockholm", 59.33, 18.07), place("2.2.2.2", "Brazil", null, -10, -55, true), place("3.3.3.3", "", null, null, null)];
const WINDOW = { from: "2026-11-22T00:00:00Z", to: "2026-11-23T00:00:00Z" };
const from = (value: string, events: number, before: number) => ({ value, events, before, errors: 0 });

it("makes one spot a place, and leaves out what is nowhere", () => {
  const spots = spotsOf([from("1.1.1.1", 5, 3), from("1.1.1.2", 2, 0), from("2.2.2.2", 9, 0), from("3.3.3.3", 4, 0), from("4.4.4.4", 1, 0)], PLACES, "SOURCE 'cloudtrail'", WINDOW);
  expect(spots.map(({ label, events, before, isNew, isApproximate }) => ({ label, events, before, isNew, isApproximate }))).toEqual([
    { label: "Brazil", events: 9, before: 0, isNew: true, isApproximate: true },
    { label: "Stockholm, Sweden", events: 7, before: 3, isNew: false, isApproximate: false },
  ]);
  expect(spots[1]?.title).toBe("Stockholm, Sweden: 7 events from 1.1.1.1, 1.1.1.2");
  expect(decodeURIComponent(spots[0]?.to ?? "")).toContain('["2.2.2.2"]');
  expect(waysOf(spots).map(({ from, to }) => [from.label, to.label])).toEqual([["Stockholm, Sweden", "Brazil"]]);
  expect(waysOf(spots.filter((spot) => spot.isNew))).toEqual([]);
});

it("knows how far it is over the ground", () => {
  expect(Math.round(km({ latitude: 59.33, longitude: 18.07 }, { latitude: 52.52, longitude: 13.4 }) / 10)).toBe(81);
  expect(Math.round(km({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 }))).toBe(222);
});

it("tells of the fastest move that nobody can make", () => {
  const move = (address: string, at: string, address_before: string, at_before: string) => ({ address, at, address_before, at_before });
  const fast = move("2.2.2.2", "2026-11-22 01:40:00.000", "1.1.1.1", "2026-11-22 01:20:00.000");
  const slow = move("1.1.1.1", "2026-11-23 12:00:00.000", "2.2.2.2", "2026-11-22 10:00:00.000");
  const near = move("1.1.1.2", "2026-11-22 01:00:00.000", "1.1.1.1", "2026-11-22 01:00:00.000");
  expect(impossible([slow, near], PLACES)).toBeNull();
  expect(impossible([slow, fast, near], PLACES)).toMatchObject({ seconds: 1200, to: { country: "Brazil" } });
  const middles = [place("1.1.1.1", "Russia", "Omsk", 55, 73), place("2.2.2.2", "Russia", null, 61, 105, true)];
  expect(impossible([fast], middles)).toBeNull();
});

it("names marks where there is room, the new ones first, and never outside", () => {
  const mark = (key: string, longitude: number, weight: number, isNew: boolean) => ({ key, label: `name of ${key}`, title: "", latitude: 0, longitude, weight, isNew, isApproximate: false, to: "" });
  const placed = placeMarks([mark("a", 100, 9, false), mark("b", 104, 1, true), mark("c", 395, 4, false)], ([x]) => [x, 50], 400);
  const text = (key: string) => placed.find((one) => one.mark.key === key)?.text;
  expect(text("b")).toEqual({ words: "name of b", isLeft: false });
  expect(text("a")).toEqual({ words: "name of a", isLeft: true });
  expect(text("c")).toEqual({ words: "name of c", isLeft: true });
});
