import { expect, test } from "vitest";
import { whyEnded } from "./ended";
import { isNobody, pause } from "./reach";

const now = Date.parse("2026-11-24T12:00:00Z");
const min = 60_000;
const known = { begun: now - 60 * min, used: now - 2 * min };

test("a session that was not used, that is old, or that the server forgot is told apart", () => {
  expect(whyEnded({ ...known, used: now - 30 * min }, now, true)).toMatch(/30 minutes without use/);
  expect(whyEnded({ ...known, used: now - 29 * min }, now, true)).not.toMatch(/30 minutes/);
  expect(whyEnded({ ...known, begun: now - 720 * min }, now, true)).toMatch(/12 hours/);
  expect(whyEnded({ ...known, away: now - min }, now, true)).toMatch(/server was restarted, which/);
  expect(whyEnded({ ...known, away: now - 3 * min }, now, true)).toMatch(/logged out elsewhere/);
  expect(whyEnded({ ...known, left: now }, now, true)).toMatch(/another tab/);
});

test("whoever comes for the first time, or comes back after logging out, is told nothing", () => {
  expect(whyEnded(null, now, false)).toBeNull();
  expect(whyEnded({ ...known, left: now }, now, false)).toBeNull();
  expect(whyEnded({ ...known, away: now - min }, now, false)).toBeNull();
  expect(whyEnded({ ...known, used: now - 31 * min }, now, false)).toMatch(/without use/);
});

test("a server that is away is asked again after one second, and every quarter of a minute at last", () => {
  expect([0, 1, 2, 3, 4, 9].map(pause)).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect([200, 401, 500, 502, 503, 504].filter(isNobody)).toEqual([502, 504]);
});
