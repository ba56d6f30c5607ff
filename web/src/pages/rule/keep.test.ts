import { beforeEach, expect, test, vi } from "vitest";
import { setCsrf } from "../../api/client";
import { idIn, load, newId, problemsOf, refusal, remove, save, turn, withId } from "./keep";

const ID = "0b6a1c9e-1111-4222-8333-444455556666";
const TEXT = `title: Mine\nid: ${ID.toUpperCase()} # ours\nlevel: high\n`;
const asked: { path: string; method: string; body: unknown; match: string | null; csrf: string | null }[] = [];
let answer = () => new Response("{}");

vi.stubGlobal("location", { origin: "https://console.test" });
vi.stubGlobal("fetch", (url: URL, { method, body, headers }: { method: string; body?: string; headers: Record<string, string> }) => {
  asked.push({ path: url.pathname, method, body: body ? JSON.parse(body) : undefined, match: headers["if-match"] ?? null, csrf: headers["x-skywarden-csrf"] ?? null });
  return Promise.resolve(answer());
});
const rule = (more = {}) => new Response(JSON.stringify({ id: ID, title: "Mine", origin: "server", enabled: true, ...more }), { headers: { etag: '"7"' } });
const problem = (status: number, more = {}) => new Response(JSON.stringify({ status, title: "no", detail: "said no", ...more }), { status });
beforeEach(() => {
  asked.length = 0;
  setCsrf("word");
});

test("a new rule is put without a version, and a known one with the version that was seen", async () => {
  answer = rule;
  const made = await save(ID, TEXT, null);
  expect(made.tag).toBe('"7"');
  await save(ID, TEXT, made.tag);
  expect(asked).toEqual([
    { path: `/api/v1/rules/${ID}`, method: "PUT", body: { rule: TEXT }, match: null, csrf: "word" },
    { path: `/api/v1/rules/${ID}`, method: "PUT", body: { rule: TEXT }, match: '"7"', csrf: "word" },
  ]);
});

test("loading tells the version; deleting and switching name it", async () => {
  answer = rule;
  const { tag } = await load(ID);
  await turn(ID, tag, { enabled: false, reason: "too loud" });
  await turn(ID, tag, { enabled: true });
  answer = () => new Response(null, { status: 204 });
  await remove(ID, tag);
  expect(asked.slice(1).map(({ method, body, match }) => [method, body, match])).toEqual([
    ["PATCH", { enabled: false, reason: "too loud" }, '"7"'],
    ["PATCH", { enabled: true }, '"7"'],
    ["DELETE", undefined, '"7"'],
  ]);
});

test("mistakes stand at their line and column", async () => {
  answer = () => problem(422, { errors: [{ pointer: "/rule", detail: "no such field", line: 9, column: 5, help: "did you mean eventName?" }, { pointer: "/rule", detail: "no title" }] });
  const err = await save(ID, "x", null).catch((one: unknown) => one);
  expect(problemsOf(err)).toMatchObject([{ line: 9, column: 5, drawn: "line 9, column 5: no such field\n  did you mean eventName?" }, { line: 1, drawn: "no title" }]);
  expect(refusal(err)).toMatch(/marked/);
});

test("what others changed, what is there already, and what is only read is told, each with what to do", async () => {
  for (const [status, words] of [[412, /Somebody changed/], [428, /id of its own/], [409, /only read/], [403, /said no/]] as const) {
    answer = () => problem(status);
    const err = await save(ID, TEXT, '"1"').catch((one: unknown) => one);
    expect(refusal(err)).toMatch(words);
    expect(problemsOf(err)).toEqual([]);
  }
});

test("the id is read out of the text and put into it", () => {
  expect(idIn(TEXT)).toBe(ID);
  expect(idIn("title: no id\ndetection:\n  id: x\n")).toBeNull();
  expect(idIn("  id: 0b6a1c9e-1111-4222-8333-444455556666\n")).toBeNull();
  const other = newId();
  expect(other).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(idIn(withId(TEXT, other))).toBe(other);
  expect(withId("title: a $& b\nlevel: low\n", other)).toBe(`title: a $& b\nid: ${other}\nlevel: low\n`);
  expect(idIn(withId("level: low\n", other))).toBe(other);
});
