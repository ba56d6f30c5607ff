// What happens when a session ends or the server is away: nothing that was written is lost, and it is said why.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, openPage, settled, shot } from "./browser.mjs";
import { NAME, PASSWORD, startServer } from "./server.mjs";

let server;
let browser;
let finding;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
  for (let tries = 0; finding === undefined; tries += 1) {
    const { findings } = await server.call("/api/v1/findings?severity_min=4&limit=50");
    finding = findings.find((one) => one.severity_id === 4);
    assert.ok(tries < 600, "no finding of high severity came");
    await new Promise((later) => setTimeout(later, 200));
  }
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path) {
  const page = await openAsAdmin(browser, server);
  await page.goto(`${server.base}${path}`);
  await settled(page);
  return page;
}
async function enter(page) {
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).first().waitFor();
}
/** Ends the session of the page on the server, as somebody who logs out elsewhere. */
async function end(page) {
  await page.evaluate(async () => {
    const me = await (await fetch("/api/v1/session")).json();
    await fetch("/api/v1/session", { method: "DELETE", headers: { "x-skywarden-csrf": me.csrf } });
  });
  server.session = undefined;
}
const kept = (page) => page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith("skywarden-writing-")));
const LONG = { timeout: 60_000 };

test("a server that is away is said, nothing can be sent, and after its restart one goes on where one was", async () => {
  const path = `/findings/${finding.uid}?tab=rule`;
  const page = await open(path);
  await page.getByLabel("Note", { exact: true }).fill("Half a thought about the role");
  await server.away();
  const banner = page.getByRole("alert").filter({ hasText: "The server does not answer since" });
  await banner.waitFor(LONG);
  await banner.getByText(/asked again in \d+ s|asked now/).waitFor(LONG);
  assert.ok(await page.getByRole("button", { name: "Add note" }).isDisabled());
  assert.deepEqual(await barriers(page), []);
  await shot(page, "server-away");
  await server.back();
  // A session outlives the server.
  await banner.waitFor({ state: "hidden", ...LONG });
  assert.equal(page.url(), `${server.base}${path}`);
  assert.deepEqual(await barriers(page), []);
  const note = page.getByLabel("Note", { exact: true });
  await note.waitFor();
  assert.equal(await note.inputValue(), "Half a thought about the role");
  await page.getByRole("button", { name: "Add note" }).click();
  await page.locator(".talk").getByText("Half a thought about the role").waitFor();
  assert.deepEqual(await kept(page), []);
});

test("while the server is away what only it can do is off, on every page, and says why", async () => {
  const asked = {
    [`/findings/${finding.uid}`]: ["Assign to me", "Start", "Close"],
    "/findings": ["Assign to me", "Start", "Close", "Suppress"],
    "/query": ["Run", "Save"],
    "/detections/new": ["Save on the server", "Run the backtest"],
    "/settings?tab=users": ["Add user"],
    "/settings?tab=tokens": ["Make token"],
    "/settings?tab=audit": ["Verify"],
  };
  const pages = [];
  for (const [path, names] of Object.entries(asked)) {
    const page = await open(path);
    if (path === "/detections/new") await page.getByRole("tab", { name: "Backtest" }).click();
    for (const name of names) await page.getByRole("button", { name, exact: true }).waitFor();
    pages.push({ path, names, page });
  }
  await server.away();
  const wrong = [];
  const [{ page }, queue] = pages;
  try {
    for (const one of pages) {
      await one.page.getByText("The server does not answer since").waitFor(LONG);
      for (const name of one.names) {
        const button = one.page.getByRole("button", { name, exact: true });
        if (!(await button.isDisabled())) wrong.push(`${one.path}: ${name} is on`);
        const said = await button.evaluate((it) => (it.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" "));
        if (!said.includes("until then nothing can be changed")) wrong.push(`${one.path}: ${name} says “${said}”`);
      }
    }
    for (const one of [page, queue.page]) {
      await one.keyboard.press("e");
      assert.equal(await one.locator(".verdict-menu").count(), 0, "keys are off too");
    }
    assert.deepEqual(await barriers(queue.page), []);
  } finally {
    await server.back();
  }
  assert.deepEqual(wrong, []);
  await queue.page.getByText("The server does not answer since").waitFor({ state: "hidden", ...LONG });
  assert.ok(await queue.page.getByRole("button", { name: "Close", exact: true }).isEnabled());
  for (const one of pages) await one.page.context().close();
});

test("a suppression that was being written is offered again after logging in, and can be taken back", async () => {
  const page = await open(`/findings/${finding.uid}`);
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Suppress findings like this" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "TEXTAREA", "the dialog takes the keyboard");
  await page.keyboard.type("our own drill, until Friday");
  await dialog.getByRole("button", { name: "7 days" }).click();
  await end(page);
  await page.getByText(/Your session was ended: you logged out elsewhere/).waitFor(LONG);
  await enter(page);
  await page.getByText("You were writing a suppression of this finding").waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  assert.equal(await dialog.getByLabel("Why").inputValue(), "our own drill, until Friday");
  assert.equal(await dialog.getByRole("button", { name: "7 days" }).getAttribute("aria-pressed"), "true");
  await dialog.getByText(/Hides \d+ finding/).waitFor();
  await dialog.getByRole("button", { name: "Suppress" }).click();
  await page.getByText(/Suppressed for 7 days/).waitFor();
  assert.deepEqual(await kept(page), []);
  const of = async () => (await (await page.request.get(`${server.base}/api/v1/findings/${finding.uid}`)).json()).status;
  assert.equal(await of(), "suppressed");
  await page.locator(".status", { hasText: "Suppressed" }).waitFor();
  await page.keyboard.press("u");
  await page.getByText(/Taken back: the suppression/).waitFor();
  await page.locator(".status", { hasText: "New" }).waitFor();
  assert.equal(await of(), "new");
  await page.keyboard.press("u");
  await page.getByText(/Nothing to undo/).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("a dialog that is left gives the keyboard back", async () => {
  const page = await open("/findings");
  const button = page.getByRole("button", { name: "Suppress", exact: true });
  await button.click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.waitForFunction(() => document.activeElement?.textContent === "Suppress");
  assert.deepEqual(await kept(page), []);
});

test("a session that was not used is told from one that was ended", async () => {
  const page = await open("/detections?severity=5");
  await page.evaluate(() => {
    const known = JSON.parse(localStorage.getItem("skywarden-session"));
    localStorage.setItem("skywarden-session", JSON.stringify({ ...known, used: Date.now() - 31 * 60_000 }));
  });
  await page.context().clearCookies();
  await page.reload();
  await page.getByText("Your session ended after 30 minutes without use.").waitFor();
  await enter(page);
  assert.equal(page.url(), `${server.base}/detections?severity=5`);

  // Whoever logs out in another tab is out in this one too.
  const other = await page.context().newPage();
  await other.goto(`${server.base}/findings`);
  await settled(other);
  await other.getByRole("button", { name: new RegExp(NAME) }).click();
  await other.getByRole("menuitem", { name: "Log out" }).click();
  await page.getByText("You logged out in another tab.").waitFor(LONG);
  await other.getByLabel("Password").waitFor();
  assert.equal(await other.getByText("You logged out").count(), 0);
});

test("the link of the first start is not shown again", async () => {
  const page = await open(`/setup#${server.secret}`);
  await page.waitForURL((url) => url.pathname === "/");
  const stranger = await openPage(browser);
  await stranger.goto(`${server.base}/setup#${server.secret}`);
  await stranger.getByText("This link does not work any more").waitFor();
  await stranger.getByRole("button", { name: "Log in" }).click();
  await stranger.getByLabel("Password").waitFor();
});

test("who may not see how the server does is told all the same that it is a demo", async () => {
  const page = await openAsAdmin(browser, server);
  // As for somebody who is bound to some accounts.
  await page.route("**/api/v1/session", async (route) => {
    const response = await route.fetch();
    const me = await response.json();
    await route.fulfill({ response, json: { ...me, demo: true, permissions: me.permissions.filter((one) => one !== "system:read") } });
  });
  await page.goto(`${server.base}/findings`);
  await page.getByText("DEMO: made-up data").filter({ visible: true }).first().waitFor();
});
