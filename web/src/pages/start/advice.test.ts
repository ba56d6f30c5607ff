import { expect, test } from "vitest";
import { asideAdvice, refusalAdvice } from "./advice";

test("every refusal says what to do", () => {
  expect(refusalAdvice(0)).toMatch(/when the server answers/);
  expect(refusalAdvice(403)).toMatch(/ingest-only/);
  expect(refusalAdvice(413)).toMatch(/--import/);
  expect(refusalAdvice(503)).toMatch(/disk is full/);
  expect(refusalAdvice(500)).toMatch(/doctor/);
  expect(refusalAdvice(400)).toMatch(/Mend the file/);
});

test("what was set aside says what to do, as the server words the reason", () => {
  expect(asideAdvice("a JSON object that is no record of a known log")).toMatch(/header line/);
  expect(asideAdvice("a line that is no record of a known log")).toMatch(/header line/);
  expect(asideAdvice("the gzip stream is truncated")).toMatch(/fetch it again/);
  expect(asideAdvice("nested more than 64 deep")).toMatch(/over a limit/);
  expect(asideAdvice("something new")).toMatch(/Quarantine/);
});
