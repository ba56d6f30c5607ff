// Users, tokens, suppressions and the audit, as an admin and as others see them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, logIn, mistakes, openBrowser, openPage, settled, shot } from "./browser.mjs";
import { NAME, PASSWORD, startServer } from "./server.mjs";

const REASON = 'Known <script>alert(1)</script> "work"';
let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer({ command: "serve" }), openBrowser()]);
  await server.call("/api/v1/suppressions", {
    method: "POST",
    body: { dimensions: { account: "111122223333" }, reason: REASON, until: new Date(Date.now() + 86_400_000).toISOString() },
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path, look, name = NAME, password = PASSWORD) {
  const page = await openPage(browser, look);
  await logIn(page, server.base, name, password);
  await page.goto(`${server.base}${path}`);
  await settled(page);
  return page;
}
const dialog = (page) => page.getByRole("dialog");

test("the licences of the software of others are one click away", async () => {
  const page = await open("/settings");
  const [text] = await Promise.all([page.context().waitForEvent("page"), page.getByRole("link", { name: "Licences of the software of others" }).click()]);
  await text.getByText("contains the following software of others").waitFor();
  assert.match(await text.evaluate(() => document.contentType), /^text\/plain/);
});

test("a user is added, changed, given a password and removed", async () => {
  const page = await open("/settings?tab=users");
  await page.getByRole("button", { name: "Add user" }).click();
  await dialog(page).getByLabel("Name").fill("dana");
  await dialog(page).getByLabel("First password").fill("short");
  await dialog(page).getByText("7 more").waitFor();
  assert.ok(await dialog(page).getByRole("button", { name: "Add", exact: true }).isDisabled());
  await dialog(page).getByLabel("First password").fill("correct horse battery 2");
  await dialog(page).getByLabel("AWS accounts").fill("111122223333, 4444");
  await dialog(page).getByText("Each account id has 12 digits").waitFor();
  await dialog(page).getByLabel("AWS accounts").fill("111122223333");
  await shot(page, "settings-add-user");
  assert.deepEqual(await barriers(page), []);
  await dialog(page).getByRole("button", { name: "Add", exact: true }).click();
  const row = page.getByRole("grid", { name: "Users" }).getByRole("row").filter({ hasText: "dana" });
  await row.getByText("Analyst").waitFor();

  const change = async (item) => {
    await page.getByRole("button", { name: "Change dana" }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  await change("Role and accounts");
  await dialog(page).getByLabel("Role").click();
  await page.getByRole("option", { name: /^Viewer/ }).click();
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await row.getByText("Viewer").waitFor();
  assert.equal((await server.call("/api/v1/users")).find((user) => user.name === "dana").role, "viewer");

  await change("Set a password");
  await dialog(page).getByLabel("New password").fill("another horse battery 3");
  await dialog(page).getByRole("button", { name: "Set", exact: true }).click();
  await page.getByText("The password of dana is set").waitFor();

  const hers = await open("/settings", {}, "dana", "another horse battery 3");
  const tabs = await hers.getByRole("tab").allInnerTexts();
  assert.deepEqual(tabs, ["Profile", "Suppressions", "Retention & server"].filter((tab) => tabs.includes(tab)));
  assert.ok(!tabs.includes("Users") && !tabs.includes("Audit log"));
  await hers.getByText("111122223333").first().waitFor();
  assert.deepEqual(await mistakes(hers), []);
  await hers.context().close();

  await change("Remove");
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  await row.waitFor();
  await change("Remove");
  await dialog(page).getByRole("button", { name: "Remove" }).click();
  await row.waitFor({ state: "detached" });
  assert.deepEqual(await mistakes(page), []);
});

test("a token's secret is shown once, works, and is dead when revoked", async () => {
  const page = await open("/settings?tab=tokens");
  await page.getByText("No token yet").waitFor();
  await page.getByRole("button", { name: "Make token" }).click();
  await dialog(page).getByLabel("Name").fill("shipper");
  await dialog(page).getByRole("button", { name: "Make", exact: true }).click();
  const secret = (await dialog(page).locator("pre").innerText()).trim();
  const asks = () => fetch(`${server.base}/api/v1/session`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal((await (await asks()).json()).role, "ingest-only");
  await dialog(page).getByRole("button", { name: "I have kept it" }).click();
  await page.reload();
  await settled(page);
  assert.ok(!(await page.locator("body").innerText()).includes(secret));
  await page.getByRole("button", { name: "Revoke shipper" }).click();
  await dialog(page).getByRole("button", { name: "Revoke" }).click();
  await page.getByText("No token yet").waitFor();
  assert.equal((await asks()).status, 401);
  assert.deepEqual(await mistakes(page), []);
});

test("a suppression is shown with its reason as text, and is ended after a question", async () => {
  const page = await open("/settings?tab=suppressions");
  const table = page.getByRole("table", { name: "Suppressions" });
  await table.getByText(REASON).waitFor();
  await page.getByRole("button", { name: "End suppression 1" }).click();
  await dialog(page).getByRole("button", { name: "End it" }).click();
  await table.getByText("Ended by admin").waitFor();
  assert.equal(await page.getByRole("button", { name: "End suppression 1" }).count(), 0);
  assert.deepEqual(await mistakes(page), []);
});

test("the audit is filtered, opened and verified", async () => {
  const page = await open("/settings?tab=audit");
  const grid = page.getByRole("grid", { name: "Audit" });
  await grid.getByText("Made a suppression").waitFor();
  await page.getByLabel("Text").fill("<script>");
  await grid.getByText("Logged in").first().waitFor({ state: "detached" });
  assert.match(page.url(), /text=/);
  await grid.getByText("Made a suppression").click();
  await page.getByLabel("Event as JSON").getByText(/alert\(1\)/).waitFor();
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText(/^Whole: /).waitFor();
  await shot(page, "audit-verified");
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("an audit that was tampered with is said to be", async () => {
  const page = await openPage(browser);
  await page.route("**/api/v1/audit/verification", (route) => route.fulfill({ json: { entries: 9, vouched: 3, troubles: ["entry 4 does not go with <b>entry 3</b>"] } }));
  await logIn(page, server.base, NAME, PASSWORD);
  await page.goto(`${server.base}/settings?tab=audit`);
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText("The audit was tampered with, or is damaged").waitFor();
  await page.getByText("entry 4 does not go with <b>entry 3</b>").waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("each tab is sound in each look", async () => {
  for (const [mode, density, width] of [["light", "comfortable", 1440], ["dark", "compact", 1440], ["light", "comfortable", 420]]) {
    const page = await open("/settings", { mode, density, width });
    for (const tab of ["profile", "users", "tokens", "suppressions", "server", "audit"]) {
      await page.goto(`${server.base}/settings?tab=${tab}`);
      await settled(page);
      await shot(page, `settings-${tab}-${mode}-${density}-${width}`, { full: true });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${tab} is not wider than the screen`);
      if (width > 1000) assert.deepEqual(await barriers(page), [], tab);
    }
    assert.deepEqual(await mistakes(page), []);
    await page.context().close();
  }
});

test("one's own password is changed without being logged out", async () => {
  const page = await open("/settings");
  await page.getByLabel("New password").fill("a new horse battery 4");
  await page.getByLabel("The same again").fill("a new horse battery 5");
  await page.getByText("It is not the same").waitFor();
  assert.ok(await page.getByRole("button", { name: "Change password" }).isDisabled());
  await page.getByLabel("The same again").fill("a new horse battery 4");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText(/still logged in here/).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Settings & audit" }).waitFor();
  assert.deepEqual(await mistakes(page), []);
});
