import { expect, test } from "vitest";
import { ROWS_MAX } from "./run";
import { limitWords } from "./status";

test("the limit that was met is named, and how to get more", () => {
  expect(limitWords(8192, "there are more rows than may be given")).toMatch(/64 MiB.*name the fields.*As a command/);
  expect(limitWords(ROWS_MAX, "there are more rows than these")).toMatch(/100,000 rows at most.*--rows/);
  expect(limitWords(12, "the query was cancelled")).toBe("the query was cancelled");
});
