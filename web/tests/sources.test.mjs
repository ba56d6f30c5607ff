// Sources and health on made-up data: numbers lead to events, the ledger adds up, what was set aside is text, and a missing permission is named.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

const EVIL = '{"Records":[{"eventVersion": <img src=x onerror=alert(1)><script>alert(2)</script> \u202e';
let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
  await server.call("/api/v1/ingest?name=evil%3Cb%3E.json", { method: "POST", body: EVIL });
  for (;;) {
    const { log } = await server.call("/api/v1/status");
    if (log.committed >= log.durable) break;
    await new Promise((later) => setTimeout(later, 200));
  }
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path, look) {
  const page = await openAsAdmin(browser, server, look);
  await page.goto(`${server.base}${path}`);
  await settled(page);
  return page;
}

test("health shows each source with its rate, and the ledger adds up to what the server says", async () => {
  const page = await open("/sources");
  const sources = page.getByRole("table", { name: "Sources" });
  const events = sources.getByRole("row").filter({ hasText: "CloudTrail" }).getByRole("link");
  assert.match(await events.getAttribute("href"), /^\/query\?q=SOURCE/);
  // A second look at the counts makes a rate out of them.
  await sources.getByText("0 / s").first().waitFor({ timeout: 20_000 });
  await page.getByRole("tab", { name: "Ledger" }).click();
  assert.equal(new URL(page.url()).search, "?tab=ledger");
  const ledger = await server.call("/api/v1/ledger");
  const trail = ledger.find((entry) => entry.source === "aws_cloudtrail");
  const row = page.getByRole("table", { name: "Ledger" }).getByRole("row").filter({ hasText: "CloudTrail" });
  await row.getByText(trail.in.toLocaleString("en"), { exact: true }).waitFor();
  await row.getByText("Yes", { exact: true }).waitFor();
  await page.getByRole("button", { name: /What became.*show as table/ }).click();
  await page.getByRole("table", { name: "What became of the records of each source" }).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("cells of the matrix count what the lake counts, and lead there", async () => {
  const page = await open("/sources?tab=matrix");
  const cell = page.getByRole("region", { name: /Log sources/ }).getByRole("link").filter({ hasText: /live|late|old|silent/ }).first();
  const shown = Number((await cell.locator("b").innerText()).replaceAll(",", ""));
  const asked = new URL(await cell.getAttribute("href"), server.base).searchParams;
  const text = asked.get("q").replace(/ \| sort.*/, " | stats count(*) as n");
  const job = await server.call("/api/v1/queries?wait_s=10", { method: "POST", body: { text, lang: "ql", from: asked.get("from") } });
  const { n } = await server.call(`/api/v1/queries/${job.id}/rows`);
  assert.equal(shown, n);
  assert.deepEqual(await mistakes(page), []);
});

test("what was set aside is text", async () => {
  const page = await open("/sources?tab=quarantine");
  const row = page.getByRole("grid", { name: "Quarantine" }).getByRole("row").filter({ hasText: "evil<b>.json" });
  await row.click();
  const raw = page.getByRole("region", { name: "As it came" });
  await raw.getByText("<script>alert(2)</script>").waitFor();
  assert.match(await raw.innerText(), /\\u202e/);
  assert.match(page.url(), /entry=/);
  await shot(page, "quarantine-open");
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByText(/can be read now|cannot replay from here/).waitFor();
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("the quarantine is paged, and a replay says what it did", async () => {
  const page = await openAsAdmin(browser, server);
  const entry = (nth) => ({ identity: `id${nth}`, time: "2026-11-24T10:00:00Z", source: "", reason: `reason ${nth}`, object: `s3://b/${nth}`, offset: null, records: 1, bytes: 12, raw: `<b>${nth}</b>` });
  await page.route("**/api/v1/quarantine?**", (route) => {
    const isSecond = route.request().url().includes("cursor=c2");
    return route.fulfill({ json: isSecond ? { entries: [entry(3)] } : { entries: [entry(1), entry(2)], next: "c2" } });
  });
  await page.route("**/api/v1/quarantine/replays", (route) => route.fulfill({ status: 202, json: { replayed: 3, position: 7 } }));
  await page.goto(`${server.base}/sources?tab=quarantine&entry=id2`);
  await page.getByRole("region", { name: "As it came" }).getByText("<b>2</b>").waitFor();
  await page.getByRole("button", { name: "Load more" }).click();
  await page.getByRole("grid", { name: "Quarantine" }).getByText("reason 3").waitFor();
  await page.getByText(/The ledger counts the records in these pieces as Quarantined: 3\./).waitFor();
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByText(/3 entries are tried again/).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("a missing permission is named, with the statement that allows it", async () => {
  const page = await openAsAdmin(browser, server);
  await page.route("**/api/v1/status", async (route) => {
    const answer = await route.fetch();
    const status = await answer.json();
    const url = "https://sqs.eu-central-1.amazonaws.com/111122223333/skywarden";
    status.trouble = "cannot write to <b>the disk</b>";
    status.feeds = [{ what: url, trouble: `cannot read the queue ${url}: the permission sqs:ReceiveMessage on ${url} is missing: AWS answered 403 AccessDenied: no` }];
    await route.fulfill({ json: status });
  });
  await page.goto(`${server.base}/sources`);
  await page.getByText("The server does not get on").waitFor();
  await page.getByText("cannot write to <b>the disk</b>").waitFor();
  await page.getByText("Missing: sqs:ReceiveMessage").waitFor();
  const statement = JSON.parse(await page.locator('pre[aria-label="IAM statement"]').innerText());
  assert.deepEqual(statement, { Effect: "Allow", Action: "sqs:ReceiveMessage", Resource: "arn:aws:sqs:eu-central-1:111122223333:skywarden" });
  await shot(page, "sources-trouble", { full: true });
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("each tab is sound in each look", async () => {
  for (const [mode, density, width] of [["light", "comfortable", 1440], ["dark", "compact", 1440], ["dark", "comfortable", 420]]) {
    const page = await open("/sources", { mode, density, width });
    for (const tab of ["health", "ledger", "matrix", "quarantine"]) {
      await page.goto(`${server.base}/sources?tab=${tab}`);
      await settled(page);
      await shot(page, `sources-${tab}-${mode}-${density}-${width}`, { full: true });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${tab} is not wider than the screen`);
      if (width > 1000) assert.deepEqual(await barriers(page), [], tab);
    }
    assert.deepEqual(await mistakes(page), []);
    await page.context().close();
  }
});
