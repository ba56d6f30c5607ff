// The overview: the numbers are right, the story is told, and it says what it does not know.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(look, prepare) {
  const page = await openAsAdmin(browser, server, look);
  await prepare?.(page);
  await page.goto(`${server.base}/`);
  await page.locator("#story ol li").first().waitFor();
  // What no rule found is asked of the lake, and comes into the story later.
  await page.getByText(/Asking what the same sessions did/).waitFor({ state: "hidden" });
  await page.locator("#top-rules tbody tr").first().waitFor();
  await settled(page);
  return page;
}

const OPEN = ["new", "notified", "in_progress"];
async function openCount(...levels) {
  const counts = await server.call("/api/v1/finding-counts");
  return counts.filter((one) => OPEN.includes(one.status) && levels.includes(one.severity_id)).reduce((sum, one) => sum + one.count, 0);
}
const card = (page, name) => page.locator(".number-card", { hasText: name });

test("the numbers are those of the server, and lead to what they count", async () => {
  const page = await open();
  const open45 = await openCount(4, 5);
  assert.equal(await card(page, "Open, critical and high").locator("strong").innerText(), String(open45));
  assert.equal(await card(page, "Sources reporting").locator("strong").innerText(), "2 of 2");
  assert.match(await card(page, "False positives").innerText(), /no verdict yet/);
  assert.match(await page.locator("#freshness").innerText(), /Ledger balanced/);
  assert.match(await page.locator(".since").innerText(), /first look/);
  await card(page, "Open, critical and high").click();
  await page.waitForURL(/\/findings\?severity_min=4/);
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("the steps that are left out come in their places in time", async () => {
  const page = await open();
  const story = page.locator("#story");
  const n = await story.locator("ol li").count();
  const more = story.getByRole("button", { name: /more steps? between/ });
  const left = Number((await more.innerText()).match(/\d+/)[0]);
  await more.click();
  await story.locator("ol li").nth(n + left - 1).waitFor();
  const times = await story.locator("ol time").evaluateAll((all) => all.map((one) => one.dateTime));
  assert.equal(times.length, n + left);
  assert.deepEqual(times, [...times].sort());
  assert.deepEqual(await barriers(page), []);
  await page.context().close();
});

test("a share of false positives is told from five verdicts on, and of how many", async () => {
  for (const [judged, value] of [[4, "–"], [8, "25 %"]]) {
    const page = await open(undefined, async (opened) => {
      await opened.route("**/api/v1/kpis**", async (route) => {
        const response = await route.fetch();
        const kpis = await response.json();
        await route.fulfill({ response, json: { ...kpis, judged, false_positives: judged / 4, false_positive_rate: 0.25, mttd_s: 60 } });
      });
      await opened.route("**/api/v1/status", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...(await response.json()), demo: false } });
      });
    });
    const box = card(page, "False positives");
    assert.equal(await box.locator("strong").innerText(), value);
    assert.match(await box.innerText(), new RegExp(`${judged / 4} of ${judged} verdicts`));
    assert.match(await card(page, "Time to detect").innerText(), /no imports/);
    await page.context().close();
  }
});

test("it is one screen, and the story goes from the entry to the damage", async () => {
  const page = await open();
  assert.ok((await page.evaluate(() => document.documentElement.scrollHeight)) <= 900, "taller than the screen");
  const story = page.locator("#story");
  await story.locator("li.unfound").first().waitFor();
  const steps = await story.locator("ol li").allInnerTexts();
  assert.match(steps[0], /mara\.lindqvist called sts:GetCallerIdentity[\s\S]*Way in/);
  assert.match(steps[1], /mara\.lindqvist[\s\S]*First finding/);
  for (const told of [/called secretsmanager:GetSecretValue 10 times[\s\S]*Damage/, /called s3:GetObject 10 times[\s\S]*Damage/, /10\.0\.1\.20 sent \d+\.\d GB to 198\.51\.100\.77, port 443[\s\S]*Damage/])
    assert.ok(steps.some((step) => told.test(step)), `${told}`);
  assert.match(await story.locator(".hint").innerText(), /no rule found it; done from the same address or with its keys\. \d+ more such calls/);
  assert.ok((await page.evaluate(() => document.documentElement.scrollHeight)) <= 900, "taller than the screen with the whole story");
  assert.ok(steps.some((step) => /OrganizationAccountAccessRole stopped the logging/.test(step)));
  const times = await story.locator("ol time").evaluateAll((all) => all.map((one) => one.dateTime));
  assert.deepEqual(times, [...times].sort());
  assert.match(await story.locator(".way").innerText(), /mara\.lindqvist[\s\S]*OrganizationAccountAccessRole[\s\S]*198\.51\.100\.77/);
  await shot(page, "overview");
  await story.locator(".way").getByRole("link", { name: "OrganizationAccountAccessRole" }).click();
  await page.waitForURL(/\/investigate\?kind=principal/);
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("what no rule found leads to its events", async () => {
  const page = await open();
  const links = page.locator("#story li.unfound a");
  await links.first().waitFor();
  const hrefs = await page.locator("#story li.unfound a, #story .hint a[href^='/query']").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  const rows = [];
  for (const href of hrefs) {
    const { searchParams } = new URL(href, server.base);
    const body = { text: searchParams.get("q"), lang: searchParams.get("lang") ?? "ql", from: searchParams.get("from"), to: searchParams.get("to") };
    const job = await server.call("/api/v1/queries?wait_s=20", { method: "POST", body });
    assert.equal(job.error ?? null, null, body.text);
    rows.push(job.rows);
  }
  assert.deepEqual(rows.slice(0, 4), [1, 10, 10, 20]);
  await page.context().close();
});

test("who may not query hears the story of findings", async () => {
  const page = await open({}, (page) => page.route("**/api/v1/session", async (route) => {
    const me = await (await route.fetch()).json();
    return route.fulfill({ json: { ...me, permissions: me.permissions.filter((one) => one !== "query:run") } });
  }));
  assert.match(await page.locator("#story ol li").first().innerText(), /mara\.lindqvist[\s\S]*First finding/);
  assert.equal(await page.locator("#story li.unfound").count(), 0);
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("a finding that comes is counted without a reload", async () => {
  const page = await open();
  await page.locator("#bar").getByText("Live", { exact: true }).first().waitFor({ state: "attached" });
  const known = await openCount(4, 5);
  const record = {
    eventVersion: "1.09", eventTime: `${new Date().toISOString().slice(0, 19)}Z`, eventSource: "cloudtrail.amazonaws.com", eventName: "StopLogging", awsRegion: "eu-west-1",
    userIdentity: { type: "IAMUser", principalId: "AIDAEXAMPLE", arn: "arn:aws:iam::222233334444:user/nobody", accountId: "222233334444", userName: "nobody" },
    sourceIPAddress: "192.0.2.44", userAgent: "aws-cli/2.31.4", requestParameters: { name: "arn:aws:cloudtrail:eu-west-1:222233334444:trail/main" }, responseElements: null,
    requestID: crypto.randomUUID(), eventID: crypto.randomUUID(), readOnly: false, eventType: "AwsApiCall", managementEvent: true, recipientAccountId: "222233334444", eventCategory: "Management",
  };
  await server.call("/api/v1/ingest?name=live", { method: "POST", body: { Records: [record] } });
  await page.locator(".number-card strong", { hasText: new RegExp(`^${known + 1}$`) }).waitFor({ timeout: 20_000 });
  assert.match(await page.locator("#top-principals").innerText(), /nobody/);
  await page.context().close();
});

test("numbers that the server measures are held against their targets", async () => {
  const kpis = {
    days: 30, open_critical: 0, open_high: 0, open: 3, new_today: 1, mttd_s: 5400, mttr_s: 7200, judged: 20, false_positives: 3, false_positive_rate: 0.15,
    trend: [{ day: new Date().toISOString().slice(0, 10), severity_id: 3, count: 3 }],
    top_principals: [{ principal: "<b>user/x", account: "111122223333", findings: 3, severity_id: 3 }],
    top_rules: [{ rule: "r1", title: "A rule", findings: 3, severity_id: 3 }],
  };
  const coverage = { attack_version: "18.1", tactics: ["Initial Access", "Impact"].map((name) => ({ name, techniques: [] })) };
  const page = await open({}, async (page) => {
    await page.route("**/api/v1/kpis*", (route) => route.fulfill({ json: kpis }));
    await page.route("**/api/v1/coverage", (route) => route.fulfill({ json: coverage }));
    await page.route("**/api/v1/status", async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), demo: false } }));
  });
  assert.match(await card(page, "Time to detect").innerText(), /1 h 30 min\s*within target/);
  assert.match(await card(page, "Time to resolve").innerText(), /2 h\s*over target/);
  assert.match(await card(page, "False positives").innerText(), /15 %\s*over target[\s\S]*3 of 20 verdicts/);
  assert.match(await card(page, "Open, critical and high").innerText(), /0\s*all clear/);
  assert.deepEqual(await page.locator("#tactics .tactic").allInnerTexts(), ["Initial Access", "Impact"]);
  assert.match(await page.locator("#top-principals").innerText(), /<b>user\/x/);
  await page.locator("#days").getByRole("button", { name: /show as table/ }).click();
  assert.match(await page.locator("#days tbody tr").first().innerText(), /3/);
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("it says what came since the last look", async () => {
  const page = await open({}, (page) => page.addInitScript(() => localStorage.setItem("skywarden-overview-looked", JSON.stringify({ before: null, last: Date.parse("2026-01-01T00:00:00Z") }))));
  assert.match(await page.locator(".since").innerText(), /^\d+ new or with new events since you last looked, 2026-01-01 00:00/);
  await page.context().close();
});

for (const [name, look] of [["dark", { mode: "dark" }], ["compact", { density: "compact" }], ["light", {}], ["1280-dark", { width: 1280, mode: "dark" }], ["420", { width: 420 }], ["420-dark", { width: 420, mode: "dark" }]]) {
  test(`no barriers: ${name}`, async () => {
    const page = await open(look);
    assert.deepEqual(await barriers(page), []);
    assert.deepEqual(await mistakes(page), []);
    await shot(page, `overview-${name}`);
    await page.context().close();
  });
}

test("on a narrow screen nothing sticks out", async () => {
  const page = await open({ width: 420 });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 420);
  await shot(page, "overview-narrow", { full: true });
  await page.context().close();
});

test("without any data it says so and leads to the beginning", async () => {
  const empty = await startServer({ command: "serve" });
  try {
    const page = await openAsAdmin(browser, empty);
    await page.goto(empty.base);
    await page.getByText("Nothing has come in yet").waitFor();
    await shot(page, "overview-empty");
    assert.deepEqual(await barriers(page), []);
    await page.getByRole("link", { name: "Get started" }).last().click();
    await page.waitForURL(/\/start/);
    assert.deepEqual(await mistakes(page), []);
  } finally {
    await empty.stop();
  }
});
