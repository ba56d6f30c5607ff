// Every page at 420 and 1280 pixels, light and dark: nothing that keeps somebody out, nothing that stands out of the screen, and on a phone no column out of sight.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, openPage, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
let pages;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
  const { findings } = await server.call("/api/v1/findings?text=198.51.100.77&severity_min=4&limit=20");
  const [finding] = [...findings].sort((a, b) => b.count - a.count);
  const rule = finding.rule;
  await server.call("/api/v1/suppressions", { method: "POST", body: { dimensions: { rule, account: "999988887777" }, reason: "drill", until: new Date(Date.now() + 86_400_000).toISOString() } });
  await server.call("/api/v1/ingest?name=odd.json", { method: "POST", body: "hello, this is no log" });
  pages = [
    "/findings", "/findings?view=suppressions", "/findings?group=rule",
    ...["evidence", "path", "graph", "rule", "raw", "ocsf"].map((tab) => `/findings/${finding.uid}?tab=${tab}`),
    "/detections", `/detections/${rule}`, `/detections/${rule}?tab=activity`, "/detections/new",
    ...["health", "ledger", "matrix", "quarantine"].map((tab) => `/sources?tab=${tab}`),
    ...["profile", "users", "tokens", "suppressions", "server", "audit"].map((tab) => `/settings?tab=${tab}`),
    "/start", "/search?q=mara.lindqvist", "/search?q=198.51.100.", `/investigate?kind=ip&value=198.51.100.77`, "/nowhere",
  ];
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Tables with columns that are seen only when they are scrolled sideways. */
function cut(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("main .grid, main .thin, main [class*=awsui_table]")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1)
      .map((one) => `${one.getAttribute("aria-label") ?? one.className.slice(0, 40)} is cut: ${one.scrollWidth} of ${one.clientWidth} pixels`),
  );
}

for (const width of [1440, 1280]) {
  test(`the list of rules has its last column in sight at ${width} pixels`, async () => {
    const page = await openAsAdmin(browser, server, { width, height: 900 });
    await page.goto(`${server.base}/detections`);
    await settled(page);
    const rules = page.getByRole("grid", { name: "Rules" });
    await rules.getByText("cloudtrail_logging_stopped.yml").waitFor();
    assert.deepEqual(await cut(page), []);
    await shot(page, `detections-${width}`);
  });
}

test("rows that are beneath each other on a phone do not overlap, and keep their keys", async () => {
  const page = await openAsAdmin(browser, server, { width: 420, height: 900 });
  await page.goto(`${server.base}/detections`);
  await settled(page);
  const rules = page.getByRole("grid", { name: "Rules" });
  const rows = rules.locator("[data-index]");
  await rows.nth(3).waitFor();
  const boxes = await rows.evaluateAll((all) => all.map((one) => ({ top: Math.round(one.getBoundingClientRect().top), bottom: Math.round(one.getBoundingClientRect().bottom) })));
  for (const [at, { bottom }] of boxes.slice(0, -1).entries()) assert.ok(Math.abs(boxes[at + 1].top - bottom) <= 1, `row ${at + 1}: ${JSON.stringify(boxes)}`);
  await rules.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/detections\/./);
});

for (const width of [420, 1280]) {
  for (const mode of ["light", "dark"]) {
    test(`every page at ${width} pixels, ${mode}`, async () => {
      const page = await openAsAdmin(browser, server, { width, height: 900, mode });
      const wrong = [];
      for (const path of pages) {
        await page.goto(`${server.base}${path}`);
        await page.locator("main").first().waitFor();
        await settled(page);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        wrong.push(...(await barriers(page)).map((one) => `${path}: ${one}`), ...(wide > 0 ? [`${path}: ${wide} pixels stand out`] : []), ...(width === 420 ? (await cut(page)).map((one) => `${path}: ${one}`) : []));
        if (mode === "light") await shot(page, `at-${width}-${path.slice(1).replace(/[^a-z]+/gi, "-").slice(0, 40)}`);
      }
      assert.deepEqual(wrong, []);
      assert.deepEqual(await mistakes(page), []);
    });

    test(`the door at ${width} pixels, ${mode}`, async () => {
      const page = await openPage(browser, { width, height: 900, mode });
      for (const path of ["/", "/setup", `/setup#${server.secret}`]) {
        await page.goto("about:blank");
        await page.goto(`${server.base}${path}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        assert.deepEqual(await barriers(page), [], path);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path);
      }
    });
  }
}
