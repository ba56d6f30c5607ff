// The first minute: the link of the first start, the first admin, the door afterwards.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, logIn, mistakes, openBrowser, openPage, settled, shot } from "./browser.mjs";
import { NAME, PASSWORD, startServer } from "./server.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer({ withAdmin: false }), openBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("the link that the first start prints makes the first admin, once", async () => {
  const page = await openPage(browser);
  await page.goto(`${server.base}/setup#${server.secret}`);
  await page.getByLabel("Password").fill("too short");
  assert.ok(await page.getByRole("button", { name: "Make the first admin" }).isDisabled());
  await page.getByLabel("Password").fill(PASSWORD);
  await shot(page, "setup");
  assert.deepEqual(await barriers(page), []);
  await page.getByRole("button", { name: "Make the first admin" }).click();
  await page.getByRole("navigation", { name: "Pages" }).first().waitFor();
  assert.equal(new URL(page.url()).pathname, "/");
  assert.deepEqual(await mistakes(page), []);

  const again = await openPage(browser);
  await again.goto(`${server.base}/setup#${server.secret}`);
  await again.getByText("This link does not work any more").waitFor();
  assert.deepEqual(await barriers(again), []);
});

test("a wrong password is told, the right one opens, and logging out closes", async () => {
  const page = await openPage(browser);
  await page.goto(`${server.base}/findings`);
  await page.getByLabel("Name").fill(NAME);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText(/wrong|do not|not right/i).first().waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).first().waitFor();
  assert.equal(new URL(page.url()).pathname, "/findings");
  await settled(page);
  await page.getByRole("button", { name: new RegExp(NAME) }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.getByLabel("Password").waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("keys go to pages, and ? shows them", async () => {
  const page = await openPage(browser);
  await logIn(page, server.base, NAME, PASSWORD);
  await settled(page);
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  await page.waitForURL(/\/findings/);
  await page.getByRole("grid", { name: "Findings" }).or(page.getByText("No open findings")).first().waitFor();
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Go to Query").waitFor();
  const told = (await dialog.locator("div:has(> kbd), div:has(> span > kbd)").evaluateAll((all) => all.map((one) => [...one.querySelectorAll("kbd")].map((key) => key.textContent).join(" ")))).filter(Boolean);
  assert.ok(told.includes("j") && told.includes("u"), told.join(", "));
  assert.deepEqual(told, [...new Set(told)], "each key once");
});
