// Coverage: what is blind is told by pattern and word, cells lead to rules, and what is downloaded says the same.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { barriers, logIn, mistakes, openBrowser, openPage, settled, shot } from "./browser.mjs";
import { NAME, PASSWORD, startServer } from "./server.mjs";

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

const EVIL = '<img src=x onerror=alert(1)>, "quoted"';
const rule = (id, title, severity_id) => ({ id, title, severity_id });
const COVERAGE = {
  attack_version: "18.1",
  tactics: [
    { name: "Reconnaissance", techniques: [] },
    {
      name: "Defense Evasion",
      techniques: [
        { id: "T1562", name: "Impair Defenses", rules: [], findings: 0 },
        { id: "T1562.008", name: "Disable or Modify Cloud Logs", rules: [rule("r1", EVIL, 5), rule("r2", "=Formula", 2)], findings: 7 },
        { id: "T1535", name: "Unused Regions", rules: [], findings: 0 },
      ],
    },
    { name: "Impact", techniques: [{ id: "T1486", name: "Data Encrypted for Impact", rules: [rule("r3", "Key scheduled for deletion", 4)], findings: 0 }] },
  ],
};

async function open(path, look, isReal = false) {
  const page = await openPage(browser, look);
  if (!isReal) await page.route("**/api/v1/coverage", (route) => route.fulfill({ json: COVERAGE }));
  await logIn(page, server.base, NAME, PASSWORD);
  await page.goto(`${server.base}${path}`);
  await settled(page);
  return page;
}
const tech = (page, id) => page.locator(".heat button").filter({ hasText: new RegExp(`${id}(?![.\\d])`) });

test("a blind technique has its word, others their numbers, and the filter keeps what is asked for", async () => {
  const page = await open("/coverage");
  assert.match(await tech(page, "T1535").innerText(), /blind/);
  assert.equal(await tech(page, "T1562").getAttribute("data-state"), "partly");
  await page.getByText("2 of 4 techniques covered (50 %)").waitFor();
  await page.getByRole("link", { name: "2", exact: true }).nth(1).click();
  await page.waitForURL(/show=blind/);
  await tech(page, "T1486").waitFor({ state: "detached" });
  assert.equal(await tech(page, "T1535").count(), 1);
  await page.goto(`${server.base}/coverage?show=findings&subs=1`);
  await settled(page);
  assert.equal(await page.locator(".heat button").count(), 2);
  assert.deepEqual(await mistakes(page), []);
});

test("keys move between techniques, a tip shows rules, and Enter opens them", async () => {
  const page = await open("/coverage?subs=1");
  await tech(page, "T1535").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.getByRole("tooltip").getByText(EVIL).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tooltip").getByText("Key scheduled for deletion").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Key scheduled for deletion" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Its findings" }).getAttribute("href"), "/findings?rule=r3");
  assert.match(page.url(), /technique=T1486/);
  await page.reload();
  await page.getByRole("link", { name: "Key scheduled for deletion" }).waitFor();
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("CSV and Navigator layer say what the matrix says", async () => {
  const page = await open("/coverage?view=table");
  await page.getByRole("grid", { name: "Techniques" }).getByText("T1562.008").waitFor();
  const get = async (item) => {
    await page.getByRole("button", { name: "Download" }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: item }).click()]);
    return readFile(await file.path(), "utf8");
  };
  const csv = await get("CSV");
  assert.equal(csv.split("\r\n")[0], "tactic,technique,name,state,rules,findings,titles");
  assert.ok(csv.includes('Defense Evasion,T1562.008,Disable or Modify Cloud Logs,covered,2,7,"<img src=x onerror=alert(1)>, ""quoted""; =Formula"'), csv);
  const layer = JSON.parse(await get(/Navigator/));
  assert.equal(layer.versions.layer, "4.5");
  assert.deepEqual(layer.techniques.find((one) => one.techniqueID === "T1562.008").score, 2);
  assert.equal(layer.techniques.length, 4);
  assert.deepEqual(await mistakes(page), []);
});

test("the server's own rules fill the page, in each look", async () => {
  const rules = await server.call("/api/v1/rules");
  for (const [mode, density, width] of [["light", "comfortable", 1440], ["dark", "compact", 1440], ["dark", "comfortable", 420]]) {
    const page = await open("/coverage", { mode, density, width }, true);
    assert.ok((await page.locator(".heat button").count()) > 20);
    await page.goto(`${server.base}/coverage?view=table&show=covered`);
    await settled(page);
    const [technique] = rules[0].techniques;
    await page.goto(`${server.base}/coverage?subs=1&technique=${technique}`);
    await page.getByRole("link", { name: rules[0].title }).waitFor();
    await shot(page, `coverage-${mode}-${density}-${width}`, { full: true });
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, "nothing is wider than the screen");
    assert.deepEqual(await barriers(page), []);
    await page.goto(`${server.base}/coverage?tab=logs`);
    await settled(page);
    await page.getByRole("region", { name: /Log sources/ }).getByText("CloudTrail").first().waitFor();
    assert.deepEqual(await barriers(page), []);
    await shot(page, `coverage-logs-${mode}-${density}-${width}`, { full: true });
    assert.deepEqual(await mistakes(page), []);
    await page.context().close();
  }
});

test("somebody who is bound to an account sees the logs of that account only", async () => {
  await server.call("/api/v1/users", { method: "POST", body: { name: "dana", role: "viewer", password: PASSWORD, accounts: ["444455556666"] } });
  const page = await openPage(browser);
  await logIn(page, server.base, "dana", PASSWORD);
  await page.goto(`${server.base}/coverage?tab=logs`);
  await settled(page);
  const matrix = page.getByRole("region", { name: /Log sources/ });
  await matrix.getByText("CloudTrail").first().waitFor();
  assert.match(await matrix.innerText(), /444455556666/);
  assert.doesNotMatch(await matrix.innerText(), /111122223333/);
  assert.deepEqual(await mistakes(page), []);
});
