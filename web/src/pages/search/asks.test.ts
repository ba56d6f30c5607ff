import { expect, test } from "vitest";
import { networkOf } from "../../app/entity";
import { countQuestions, kindsOf, namesQuestion, sumOf } from "./asks";

test("a network is told from an address, a path and a date", () => {
  const written = ["198.51.100.0/24", "10.0.0.0/8", "2001:db8::/32", "::/0", "0.0.0.0/0"];
  expect(written.map(networkOf)).toEqual(written);
  expect(["198.51.100.7", "198.51.100.0/33", "300.1.1.1/8", "user/mara", "a/24", "2001:db8::/129", "/24", "24/11/26", "10.0.0.0/8/8"].filter(networkOf)).toEqual([]);
});

test("how addresses begin is a network, and a number is none", () => {
  expect(["10.", "10.0", "10.0.", "203.0.113", "203.0.113.", "255.255."].map(networkOf)).toEqual(["10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/16", "203.0.113.0/24", "203.0.113.0/24", "255.255.0.0/16"]);
  expect(["10", "10..", ".10", "10.256", "10.0.0.1.", "203.0.113.9", "111122223333", "1.2.3.4.5", "v1.2", "10.0.x", ""].filter(networkOf)).toEqual([]);
});

test("every kind is tried, the wanted and the likeliest first", () => {
  expect(kindsOf("203.0.113.9")[0]).toBe("ip");
  expect(kindsOf("203.0.113.9").length).toBe(6);
  expect(kindsOf("mara", "account").slice(0, 3)).toEqual(["account", "principal", "resource"]);
  expect(kindsOf("mara", "nonsense")[0]).toBe("principal");
});

test("what is typed stays text in what is asked", () => {
  const hostile = "x' OR 1=1 --";
  for (const { text } of [...countQuestions("key", hostile, ""), ...countQuestions("resource", hostile, ""), namesQuestion(hostile, "")]) {
    expect(text.toLowerCase()).toContain("x'' or 1=1 --");
  }
});

test("flows count for addresses and interfaces only", () => {
  expect(countQuestions("ip", "203.0.113.9", "")).toHaveLength(2);
  expect(countQuestions("principal", "mara", "")).toHaveLength(1);
  expect(sumOf([{ n: 2, first: "b", last: "c" }, { n: 0, first: "", last: "" }, { n: 1, first: "a", last: "b" }])).toEqual({ n: 3, first: "a", last: "c" });
});
