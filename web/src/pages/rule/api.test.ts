import { expect, test } from "vitest";
import { eventIn, flowRecord, placeIn } from "./api";

test("lines and columns of characters", () => {
  const text = "a: 1\nb: 😀x\n";
  expect(text.slice(placeIn(text, 2, 5))).toBe("x\n");
  expect(placeIn(text, 9, 1)).toBe(text.length);
});

test("the event in a text", () => {
  expect(eventIn('{"Records":[{"a":1},{"a":2}]}')).toEqual({ event: { a: 1 }, note: "The text holds 2 records; the first is tried." });
  expect(eventIn('{"a":1}')).toEqual({ event: { a: 1 }, note: null });
  const line = "2 111122223333 eni-1 203.0.113.9 10.0.0.1 1 22 6 1 40 1 2 ACCEPT OK";
  expect(eventIn(` ${line}\n`)).toEqual({ event: line, note: null });
  expect(eventIn("5 vpc-1 203.0.113.9").event).toBe(undefined);
  expect(eventIn('{"a":').note).toMatch(/not whole JSON/);
});

test("a line of a flow log under its names", () => {
  expect(flowRecord("5 111122223333 10.0.0.1 22 -", "${version} ${account-id} ${srcaddr} ${dstport} ${tcp-flags}")).toEqual({ version: 5, "account-id": "111122223333", srcaddr: "10.0.0.1", dstport: 22 });
  expect(flowRecord("5 6", "${version}")).toBe(null);
});
