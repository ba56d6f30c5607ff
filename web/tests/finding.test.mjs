// The page of a finding: the made-up attack as an analyst reads it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
let tool;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
  // Everything that the intruder's own machine called in the account that was broken into last; the last of it starts machines.
  for (let tries = 0; ; tries += 1) {
    const { findings } = await server.call("/api/v1/findings?text=198.51.100.77&limit=200");
    tool = findings.filter((one) => one.title.includes("kali")).sort((a, b) => b.count - a.count)[0];
    if (findings.some((one) => /p4d/.test(one.title) && one.title.includes("started")) && tool.count >= 13) break;
    assert.ok(tries < 200, "the made-up attack never came in whole");
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
  await page.getByRole("heading", { level: 1 }).waitFor();
  await settled(page);
  return page;
}
const tab = (page, name) => page.getByRole("tab", { name }).click();

test("the evidence is all events, and the record of the chosen one with what the rule looked at", async () => {
  const page = await open(`/findings/${tool.uid}`);
  assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), tool.title);
  await page.getByText("The user agent names a tool").waitFor();
  await page.locator(`[role=grid][aria-label="Events of the finding"][aria-rowcount="${tool.count + 1}"]`).waitFor();
  const events = page.getByRole("grid", { name: "Events of the finding" });
  assert.equal(await page.locator(".lanes svg").count(), 1);
  const times = await page.getByRole("grid", { name: "Events of the finding" }).locator("time").allInnerTexts();
  const ends = await page.locator(".lanes .end").evaluateAll((all) => all.map((one) => one.textContent));
  assert.equal(ends.length, 2);
  assert.equal(ends[0], times[0], "the axis says when it begins");
  assert.match(ends[1], /^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d$/);
  assert.match(await page.locator(".record mark").innerText(), /kali/);

  await events.focus();
  await page.keyboard.press("ArrowDown");
  await page.waitForURL(/event=/);
  await page.locator(".record").getByText('"PutEventSelectors"').waitFor();
  const shared = await open(new URL(page.url()).pathname + new URL(page.url()).search);
  await shared.locator(".record").getByText('"PutEventSelectors"').waitFor();

  await page.getByRole("button", { name: "By address" }).click();
  await page.locator(".lanes text.name", { hasText: "198.51.100.77" }).waitFor();
  await tab(page, "OCSF document");
  await page.getByText('"Detection Finding"', { exact: true }).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("evidence that comes moves nothing beneath it", async () => {
  const { findings } = await server.call("/api/v1/findings?sort=worst&limit=200");
  const flows = findings.find((one) => one.source === "aws_vpc_flow");
  const single = findings.find((one) => one.source === "aws_cloudtrail" && one.count === 1);
  assert.ok(flows && single);
  for (const width of [1440, 420]) {
    for (const { uid } of [tool, single, flows]) {
      const page = await openAsAdmin(browser, server, { width, height: 900 });
      let give;
      const held = new Promise((later) => (give = later));
      await page.route("**/api/v1/queries", async (route) => {
        await held;
        await route.continue();
      });
      await page.goto(`${server.base}/findings/${uid}`);
      const beneath = page.getByRole("heading", { name: "Others like it" });
      const top = async () => (await beneath.evaluate((one) => one.getBoundingClientRect().top + document.documentElement.scrollTop));
      await page.getByText("Loading events…").waitFor();
      await page.locator(".heaps").waitFor();
      const before = await top();
      give();
      await page.locator(".record").waitFor();
      await settled(page);
      assert.ok(Math.abs((await top()) - before) < 2, `${uid} at ${width}: from ${before} to ${await top()}`);
      await page.context().close();
    }
  }
});

test("the path tells entry, way and damage in order of time", async () => {
  const page = await open(`/findings/${tool.uid}?tab=path`);
  const story = page.locator(".story > li");
  await story.first().waitFor();
  const lines = await story.allInnerTexts();
  const at = (what) => lines.findIndex((line) => what.test(line));
  assert.match(lines[0], /mara\.lindqvist/, "the way in");
  const order = [/created an access key/, /AdministratorAccess/, /assumed .*OrganizationAccountAccessRole/, /stopped the logging/, /shared snapshot/, /public by policy/, /p4d\.24xlarge/].map(at);
  assert.ok(order.every((line) => line >= 0), String(order));
  assert.deepEqual([...order].sort((a, b) => a - b), order);
  await page.getByText(/findings of \d+ principals in 2 accounts/).waitFor();
  assert.deepEqual(await barriers(page), []);
  await shot(page, "finding-path", { full: true });

  await story.getByRole("link", { name: /stopped the logging/ }).click();
  await page.getByRole("heading", { level: 1, name: /stopped the logging/ }).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("what two did in one finding has two paths, each as long as itself", async () => {
  const day = new Date().toISOString().slice(0, 10);
  const stop = (time, ip) => ({
    eventVersion: "1.08", userIdentity: { type: "IAMUser", arn: "arn:aws:iam::232323232323:user/two", accountId: "232323232323", userName: "two", accessKeyId: "AKIAEXAMPLE00000002" },
    eventTime: `${day}T${time}Z`, eventSource: "cloudtrail.amazonaws.com", eventName: "StopLogging", awsRegion: "eu-west-1", sourceIPAddress: ip, userAgent: "aws-cli/2",
    requestParameters: { name: "trail" }, responseElements: null, requestID: crypto.randomUUID(), eventID: crypto.randomUUID(),
    readOnly: false, eventType: "AwsApiCall", managementEvent: true, recipientAccountId: "232323232323", eventCategory: "Management",
  });
  // An hour that has been on this day, whatever the time is; the second is of somebody else, much later.
  const records = [stop("00:00:01", "203.0.113.201"), stop("00:00:21", "203.0.113.201"), stop("00:20:00", "203.0.113.202")];
  await server.call("/api/v1/ingest", { method: "POST", body: JSON.stringify({ Records: records }) });
  let mixed;
  for (let tries = 0; !(mixed?.count === 3); tries += 1) {
    mixed = (await server.call("/api/v1/findings?account=232323232323&limit=20")).findings.find((one) => one.title.includes("stopped the logging"));
    assert.ok(tries < 600, "the finding never came whole");
    await new Promise((later) => setTimeout(later, 100));
  }
  const page = await open(`/findings/${mixed.uid}?tab=path`);
  const leads = page.getByRole("group", { name: /Its events come from 2 actors or addresses/ });
  await leads.getByLabel(/203\.0\.113\.201 as user\/two: 2 events, .* over 20 s/).waitFor({ timeout: 60_000 });
  const lead = page.locator("p.lead").filter({ hasText: "203.0.113.201" });
  await lead.waitFor();
  assert.doesNotMatch(await lead.innerText(), /over (19|20) min/);
  await leads.getByLabel(/203\.0\.113\.202/).check();
  await page.locator("p.lead").filter({ hasText: "203.0.113.202" }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("lead"), "203.0.113.202 user/two");
  assert.deepEqual(await barriers(page), []);
  await shot(page, "finding-leads", { full: true });
  assert.deepEqual(await mistakes(page), []);
});

function promised() {
  let keep;
  const kept = new Promise((ready) => (keep = ready));
  return { kept, keep };
}

test("nothing beneath jumps when the graph appears", async () => {
  for (const name of ["graph"]) {
    const page = await openAsAdmin(browser, server);
    const place = () => page.getByRole("heading", { name: "Others like it" }).evaluate((head) => head.getBoundingClientRect().top + scrollY);
    const [asked, go] = [promised(), promised()];
    // The lake answers late, after everything else stands.
    await page.route("**/api/v1/queries", async (route) => {
      asked.keep();
      await go.kept;
      await route.continue();
    });
    await page.goto(`${server.base}/findings/${tool.uid}?tab=${name}`);
    await asked.kept;
    await page.getByText("Same principal").waitFor();
    const before = await place();
    go.keep();
    await page.locator(name === "graph" ? ".graph .node" : ".record mark").first().waitFor();
    await settled(page);
    const moved = Math.abs((await place()) - before);
    assert.ok(moved <= 4, `${name}: moved by ${moved} pixels`);
    await page.context().close();
  }
});

test("the graph is still in half a second, leads to profiles, and can be read as a table", async () => {
  const page = await open(`/findings/${tool.uid}`);
  await page.getByRole("grid", { name: "Events of the finding" }).waitFor();
  const begun = Date.now();
  await tab(page, "Graph");
  await page.locator(".graph .node").first().waitFor();
  const took = Date.now() - begun;
  assert.ok(took < 2000, `${took} ms with the machine's other work`);
  await page.getByText(`All that 198.51.100.77 set off`).click();
  await page.locator(".graph text", { hasText: "user/mara.lindqvist" }).waitFor();
  assert.deepEqual(await barriers(page), []);
  await shot(page, "finding-graph", { full: true });
  await page.getByRole("button", { name: "Show as table" }).click();
  const table = page.getByRole("table", { name: "Edges of the graph" });
  await table.getByText("used").first().waitFor();
  await page.getByRole("button", { name: "Show as picture" }).click();
  await page.locator(".graph a", { hasText: "198.51.100.77" }).click();
  await page.waitForURL(/\/investigate\?kind=ip&value=198\.51\.100\.77/);
  assert.deepEqual(await mistakes(page), []);
});

test("flow records are evidence too", async () => {
  const { findings } = await server.call("/api/v1/findings?text=port%2022&limit=20");
  const flow = findings.find((one) => one.source === "aws_vpc_flow" && one.count > 1);
  const page = await open(`/findings/${flow.uid}`);
  const events = page.getByRole("grid", { name: "Events of the finding" });
  await events.getByText("ACCEPT TCP 22").first().waitFor();
  await page.locator(`[role=grid][aria-rowcount="${flow.count + 1}"]`).waitFor();
  await page.locator(".record").getByText(/ACCEPT/).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("the rule is told with what it looks at", async () => {
  const page = await open(`/findings/${tool.uid}?tab=rule`);
  await page.getByRole("heading", { name: "Which conditions matched" }).waitFor();
  // A server that can explain shows a tree, any other the predicate.
  await page.locator(".conditions li[data-matched=true]").or(page.getByLabel("Predicate of the rule")).first().waitFor();
  await page.getByText(/userAgent/).first().waitFor();
  assert.deepEqual(await barriers(page), []);
  await shot(page, "finding-rule", { full: true });
  assert.deepEqual(await mistakes(page), []);
});

test("notes and decisions stand in the history, and an export has them", async () => {
  const page = await open(`/findings/${tool.uid}`);
  await page.getByLabel("Note", { exact: true }).fill("Asked the platform team: nobody tests tonight.");
  await page.getByRole("button", { name: "Add note" }).click();
  await page.locator(".talk").getByText("nobody tests tonight").waitFor();
  await page.getByRole("button", { name: "Start" }).click();
  await page.locator(".talk").getByText(/status new → in progress/).waitFor();
  await page.getByText("Assigned to admin").waitFor();
  await page.keyboard.press("e");
  await page.keyboard.press("1");
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  const now = await server.call(`/api/v1/findings/${tool.uid}`);
  assert.deepEqual([now.status, now.verdict, now.assignee], ["resolved", "true_positive", "admin"]);

  await page.getByRole("button", { name: "More", exact: true }).click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Export as JSON" }).click()]);
  const text = await (await import("node:fs/promises")).readFile(await file.path(), "utf8");
  const { finding, notes, history } = JSON.parse(text);
  assert.equal(finding.uid, tool.uid);
  assert.equal(notes.length, 1);
  assert.ok(history.length >= 2);
  await page.getByRole("button", { name: "Reopen" }).click();
  await page.getByText("1 finding open again.").waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("what the server finds of itself says why it matters, what to do, and where to look", async () => {
  const page = await openAsAdmin(browser, server);
  // The demo is not silent for a quarter of an hour before it is tested.
  await page.route(`**/api/v1/findings/${tool.uid}`, async (route) => {
    const response = await route.fetch();
    const { document, ...finding } = await response.json();
    await route.fulfill({ response, json: { ...finding, rule: "skywarden.silent-source", title: "Nothing has come from aws_cloudtrail", principal: "skywarden", document: { ...document, finding_info: { analytic: { uid: "skywarden.silent-source" } }, remediation: undefined, evidences: [] } } });
  });
  await page.goto(`${server.base}/findings/${tool.uid}`);
  await page.getByText("seen by no rule").waitFor();
  await page.getByText("intruders stop logs first").waitFor();
  await page.getByText("No event is behind it").waitFor();
  await tab(page, "Rule");
  await page.getByText("No rule found it").waitFor();
  assert.deepEqual(await barriers(page), []);
  await page.locator("dl").getByRole("link", { name: "A log source is silent" }).click();
  await page.getByRole("heading", { level: 1, name: "Sources & health" }).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("what is not there is said", async () => {
  const page = await openAsAdmin(browser, server);
  await page.goto(`${server.base}/findings/00000000000000000000000000000000`);
  await page.getByText("Cannot load the finding").waitFor();
  await page.getByText(/may have been removed/).waitFor();
});

for (const look of [{ mode: "light" }, { mode: "dark" }, { mode: "light", density: "compact" }]) {
  const name = `finding-${look.mode}${look.density ? "-compact" : ""}`;
  test(`no barriers and no mistakes: ${name}`, async () => {
    const page = await open(`/findings/${tool.uid}`, look);
    await page.locator(".record mark").waitFor();
    assert.deepEqual(await barriers(page), []);
    await shot(page, name, { full: true });
    assert.deepEqual(await mistakes(page), []);
  });
}

test("it fits 400 pixels", async () => {
  const page = await open(`/findings/${tool.uid}`, { width: 400, height: 800 });
  await page.locator(".record mark").waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await shot(page, "finding-narrow", { full: true });
});
