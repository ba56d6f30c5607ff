// A server that nothing was ever sent to: every page says what to do first.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer({ command: "serve" }), openBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path) {
  const page = await openAsAdmin(browser, server, { width: 420, height: 900 });
  await page.goto(`${server.base}${path}`);
  await settled(page);
  return page;
}

for (const path of ["/", "/findings", "/findings?group=rule", "/query?q=limit+10&run=1", "/search?q=mara"]) {
  test(`where to begin: ${path}`, async () => {
    const page = await open(path);
    await page.getByText("Nothing has come in yet").waitFor();
    assert.deepEqual(await barriers(page), []);
    await page.locator("main").getByRole("link", { name: "Get started" }).click();
    await page.getByRole("heading", { level: 1, name: "Get started" }).waitFor();
    assert.deepEqual(await mistakes(page), []);
  });
}

for (const tab of ["health", "ledger", "matrix"]) {
  test(`what sends nothing can be connected: ${tab}`, async () => {
    const page = await open(`/sources?tab=${tab}`);
    await page.locator("main").getByRole("link", { name: "Drop files or connect AWS" }).click();
    await page.getByRole("heading", { level: 1, name: "Get started" }).waitFor();
  });
}

test("a page that is not there leads back", async () => {
  const page = await open("/nowhere");
  await page.getByRole("button", { name: "Go to Overview" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await shot(page, "empty");
});
