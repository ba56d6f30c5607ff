import { describe, expect, test } from "vitest";
import { awsCommand, cliCommand, csv, shellWord } from "./give";
import { draftOf } from "./sigma";
import { commands, eventsOf, filterPart, groupKeys, histogramText, unitAt, withFilter } from "./text";

describe("commands", () => {
  test("bars within strings, regexes, comments, names and brackets part nothing", () => {
    const text = 'filter a = "x|y" and b like /p|q/ # c | d\n| filter `n|m` in ( SOURCE \'g\' | fields x ) | limit 5';
    expect(commands(text).map((command) => command.name)).toEqual(["filter", "filter", "limit"]);
  });
  test("a slash between values divides", () => {
    expect(commands("stats sum(bytes)/1024/1024 as mb | sort mb").map((command) => command.name)).toEqual(["stats", "sort"]);
  });
  test("a regex may hold a quote and a bar", () => {
    expect(commands("parse @message /a\"|(?<x>b)/ | limit 1").map((command) => command.name)).toEqual(["parse", "limit"]);
  });
});

describe("the part that chooses events", () => {
  test("ends where rows become something else", () => {
    const part = filterPart("fields a | filter b = 1 # why\n| stats count(*) by c | filter n > 3");
    expect(part).toEqual({ text: "fields a | filter b = 1", isFiltered: true, stopsAt: "stats" });
  });
  test("counts it", () => {
    expect(histogramText("filter a = 1 | limit 3", "1h")).toBe("filter a = 1 | stats count(*) as n by bin(1h) as t");
    expect(histogramText("limit 3", "5m")).toBe("stats count(*) as n by bin(5m) as t");
  });
});

describe("one more filter", () => {
  test("stands before limit and stats", () => {
    expect(withFilter("fields @timestamp, @message | limit 50", "a.b", 'x"y', true)).toBe('fields @timestamp, @message | filter a.b = "x\\"y" | limit 50');
    expect(withFilter("filter z = 1 | stats count(*) as n by a", "a", "v", true)).toBe('filter z = 1 | filter a = "v" | stats count(*) as n by a');
  });
  test("on a result of stats stands behind it", () => {
    expect(withFilter("stats count(*) as n by a | sort n", "n", 3, true)).toBe('stats count(*) as n by a | sort n | filter n = "3"');
  });
  test("is not swallowed by a comment", () => {
    expect(withFilter("filter a = 1 # note", "b", "c", true)).toBe('filter a = 1 # note\n| filter b = "c"');
  });
  test("leaves out a value but keeps rows that lack it", () => {
    expect(withFilter("limit 5", "a", "v", false)).toBe('filter (a != "v" or not ispresent(a))\n| limit 5');
  });
  test("wraps SQL", () => {
    expect(withFilter("SELECT a FROM t;", "a", "it's", true, "sql")).toBe("SELECT * FROM (\nSELECT a FROM t\n) AS answer\nWHERE \"a\" = 'it''s'");
  });
});

test("the events that a row of stats counted", () => {
  expect(groupKeys("stats count(*) by a, b.c")).toEqual(["a", "b.c"]);
  expect(eventsOf("filter x = 1 | stats count(*) as n by a", { a: "v", n: 3 })).toBe('filter x = 1 | filter a = "v" | limit 1000');
  expect(eventsOf("stats count(*) as n by a", { n: 3 })).toBe("fields @timestamp, @message | filter not ispresent(a) | limit 1000");
  expect(eventsOf("stats count(*) by bin(1h)", {})).toBe(null);
});

test("bytes and units of text", () => {
  const text = 'filter a = "é😀" | filtr';
  expect(text.slice(unitAt(text, new TextEncoder().encode(text.slice(0, text.indexOf("filtr"))).length))).toBe("filtr");
});

test("cells that would be formulas are text, numbers stay numbers", () => {
  expect(csv(["a", "b"], [{ a: "=1+1", b: -5 }, { a: "@x", b: 'q"r' }, { a: "\tz" }])).toBe('a,b\r\n\'=1+1,-5\r\n\'@x,"q""r"\r\n\'\tz,\r\n');
});

test("words of a shell", () => {
  expect(shellWord("it's; rm -rf $HOME")).toBe("'it'\\''s; rm -rf $HOME'");
  expect(cliCommand({ text: 'filter a = "b"', lang: "ql", from: "2026-11-23T00:00:00Z", to: null })).toBe(
    "skywarden query 'filter a = \"b\"' --from 2026-11-23T00:00:00Z --lake ./lake",
  );
  expect(awsCommand({ text: "limit 1", lang: "ql", from: null, to: null })).toHaveProperty("why");
});

describe("a rule out of a query", () => {
  const of = (text: string) => draftOf(text, "00000000-0000-4000-8000-000000000000", "2026-11-24");
  test("takes filters over", () => {
    const { yaml, left } = of('filter eventName in ["A", "B"] and errorCode like /Denied/ | filter userAgent != "x*" | sort @timestamp');
    expect(left).toEqual([]);
    expect(yaml).toContain('    eventName|cased:\n      - "A"\n      - "B"\n    errorCode|re: "Denied"');
    expect(yaml).toContain('  exclusion_1:\n    userAgent|cased: "x\\\\*"');
    expect(yaml).toContain("condition: selection and present_1 and not exclusion_1");
  });
  test("says what it leaves out", () => {
    expect(of('filter a = "x" or b = "y" | stats count(*) by c').left).toHaveLength(3);
    expect(of('filter strlen(a) > 3 and b = "y"').left).toEqual(["`strlen(a) > 3`: a rule has no test of this form"]);
  });
  test("knows flow logs", () => {
    expect(of('filter dstport = 22 and action = "ACCEPT"').yaml).toContain("service: vpcflow");
  });
});
