import { expect, test } from "vitest";
import { eventIn, placeIn } from "./api";

test("lines and columns of characters", () => {
  const text = "a: 1\nb: 😀x\n";
  expect(text.slice(placeIn(text, 2, 5))).toBe("x\n");
  expect(placeIn(text, 9, 1)).toBe(text.length);
});

test("the event in a text", () => {
  expect(eventIn('{"Records":[{"a":1},{"a":2}]}')).toEqual({ event: { a: 1 }, note: "The text holds 2 records; the first is tried." });
  expect(eventIn('{"a":1}')).toEqual({ event: { a: 1 }, note: null });
  expect(eventIn(" 2 1111 eni-1 ")).toEqual({ event: "2 1111 eni-1", note: null });
  expect(eventIn('{"a":').note).toMatch(/not whole JSON/);
});
