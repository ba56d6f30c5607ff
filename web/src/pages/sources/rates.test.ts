import { describe, expect, it } from "vitest";
import { added, rate, rateWords, steps, type Sample } from "./rates";

const look = (s: number, n: number, begun = "a"): Sample => ({ atMs: s * 1000, begun, events: { trail: n } });

describe("rates", () => {
  it("need two looks", () => {
    expect(rate([look(0, 5)], "trail")).toBeNull();
    expect(rate([look(0, 5), look(10, 25)], "trail")).toBe(2);
    expect(rateWords(null)).toBe("measuring");
  });
  it("are those of the last minute", () => {
    expect(rate([look(0, 0), look(100, 1000), look(110, 1010)], "trail")).toBe(1);
  });
  it("begin anew with the server", () => {
    const samples = added([look(0, 500), look(10, 600)], look(20, 3, "b"));
    expect(samples).toHaveLength(1);
    expect(rate(samples, "trail")).toBeNull();
  });
  it("count the same look once", () => {
    expect(added([look(0, 5)], look(0, 5))).toHaveLength(1);
    expect(steps([look(0, 5), look(10, 25), look(20, 25)], "trail")).toEqual([20, 0]);
  });
});
