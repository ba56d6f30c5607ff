// A real browser, and what is watched on every page: errors, and anything that the content security policy refused.
import { mkdir } from "node:fs/promises";
import axe from "axe-core";
import { chromium } from "playwright-core";

const SHOTS = new URL("../shots/", import.meta.url).pathname;

export async function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A page whose mistakes are collected in `page.mistakes`. */
export async function openPage(browser, { width = 1440, height = 900, mode = "light", density = "comfortable", ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: mode, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", ...more });
  await context.addInitScript(
    ([look]) => {
      localStorage.setItem("skywarden-look", look);
      window.refused = [];
      document.addEventListener("securitypolicyviolation", (event) => window.refused.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
    },
    [JSON.stringify({ mode, density })],
  );
  const page = await context.newPage();
  page.mistakes = [];
  page.on("pageerror", (err) => page.mistakes.push(`error: ${err.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of (4\d\d|503)/.test(message.text())) page.mistakes.push(`console: ${message.text().slice(0, 300)}`);
  });
  page.on("dialog", (dialog) => {
    page.mistakes.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return page;
}

/** What went wrong on the page since it was opened. */
export async function mistakes(page) {
  const refused = await page.evaluate(() => window.refused ?? []);
  return [...page.mistakes, ...refused.map((what) => `refused by policy: ${what}`)];
}

export async function logIn(page, base, name, password) {
  await page.goto(`${base}/`);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).first().waitFor();
}

/** A page on which the admin of the server is logged in; logging in by hand is tested elsewhere. */
export async function openAsAdmin(browser, server, look) {
  const page = await openPage(browser, look);
  await server.call("/api/v1/session");
  const [name, value] = server.session.cookie.split("=");
  await page.context().addCookies([{ name, value, url: server.base.replace("http:", "https:"), httpOnly: true, secure: true, sameSite: "Strict" }]);
  return page;
}

/** Waits until nothing is loading any more. */
export async function settled(page) {
  await page.waitForLoadState("domcontentloaded");
  for (let tries = 0; tries < 100; tries += 1) {
    const busy = await page.evaluate(() => /Loading .{1,40}…/.test(document.querySelector("main")?.innerText ?? "Loading x…"));
    if (!busy) break;
    await page.waitForTimeout(50);
  }
  await page.waitForTimeout(150);
}

export async function shot(page, name, { full = false } = {}) {
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: full });
}

/** Serious and critical findings of axe, in words. */
export async function barriers(page) {
  await page.evaluate(axe.source).catch(async () => {
    // Under the policy the source cannot be evaluated in the page; the debugger may.
    const session = await page.context().newCDPSession(page);
    await session.send("Runtime.evaluate", { expression: axe.source });
  });
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations
      .filter((one) => one.impact === "serious" || one.impact === "critical")
      .map((one) => `${one.impact} ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
  });
  return found;
}
