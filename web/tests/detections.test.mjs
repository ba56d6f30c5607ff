// Detections: the list of rules, and the page of one: its text, its test on an event, the past, a draft.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { barriers, logIn, mistakes, openBrowser, openPage, settled, shot } from "./browser.mjs";
import { NAME, PASSWORD, startServer } from "./server.mjs";

const STOPPED = "b43ca50a-bfe4-4bb4-897b-f62eccc9763f";
let server;
let browser;
let page;
let has;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
  const { paths } = await server.call("/api/v1/openapi.json");
  const rule = await server.call(`/api/v1/rules/${STOPPED}`);
  has = { tests: "/api/v1/rule-tests" in paths, backtests: "/api/v1/backtests" in paths, source: typeof rule.source === "string", keeps: "put" in paths["/api/v1/rules/{id}"] };
  page = await openPage(browser, { height: 1100 });
  await logIn(page, server.base, NAME, PASSWORD);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const rules = () => page.getByRole("grid", { name: "Rules" });
const param = (name) => new URL(page.url()).searchParams.get(name);

test("the list counts what each rule found, and its numbers lead there", async () => {
  const { findings } = await server.call(`/api/v1/findings?rule=${STOPPED}`);
  await page.goto(`${server.base}/detections`);
  await rules().getByRole("link", { name: "CloudTrail logging stopped" }).waitFor();
  const row = rules().getByRole("row").filter({ hasText: "CloudTrail logging stopped" });
  const link = row.getByRole("link", { name: `${findings.length} open` });
  await link.waitFor();
  assert.match(await link.getAttribute("href"), new RegExp(`^/findings\\?rule=${STOPPED}`));
  await row.getByRole("link", { name: "1", exact: true }).waitFor();
  const cut = await rules().locator(".attack").evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().height > one.closest("[role=row]").clientHeight).map((one) => one.innerText));
  assert.deepEqual(cut, [], "tactics that are cut");
  await shot(page, "detections");
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("filters stand in the address, and the address filters", async () => {
  await page.getByLabel("Filter rules by text").fill("bucket");
  await page.getByText(/\(\d+ of \d+\)/).waitFor();
  assert.equal(param("text"), "bucket");
  await page.goto(`${server.base}/detections?technique=T1562&severity=5&has=findings`);
  await rules().getByRole("link", { name: "CloudTrail logging stopped" }).waitFor();
  const all = await server.call("/api/v1/rules");
  const most = all.filter((rule) => rule.severity_id === 5 && rule.techniques.some((one) => one.startsWith("T1562"))).length;
  assert.ok(Number(await rules().getAttribute("aria-rowcount")) - 1 <= most);
  await page.goto(`${server.base}/detections?text=no+such+rule`);
  await page.getByText("No rule is like that").waitFor();
  await page.getByRole("button", { name: "Show all rules" }).click();
  await page.getByText(`(${all.length})`).waitFor();
});

test("a judged finding counts for the rule, and shares are told from five verdicts on", async () => {
  const { findings } = await server.call(`/api/v1/findings?rule=${STOPPED}`);
  const { uid, version } = findings[0];
  const session = await page.context().request.get(`${server.base}/api/v1/session`).then((response) => response.json());
  const judged = await page.context().request.fetch(`${server.base}/api/v1/findings/${uid}`, {
    method: "PATCH",
    headers: { "if-match": `"${version}"`, "x-skywarden-csrf": session.csrf, "content-type": "application/json", origin: server.base },
    data: JSON.stringify({ status: "resolved", verdict: "true_positive" }),
  });
  assert.ok(judged.ok(), await judged.text());
  await page.goto(`${server.base}/detections?text=logging+stopped`);
  await rules().getByText("1 true of 1").waitFor();
});

test("a rule's page says what it is, what it did, and what it held back", async () => {
  const until = new Date(Date.now() + 20 * 86400e3).toISOString();
  await server.call("/api/v1/suppressions", { method: "POST", body: { dimensions: { rule: STOPPED, account: "999988887777" }, reason: "Drill of the platform team", until } });
  await page.goto(`${server.base}/detections/${STOPPED}?tab=activity`);
  await page.getByRole("heading", { level: 1, name: "CloudTrail logging stopped" }).waitFor();
  await page.getByRole("img", { name: /^Events that the rule matched over time/ }).waitFor();
  await page.getByRole("table", { name: "Latest findings of the rule" }).getByRole("link", { name: /stopped the logging/ }).waitFor();
  await page.getByText(/Drill of the platform team: account 999988887777/).waitFor();
  await page.getByRole("link", { name: "1 event", exact: true }).click();
  await page.getByRole("grid", { name: "Rows of the answer" }).getByText("aws_cloudtrail").first().waitFor();
  await page.goBack();
  await settled(page);
  await shot(page, "rule-activity");
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("a recent hit is tried: it matches, and every condition says what it found; a changed event does not", async () => {
  await page.goto(`${server.base}/detections/${STOPPED}`);
  await page.getByRole("button", { name: "Take a recent hit" }).click();
  const event = page.getByRole("textbox", { name: "Event to try the rule on" });
  await event.getByText('"eventVersion"').waitFor();
  if (!has.tests) {
    await page.getByText("This server cannot test rules yet").waitFor();
    return;
  }
  await page.getByText("The rule matches this event").waitFor();
  const tree = page.getByRole("list", { name: "Conditions of the rule" });
  await tree.getByText("StopLogging", { exact: true }).first().waitFor();
  await shot(page, "rule-test");
  assert.deepEqual(await barriers(page), []);
  await event.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText('{"eventSource":"cloudtrail.amazonaws.com","eventName":"StartLogging"}');
  await page.getByText("The rule does not match this event").waitFor();
  await tree.getByText("StartLogging", { exact: true }).first().waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("a flow record is tried under the names of its own format; a line whose columns nobody can tell is not guessed", async () => {
  const [{ rule_uid: flow }] = await ask("SELECT rule_uid FROM hits WHERE event_source = 'aws_vpc_flow' AND event_format IS NOT NULL LIMIT 1");
  await page.goto(`${server.base}/detections/${flow}`);
  await page.getByRole("button", { name: "Take a recent hit" }).click();
  const event = page.getByRole("textbox", { name: "Event to try the rule on" });
  await event.getByText('"srcaddr"').waitFor();
  if (has.tests) await page.getByText("The rule matches this event").waitFor();
  await event.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText("5 vpc-1 eni-1 203.0.113.9");
  await page.getByText(/this one has 4, so nobody can tell which is which/).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

/** The rows of a question in SQL. */
async function ask(text) {
  const { id } = await server.call("/api/v1/queries?wait_s=20", { method: "POST", body: { text, lang: "sql" } });
  const response = await page.context().request.get(`${server.base}/api/v1/queries/${id}/rows`, { headers: { accept: "application/x-ndjson" } });
  return (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
}

test("a draft is checked as it is typed, tried on the past against the rule, and downloaded", async () => {
  await page.goto(`${server.base}/detections/${STOPPED}`);
  await settled(page);
  if (!has.source) {
    await page.getByText("This server does not tell the rule’s document yet").waitFor();
    assert.ok(await page.getByRole("button", { name: "Download YAML" }).isDisabled());
    return;
  }
  await page.getByRole("button", { name: "Edit as a draft" }).click();
  const draft = page.getByRole("textbox", { name: "Text of the draft" });
  if (has.tests) {
    await draft.click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText("title: Half a rule\n");
    await page.getByText(/problems?: the rule cannot be used like this/).waitFor();
    await page.getByRole("button", { name: "Discard the draft" }).click();
    await page.getByRole("button", { name: "Edit as a draft" }).click();
  }
  await draft.click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# mine\n");
  await page.getByText("You look at a draft").waitFor();
  if (has.tests) await page.getByText("The rule can be read.").waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download YAML" }).click()]);
  assert.equal(file.suggestedFilename(), "cloudtrail_logging_stopped.yml");
  assert.match(await readFile(await file.path(), "utf8"), /# mine/);
  await page.getByRole("tab", { name: "Backtest" }).click();
  await page.getByRole("button", { name: "Run the backtest" }).click();
  if (has.backtests) {
    await page.getByText("Against what was found as events came in").waitFor();
    await shot(page, "rule-backtest");
    assert.deepEqual(await barriers(page), []);
  } else await page.getByText("This server cannot run backtests yet").waitFor();
  // Another page in between loses nothing.
  await page.goto(`${server.base}/detections`);
  await page.goto(`${server.base}/detections/${STOPPED}`);
  await draft.getByText("# mine").waitFor();
  await page.getByRole("button", { name: "Discard the draft" }).click();
  await page.getByRole("textbox", { name: "Text of the rule" }).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("a new rule stands in its link", async () => {
  await page.goto(`${server.base}/detections/new`);
  const draft = page.getByRole("textbox", { name: "Text of the draft" });
  await draft.getByText("StopLogging").waitFor();
  await draft.click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# from a colleague\n");
  await page.waitForURL((url) => url.searchParams.get("draft")?.startsWith("# from a colleague"));
  const link = page.url();
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(link);
  await draft.getByText("# from a colleague").waitFor();
});

const MINE = `title: Trails looked at
id: 00000000-0000-4000-8000-00000000abcd
status: experimental
description: A rule of a test.
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    eventName: DescribeTrails
  condition: selection
level: low
`;

async function type(name, text) {
  const editor = page.getByRole("textbox", { name });
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
}

test("a rule is written, saved, changed, switched off and on, and deleted; what somebody else saved is not written over", async () => {
  await page.goto(`${server.base}/detections/new`);
  const save = page.getByRole("button", { name: "Save on the server" });
  if (!has.keeps) {
    await page.getByText(/Your role may not save rules/).waitFor();
    assert.equal(await save.count(), 0);
    return;
  }
  await type("Text of the draft", MINE.replace("condition: selection", "condition: nothing"));
  await save.click();
  await page.getByText("Not saved").waitFor();
  await page.getByLabel(/^Line 11: /).first().waitFor();
  await page.locator(".cm-lintRange-error, .cm-lint-marker-error").first().waitFor();
  await shot(page, "rule-refused");
  await type("Text of the draft", MINE);
  await save.click();
  await page.getByRole("heading", { level: 1, name: "Trails looked at" }).waitFor();
  const path = "/api/v1/rules/00000000-0000-4000-8000-00000000abcd";
  assert.equal((await server.call(path)).origin, "server");

  // It is changed here while somebody else changes it.
  await page.getByRole("button", { name: "Edit as a draft" }).click();
  await type("Text of the draft", MINE.replace("level: low", "level: medium"));
  const put = async (text) => {
    const { headers } = await fetch(`${server.base}${path}`, { headers: { cookie: server.session.cookie } });
    const response = await fetch(`${server.base}${path}`, {
      method: "PUT",
      headers: { cookie: server.session.cookie, "x-skywarden-csrf": server.session.csrf, "content-type": "application/json", "if-match": headers.get("etag") },
      body: JSON.stringify({ rule: text }),
    });
    assert.ok(response.ok, await response.text());
  };
  await put(MINE.replace("A rule of a test.", "A rule of somebody else."));
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Somebody changed the rule since you loaded it", { exact: false }).waitFor();
  assert.match((await server.call(path)).source, /somebody else/);
  await page.getByRole("button", { name: "Show what it is now" }).click();
  await page.getByRole("textbox", { name: "Text of the rule as it is now" }).getByText("A rule of somebody else.").waitFor();
  await page.getByRole("button", { name: "Mine goes over it" }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("textbox", { name: "Text of the rule" }).waitFor();
  const now = await server.call(path);
  assert.deepEqual([now.severity_id, /somebody else/.test(now.source)], [3, false]);

  await page.getByRole("button", { name: "Switch off" }).click();
  const dialog = page.getByRole("dialog");
  assert.ok(await dialog.getByRole("button", { name: "Switch off" }).isDisabled(), "a reason is needed");
  await dialog.getByLabel("Why").fill("too loud tonight");
  await dialog.getByRole("button", { name: "Switch off" }).click();
  await page.getByText(/By admin, .*: too loud tonight/).waitFor();
  assert.equal((await server.call(path)).enabled, false);
  assert.deepEqual(await barriers(page), []);
  await shot(page, "rule-off");
  await page.goto(`${server.base}/detections?state=off`);
  await rules().getByRole("switch", { name: /Trails looked at/ }).click();
  await page.getByText("“Trails looked at” is on").waitFor();
  assert.equal((await server.call(path)).enabled, true);

  // A rule of ours is switched off in the list, and its draft becomes one of one's own.
  await page.goto(`${server.base}/detections?text=logging+stopped`);
  const ours = rules().getByRole("switch", { name: /CloudTrail logging stopped/ });
  await ours.click();
  await dialog.getByLabel("Why").fill("mine finds the same");
  await dialog.getByRole("button", { name: "Switch off" }).click();
  await page.locator('[role=switch][aria-checked="false"]').waitFor();
  await ours.click();
  await page.locator('[role=switch][aria-checked="true"]').waitFor();
  await page.goto(`${server.base}/detections/${STOPPED}`);
  assert.equal(await page.getByRole("button", { name: "Delete" }).count(), 0);
  await page.getByRole("button", { name: "Edit as a draft" }).click();
  await page.getByRole("button", { name: "Save as a rule of your own" }).click();
  await page.waitForURL((url) => /^\/detections\/[0-9a-f-]{36}$/.test(url.pathname) && !url.pathname.endsWith(STOPPED));
  for (const name of ["CloudTrail logging stopped", "Trails looked at"]) {
    if (name === "Trails looked at") await page.goto(`${server.base}/detections/00000000-0000-4000-8000-00000000abcd`);
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.waitForURL((url) => url.pathname === "/detections");
  }
  const left = (await server.call("/api/v1/rules")).filter((rule) => rule.origin === "server");
  assert.deepEqual(left, []);
  assert.deepEqual(await mistakes(page), []);
});

test("whoever may not write rules reads them", async () => {
  if (!has.keeps) return;
  await server.call("/api/v1/users", { method: "POST", body: { name: "vera", password: PASSWORD, role: "viewer" } });
  const viewer = await openPage(browser);
  await logIn(viewer, server.base, "vera", PASSWORD);
  await viewer.goto(`${server.base}/detections/${STOPPED}`);
  await viewer.getByRole("button", { name: "Edit as a draft" }).waitFor();
  assert.equal(await viewer.getByRole("button", { name: "Switch off" }).count(), 0);
  await viewer.goto(`${server.base}/detections?text=logging+stopped`);
  assert.ok(await viewer.getByRole("switch").first().isDisabled());
});

for (const look of [{ mode: "dark" }, { mode: "light", density: "compact" }, { mode: "light", width: 420 }]) {
  test(`looks right: ${JSON.stringify(look)}`, async () => {
    const { mode, density = "comfortable", width = 1440 } = look;
    await page.addInitScript((kept) => localStorage.setItem("skywarden-look", kept), JSON.stringify({ mode, density }));
    await page.setViewportSize({ width, height: 1100 });
    for (const [name, path] of [["detections", "/detections"], ["rule", `/detections/${STOPPED}`]]) {
      await page.goto(server.base + path);
      await page.getByRole(name === "rule" ? "tab" : "link", { name: name === "rule" ? "Live test" : "CloudTrail logging stopped" }).waitFor();
      await settled(page);
      await shot(page, `${name}-${mode}-${density}-${width}`);
      assert.deepEqual(await barriers(page), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} pixels stand out`);
    }
    assert.deepEqual(await mistakes(page), []);
  });
}
