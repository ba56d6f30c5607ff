// The search in the bar: a name leads to what it names, and where the first guess is wrong, to what it may be.
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

async function search(text, look) {
  const page = await openAsAdmin(browser, server, look);
  await page.goto(`${server.base}/coverage`);
  await settled(page);
  await page.keyboard.press("/");
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
  return page;
}

test("a first guess that is right leads to the profile at once", async () => {
  const page = await search("198.51.100.77");
  await page.waitForURL(/\/investigate\?kind=ip&value=198\.51\.100\.77/);
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("a first guess that knows nothing is followed by every other kind, names and findings", async () => {
  // The name of a trail: nobody's name, but something that was done something to.
  const page = await search("prod-trail");
  await page.waitForURL(/\/search\?q=prod-trail/);
  const known = page.getByRole("table", { name: "Known as" });
  await known.getByText("Resource").waitFor({ timeout: 60_000 });
  await page.getByText(/^No event of it as principal, /).waitFor({ timeout: 60_000 });
  await page.getByRole("table", { name: "Findings with it" }).getByRole("link", { name: /stopped the logging of trail/ }).waitFor();
  assert.deepEqual(await barriers(page), []);
  await shot(page, "search");
  await known.getByRole("link", { name: "prod-trail" }).click();
  await page.waitForURL(/\/investigate\?kind=resource&value=prod-trail/);
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Search" }).waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("how addresses begin is a network: its addresses and what findings name them", async () => {
  const page = await search("198.51.100");
  await page.waitForURL(/\/search\?q=198\.51\.100$/);
  const addresses = page.getByRole("table", { name: "Addresses of the network" });
  await addresses.getByRole("link", { name: "198.51.100.77" }).waitFor({ timeout: 60_000 });
  await page.getByRole("heading", { name: "Addresses in 198.51.100.0/24" }).waitFor();
  await page.getByRole("table", { name: "Findings with it" }).getByRole("link").first().waitFor();
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("a part of a name finds who has it, in whatever case", async () => {
  const page = await search("LINDQVIST");
  const names = page.getByRole("table", { name: "Names with it" });
  await names.getByRole("link", { name: "user/mara.lindqvist" }).first().waitFor({ timeout: 60_000 });
  await page.getByText("No event names it").waitFor({ timeout: 60_000 });
  await names.getByRole("link", { name: "user/mara.lindqvist" }).first().click();
  await page.waitForURL(/\/investigate\?kind=principal&value=arn/);
});

test("a network leads to the addresses in it", async () => {
  const page = await search("198.51.100.0/24");
  const table = page.getByRole("table", { name: "Addresses of the network" });
  await table.getByRole("link", { name: "198.51.100.77" }).waitFor({ timeout: 60_000 });
  const addresses = await table.locator("tbody tr td:first-child").allInnerTexts();
  assert.ok(addresses.length > 3 && addresses.every((one) => one.startsWith("198.51.100.")), addresses.join(", "));
  assert.deepEqual(await barriers(page), []);
  await table.getByRole("link", { name: "198.51.100.77" }).click();
  await page.waitForURL(/kind=ip&value=198\.51\.100\.77/);
  assert.deepEqual(await mistakes(page), []);
});

test("what is hostile is text, and a profile of nothing leads to every kind", async () => {
  const page = await openAsAdmin(browser, server);
  await page.goto(`${server.base}/search?q=${encodeURIComponent(`x' OR 1=1 --<b>"\u202e`)}`);
  await page.getByText("No event names it").waitFor({ timeout: 60_000 });
  await page.getByText("No finding names it").waitFor();
  await page.goto(`${server.base}/investigate?kind=principal&value=prod-trail`);
  await page.getByText("Nothing is known of it").waitFor({ timeout: 60_000 });
  await page.getByRole("link", { name: "try every kind" }).click();
  await page.waitForURL(/\/search\?q=prod-trail$/);
  assert.deepEqual(await mistakes(page), []);
});
