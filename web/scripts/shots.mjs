// Takes the pictures of the README, of the demo: node scripts/shots.mjs (SKYWARDEN_BIN names the binary).
import { mkdir } from "node:fs/promises";
import { logIn, openBrowser, openPage, settled } from "../tests/browser.mjs";
import { NAME, PASSWORD, startServer } from "../tests/server.mjs";

const to = new URL("../../docs/images/", import.meta.url).pathname;
await mkdir(to, { recursive: true });
const [server, browser] = await Promise.all([startServer(), openBrowser()]);
try {
  await server.settled();
  const page = await openPage(browser, { width: 1440, height: 900 });
  await logIn(page, server.base, NAME, PASSWORD);
  const { findings } = await server.call("/api/v1/findings?severity_min=5&limit=1");
  const worst = findings[0];
  const query = "filter ispresent(errorCode)\n| stats count(*) as refused by bin(1h)\n| sort refused desc";
  const views = {
    overview: "/",
    finding: `/findings/${worst.uid}`,
    query: `/query?q=${encodeURIComponent(query)}&run=1`,
    investigate: `/investigate?kind=principal&value=${encodeURIComponent(worst.principal)}`,
    coverage: "/coverage",
  };
  for (const [name, path] of Object.entries(views)) {
    await page.goto(`${server.base}${path}`);
    await settled(page);
    await page.waitForTimeout(1500);
    await page.screenshot({ path: `${to}${name}.png` });
    console.log(`${to}${name}.png`);
  }
} finally {
  await browser.close();
  await server.stop();
}
