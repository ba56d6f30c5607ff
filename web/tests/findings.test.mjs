// The queue: what an analyst does all night, by keys.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
let all;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
  // All is in when nothing more comes for a while.
  for (let n = -1, same = 0; same < 4; ) {
    all = (await server.call("/api/v1/findings?limit=200")).findings;
    same = all.length === n ? same + 1 : 0;
    n = all.length;
    await new Promise((later) => setTimeout(later, 300));
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
const grid = (page) => page.getByRole("grid", { name: "Findings" });
/** What stands in the rows that are in the page. */
const rows = (page) => grid(page).locator('[role="row"][aria-selected]').allInnerTexts();
const uidOf = async (page) => (await grid(page).locator('[role="row"][aria-selected="true"] a.title').getAttribute("href")).split("/").pop();
/** Decides as the admin, beside the browser. */
async function decide(uid, decision) {
  const { version } = await server.call(`/api/v1/findings/${uid}`);
  const response = await fetch(`${server.base}/api/v1/findings/${uid}`, {
    method: "PATCH",
    headers: { cookie: server.session.cookie, "x-skywarden-csrf": server.session.csrf, "content-type": "application/json", "if-match": `"${version}"` },
    body: JSON.stringify(decision),
  });
  assert.equal(response.status, 200, await response.text());
}
async function until(what, check) {
  for (let tries = 0; tries < 100; tries += 1) {
    const value = await check();
    if (value) return value;
    await new Promise((later) => setTimeout(later, 100));
  }
  assert.fail(`never came: ${what}`);
}

test("the worst stands first, counts are those of the API, and every filter is in the address", async () => {
  const page = await open("/findings");
  assert.match((await rows(page))[0], /Critical[\s\S]*stopped the logging/);
  const counts = await server.call("/api/v1/finding-counts");
  const sum = (fits) => counts.filter(fits).reduce((total, one) => total + one.count, 0);
  const high = sum((one) => one.severity_id >= 4);
  await page.getByRole("button", { name: `High or worse ${high}` }).click();
  await page.waitForURL(/severity_min=4/);
  await settled(page);
  assert.equal((await rows(page)).length, high);
  await page.getByRole("button", { name: /^Critical/ }).click();
  await until("one row", async () => (await rows(page)).length === sum((one) => one.severity_id === 5));

  const again = await open("/findings?severity_min=4&principal=mara&sort=latest");
  const mara = all.filter((one) => one.severity_id >= 4 && one.principal.includes("mara"));
  assert.ok(mara.length > 0);
  assert.equal((await rows(again)).length, mara.length);
  await again.getByText("mara", { exact: false }).first().waitFor();
  await open("/findings?text=nothing-has-this-name").then((empty) => empty.getByText("No finding fits").waitFor());
  assert.deepEqual(await mistakes(page), []);
});

test("a tactic is all findings of its rules, in the order that was asked for, and says that it is theirs", async () => {
  const rules = await server.call("/api/v1/rules");
  const of = rules.filter((rule) => rule.tactics.includes("Exfiltration")).map((rule) => rule.id);
  const open_ = (one) => ["new", "notified", "in_progress"].includes(one.status) && of.includes(one.rule);
  const wanted = all.filter(open_);
  assert.ok(wanted.length > 1 && wanted.length < all.length);
  const page = await open("/findings?tactic=Exfiltration");
  await page.getByText(`${wanted.length} findings loaded, of the ${of.length} rules that now have the tactic`).waitFor();
  const got = await grid(page).locator("[data-index] a.title").evaluateAll((links) => links.map((one) => one.getAttribute("href").split("/").pop()));
  assert.deepEqual(new Set(got), new Set(wanted.map((one) => one.uid)));
  const levels = got.map((uid) => wanted.find((one) => one.uid === uid).severity_id);
  assert.deepEqual(levels, [...levels].sort((a, b) => b - a), "the worst first");
  await page.goto(`${server.base}/`);
  await page.locator("#tactics").getByRole("link", { name: /^Exfiltration/ }).click();
  await page.waitForURL(/\/findings\?tactic=Exfiltration/);

  const field = await open("/findings");
  await field.getByLabel("Filter findings").fill("Tactic = Impact");
  await field.keyboard.press("Enter");
  await field.waitForURL(/tactic=Impact/);
  assert.deepEqual(await mistakes(field), []);
});

test("groups say that they are of what is loaded, and few large ones do not load without end", async () => {
  const page = await openAsAdmin(browser, server);
  let asked = 0;
  // As many as anybody wants, all of one rule.
  await page.route("**/api/v1/findings?*", async (route) => {
    asked += 1;
    const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const findings = Array.from({ length: 100 }, (_, at) => ({ ...all[0], uid: (from + at).toString(16).padStart(32, "0") }));
    await route.fulfill({ json: { findings, next: String(from + 100) } });
  });
  await page.goto(`${server.base}/findings?group=rule`);
  await page.getByText("1,000 findings loaded. Groups hold and count only the 1,000 that are loaded, not all that there are.").waitFor({ timeout: 60_000 });
  const before = asked;
  await settled(page);
  assert.equal(asked, before);
  await page.getByRole("button", { name: "Load more" }).click();
  await page.getByText(/^1,100 findings loaded\. Groups/).waitFor();
});

test("further pages come while one scrolls, and few rows are in the page", async () => {
  const page = await open("/findings");
  assert.ok(all.length > 100, "made-up data has more than a page");
  await grid(page).focus();
  await page.keyboard.press("End");
  await page.getByText(new RegExp(`^${all.length} findings loaded$`)).waitFor();
  assert.equal(await grid(page).getAttribute("aria-rowcount"), String(all.length + 1));
  assert.ok((await rows(page)).length < 80);
});

test("groups hold the findings that are loaded, and open", async () => {
  const page = await open("/findings?group=rule&severity_min=4");
  const rules = new Set(all.filter((one) => one.severity_id >= 4).map((one) => one.rule)).size;
  const closed = (await rows(page)).length;
  assert.equal(closed, rules);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await until("more rows", async () => (await rows(page)).length > closed);
  assert.deepEqual(await mistakes(page), []);
});

test("a finding is opened, judged and closed with four keys, without loading the page again; u takes it back", async () => {
  const page = await open("/findings?severity_min=4");
  await page.evaluate(() => (window.isSamePage = true));
  await page.keyboard.press("j");
  const uid = await uidOf(page);
  const before = await rows(page);
  await page.keyboard.press("e");
  await page.getByRole("menuitem", { name: /True positive/ }).waitFor();
  await shot(page, "findings-verdict");
  await page.keyboard.press("1");
  await page.getByText("1 finding resolved as true positive.").waitFor();
  const judged = await server.call(`/api/v1/findings/${uid}`);
  assert.deepEqual([judged.status, judged.verdict], ["resolved", "true_positive"]);
  assert.equal((await rows(page)).length, before.length, "no row moved away");
  assert.match((await rows(page))[1], /Resolved/);
  assert.notEqual(await uidOf(page), uid, "the cursor went on");
  await page.keyboard.press("u");
  await page.getByText("Taken back").waitFor();
  const back = await server.call(`/api/v1/findings/${uid}`);
  assert.deepEqual([back.status, back.verdict ?? null], ["new", null]);

  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/findings\/[0-9a-f]+/);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.keyboard.press("e");
  await page.keyboard.press("3");
  await page.getByText("1 finding resolved as benign.").waitFor();
  assert.equal(await page.evaluate(() => window.isSamePage), true);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Taken back").waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("from a finding j and k lead on along the queue, also from one that was just closed, and back to its row", async () => {
  const page = await open("/findings?severity_min=4");
  const uids = await grid(page).locator('[role="row"] a.title').evaluateAll((all) => all.map((one) => one.getAttribute("href").split("/").pop()));
  const isAt = (at) => page.waitForURL((url) => url.pathname === `/findings/${uids[at]}`);
  await page.keyboard.press("Enter");
  await isAt(0);
  const trail = page.getByRole("navigation", { name: "Findings of the queue" });
  await trail.getByText("1 of").waitFor();
  assert.equal(await trail.getByRole("link", { name: "Before" }).count(), 0, "nothing is before the first");
  await page.keyboard.press("e");
  await page.keyboard.press("3");
  await page.getByText("1 finding resolved as benign.").waitFor();
  await page.keyboard.press("j");
  await isAt(1);
  await trail.getByText("2 of").waitFor();
  await trail.getByRole("link", { name: "Next" }).click();
  await isAt(2);
  await page.keyboard.press("k");
  await isAt(1);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await shot(page, "finding-trail");
  await page.locator(".finding-top").getByRole("link", { name: "Findings", exact: true }).click();
  await grid(page).locator('[role="row"][aria-selected="true"]').waitFor();
  assert.equal(await uidOf(page), uids[1], "the cursor is where one was");
  assert.equal(new URL(page.url()).search, "?severity_min=4", "and the queue as it was asked for");
  await decide(uids[0], { status: "new", verdict: null });
  // By its link, a finding stands in no queue.
  const alone = await open(`/findings/${uids[1]}`);
  await alone.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await alone.getByRole("navigation", { name: "Findings of the queue" }).count(), 0);
  assert.deepEqual(await mistakes(page), []);
  assert.deepEqual(await barriers(page), []);
});

test("whoever is slower is told who was faster, and sees it", async () => {
  const page = await open("/findings?severity_min=4");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  const uid = await uidOf(page);
  let isFirst = true;
  await page.route("**/api/v1/findings/*", async (route) => {
    if (route.request().method() === "PATCH" && isFirst) {
      isFirst = false;
      // Somebody else decides while this decision is on its way.
      await decide(uid, { status: "in_progress", assignee: "bo" });
    }
    await route.continue();
  });
  await page.keyboard.press("a");
  await page.getByText("Not changed: somebody was faster").waitFor();
  await page.getByText(/admin changed it .*status new → in progress/).waitFor();
  await until("the row as it is now", async () => /In progress[\s\S]*bo/.test((await rows(page))[2]));
  assert.equal((await server.call(`/api/v1/findings/${uid}`)).assignee, "bo");
});

test("u takes back one decision after the other, on whatever page, and never what somebody else decided since", async () => {
  const page = await open("/findings?severity_min=3&sort=latest");
  const many = [];
  const had = new Map();
  const of = async (uid) => (await server.call(`/api/v1/findings/${uid}`)).assignee ?? null;
  for (let n = 0; n < 21; n += 1) {
    many.push(await uidOf(page));
    had.set(many.at(-1), await of(many.at(-1)));
    await page.keyboard.press("a");
    await until("the assignment", async () => (await server.call(`/api/v1/findings/${many.at(-1)}`)).assignee === "admin");
    await page.keyboard.press("j");
  }
  assert.equal(new Set(many).size, 21);
  const [last, contested] = [many.at(-1), many.at(-3)];
  await decide(contested, { assignee: "bo" });
  await page.keyboard.press("u");
  await page.getByText(/Taken back: assigned to you, “/).first().waitFor();
  await until("whoever had the last has it", async () => (await of(last)) === had.get(last));
  // Another page of the console has the same steps, also one that is loaded anew.
  await page.goto(`${server.base}/findings/${many[0]}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await settled(page);
  for (const uid of many.slice(0, -1).reverse()) {
    await page.keyboard.press("u");
    if (uid === contested) await page.getByText("Not taken back: somebody was faster").waitFor();
    else await until(`whoever had the ${many.indexOf(uid)}th has it`, async () => (await of(uid)) === had.get(uid));
  }
  assert.equal((await server.call(`/api/v1/findings/${contested}`)).assignee, "bo");
  await page.getByText("Assigned to nobody").waitFor();
  await page.keyboard.press("u");
  await page.getByText(/Nothing to undo/).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("new findings wait behind a button, and changes happen in their place", async () => {
  const page = await open("/findings");
  const before = await rows(page);
  const stop = (name) => ({
    eventVersion: "1.08",
    userIdentity: { type: "IAMUser", arn: `arn:aws:iam::121212121212:user/${name}`, accountId: "121212121212", userName: name, accessKeyId: "AKIAEXAMPLE00000000" },
    eventTime: new Date().toISOString().replace(/\.\d+Z/, "Z"),
    eventSource: "cloudtrail.amazonaws.com", eventName: "StopLogging", awsRegion: "eu-west-1", sourceIPAddress: "203.0.113.99", userAgent: "aws-cli/2",
    requestParameters: { name: "trail" }, responseElements: null, requestID: crypto.randomUUID(), eventID: crypto.randomUUID(),
    readOnly: false, eventType: "AwsApiCall", managementEvent: true, recipientAccountId: "121212121212", eventCategory: "Management",
  });
  const send = (...names) => server.call("/api/v1/ingest", { method: "POST", body: JSON.stringify({ Records: names.map(stop) }) });
  await send("one", "two");
  await page.getByRole("button", { name: /^2 new: show/ }).waitFor({ timeout: 15_000 });
  assert.deepEqual(await rows(page), before, "no row moved");
  await page.keyboard.press("r");
  const ours = async () => (await rows(page)).filter((row) => /121212121212/.test(row)).map((row) => row.split(/\s+/));
  const shown = await until("the new ones", async () => (await ours()).length === 2 && (await ours()));
  assert.ok(shown.every((row) => row.includes("1")));
  await send("two");
  await until("its second event, in its place", async () => (await ours()).filter((row) => row.includes("2")).length === 1);
  assert.deepEqual((await ours()).map((row) => row[1]), shown.map((row) => row[1]), "no row moved");
  assert.deepEqual(await mistakes(page), []);
});

test("a selection is suppressed after a look at what that hides, and comes back", async () => {
  const noise = all.find((one) => one.title.includes("PostureAudit"));
  const page = await open(`/findings?rule=${noise.rule}&account=${noise.account}`);
  const n = (await rows(page)).length;
  assert.ok(n >= 2);
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.getByText("2 findings selected").waitFor();
  await page.keyboard.press("s");
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/Hides \d+ findings? of the last 30 days; 0 of them judged true/).waitFor();
  assert.equal(await dialog.getByRole("textbox", { name: "Rule" }).inputValue(), noise.rule);
  assert.equal(await dialog.getByRole("textbox", { name: "Account" }).inputValue(), noise.account);
  assert.ok(await dialog.getByRole("button", { name: "Suppress" }).isDisabled(), "a reason is needed");
  await dialog.getByLabel("Why").fill("posture scanner of our own");
  assert.deepEqual(await barriers(page), []);
  await shot(page, "findings-suppress");
  await dialog.getByRole("button", { name: "Suppress" }).click();
  await page.getByText(/Suppressed for 30 days/).waitFor();

  await page.getByRole("button", { name: "Suppressions" }).click();
  await page.getByText("posture scanner of our own").waitFor();
  assert.deepEqual(await barriers(page), []);
  await shot(page, "findings-suppressions");
  await page.getByRole("button", { name: /^End suppression/ }).click();
  await page.getByRole("button", { name: "End it" }).click();
  await page.getByText(/Ended by admin/).waitFor();
  assert.equal((await server.call("/api/v1/findings?status=suppressed")).findings.length, 0);
  assert.deepEqual(await mistakes(page), []);
});

test("hiding what was judged an attack is warned of, and must be wanted", async () => {
  const attack = all.find((one) => one.severity_id === 5);
  await decide(attack.uid, { verdict: "true_positive" });
  const page = await open(`/findings/${attack.uid}`);
  await page.keyboard.press("s");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("This would have hidden 1 attack").waitFor();
  await dialog.getByLabel("Why").fill("no");
  assert.ok(await dialog.getByRole("button", { name: "Suppress" }).isDisabled());
  await dialog.getByText("I looked at the attacks among them").click();
  assert.ok(await dialog.getByRole("button", { name: "Suppress" }).isEnabled());
});

for (const look of [{ mode: "light" }, { mode: "dark" }, { mode: "light", density: "compact" }]) {
  const name = `findings-${look.mode}${look.density ? "-compact" : ""}`;
  test(`no barriers and no mistakes: ${name}`, async () => {
    const page = await open("/findings", look);
    await page.keyboard.press("j");
    await page.keyboard.press("p");
    await page.getByText("Account and Region").waitFor();
    assert.deepEqual(await barriers(page), []);
    await shot(page, name);
    assert.deepEqual(await mistakes(page), []);
  });
}

test("it fits 400 pixels", async () => {
  const page = await open("/findings", { width: 400, height: 800 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await shot(page, "findings-narrow");
});
