#!/usr/bin/env node
// The console measured in a real browser, on three states: the demo, ten million events, and a million findings.
//
//   bench/console.mjs BINARY --state demo|events|findings [--count N] [--data DIR] [--million PROGRAM] [--out FILE]
//
// Pages are changed by the navigation of the console itself, so nothing is loaded twice. Figures are medians of five, with the worst; what no
// other load of the machine changes (requests, bytes, rows in the page) stands beside them. --data keeps what was filled, for another run.
// Findings are made by the example `million` of the crate `state`. How long a graph of 200 nodes takes is a test (web/src/pages/finding/layout.test.ts).
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBrowser, openPage } from "../web/tests/browser.mjs";
import { front } from "../web/tests/front.mjs";

const PASSWORD = "bench bench bench";
const TIMES = 5;
const PAGES = ["/", "/findings", "/investigate", "/query", "/detections", "/coverage", "/sources", "/settings", "/start"];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { state: { type: "string" }, count: { type: "string" }, data: { type: "string" }, million: { type: "string" }, out: { type: "string" } },
});
const [binary] = positionals;
const FILL = { demo: null, events: fillEvents, findings: fillFindings };
if (!binary || !(values.state in FILL)) {
  console.error("bench/console.mjs BINARY --state demo|events|findings [--count N] [--data DIR] [--million PROGRAM] [--out FILE]");
  process.exit(2);
}

const folder = values.data ?? mkdtempSync(join(tmpdir(), "console-bench-"));
const server = await begin();
try {
  const result = { state: values.state, ...(await server.size()), ...(await measure()) };
  const text = JSON.stringify(result, null, 1);
  console.log(text);
  if (values.out) writeFileSync(values.out, `${text}\n`);
} finally {
  server.stop();
  if (!values.data) rmSync(folder, { recursive: true, force: true });
}

/** A server with the state in it, and its first admin. */
async function begin() {
  const data = join(folder, "data");
  const isKept = existsSync(join(folder, "filled"));
  const logs = isKept ? null : await FILL[values.state]?.(join(folder, "logs"));
  const command = values.state === "demo" ? ["demo"] : ["serve", ...(logs ? ["--import", logs] : [])];
  const child = spawn(binary, [...command, "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.on("data", (bytes) => (said += bytes));
  const found = async (pattern) => {
    for (;;) {
      const match = said.match(pattern);
      if (match) return match[1];
      await new Promise((later) => setTimeout(later, 50));
    }
  };
  const api = await found(/(http:\/\/127\.0\.0\.1:\d+)\//);
  const json = { "content-type": "application/json" };
  const post = (path, body) => fetch(`${api}${path}`, { method: "POST", headers: json, body: JSON.stringify(body) });
  if (!isKept) await post("/api/v1/setup", { secret: await found(/setup#([0-9a-f]+)/), name: "bench", password: PASSWORD });
  const session = await post("/api/v1/session", { name: "bench", password: PASSWORD });
  const cookie = session.headers.getSetCookie()[0].split(";")[0];
  const call = async (path) => (await fetch(`${api}${path}`, { headers: { cookie } })).json();
  for (let quiet = isKept ? 4 : 0, events = -1; quiet < 4; ) {
    const status = await call("/api/v1/status");
    quiet = status.events === events && !status.log.files_waiting && status.log.committed === status.log.durable ? quiet + 1 : 0;
    events = status.events;
    await new Promise((later) => setTimeout(later, 1000));
  }
  if (logs) rmSync(logs, { recursive: true });
  writeFileSync(join(folder, "filled"), "");
  // Pages of this source tree, whether or not the binary was built with them.
  const pages = process.env.SKYWARDEN_FRONT ? await front(0, api) : null;
  return {
    base: pages ? `http://127.0.0.1:${pages.address().port}` : api,
    cookie,
    call,
    async size() {
      const counts = await call("/api/v1/finding-counts");
      const ledger = await call("/api/v1/ledger");
      return { events: ledger.reduce((sum, entry) => sum + entry.lake, 0), findings: counts.reduce((sum, one) => sum + one.count, 0) };
    },
    stop() {
      pages?.close();
      child.kill("SIGTERM");
    },
  };
}

function fillEvents(logs) {
  const n = values.count ?? "10000000";
  spawnSync(binary, ["generate", logs, "--events", n, "--flows", "1000000", "--days", "60", "--start", daysAgo(60).slice(0, 10)], { stdio: "ignore" });
  return logs;
}

function daysAgo(days) {
  return `${new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 19)}Z`;
}

/** A state of so many findings, and a few events, so that the lake is not empty. */
async function fillFindings(logs) {
  const making = spawn(values.million, [values.count ?? "1000000"], { env: { ...process.env, TMPDIR: folder }, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const bytes of making.stdout) if (/findings in/.test((said += bytes))) break;
  // It removes its folder when it ends.
  making.kill("SIGSTOP");
  const made = readdirSync(folder).find((name) => existsSync(join(folder, name, "state.sqlite")));
  mkdirSync(join(folder, "data"));
  for (const name of readdirSync(join(folder, made))) cpSync(join(folder, made, name), join(folder, "data", name));
  making.kill("SIGKILL");
  rmSync(join(folder, made), { recursive: true });
  mkdirSync(logs);
  writeFileSync(join(logs, "wide.json"), Array.from({ length: 260 }, (_, at) => `${JSON.stringify(wide(at))}\n`).join(""));
  return logs;
}

function record(user, account, time, address, name, source, requestParameters) {
  return {
    eventVersion: "1.11", eventID: crypto.randomUUID(), eventTime: time, eventSource: source, eventName: name, awsRegion: "eu-west-1", recipientAccountId: account,
    sourceIPAddress: address, userAgent: "aws-cli/2.31.4", eventType: "AwsApiCall", eventCategory: "Management", readOnly: false, managementEvent: true,
    userIdentity: { type: "IAMUser", arn: `arn:aws:iam::${account}:user/${user}`, accountId: account, userName: user, accessKeyId: `AKIA${user.toUpperCase().padEnd(16, "X")}` },
    requestParameters, responseElements: null,
  };
}

function wide(at) {
  return record("wide", "100000000000", daysAgo(0.5), `198.51.100.${at % 40}`, "CreateAccessKey", "iam.amazonaws.com", { userName: `target-${at}` });
}

async function measure() {
  const browser = await openBrowser();
  try {
    const page = await openPage(browser);
    const [name, value] = server.cookie.split("=");
    await page.context().addCookies([{ name, value, url: server.base.replace("http:", "https:"), httpOnly: true, secure: true, sameSite: "Strict" }]);
    const traffic = { requests: 0, bytes: 0 };
    page.on("requestfinished", async (request) => {
      traffic.requests += 1;
      traffic.bytes += (await request.sizes().catch(() => ({ responseBodySize: 0 }))).responseBodySize;
    });
    await page.addInitScript(watch);
    await page.goto(server.base);
    await page.locator("nav a[href='/findings']").first().waitFor();
    const out = { pages: await changes(page, traffic), queries: await queries(page), queue: await queue(page) };
    if (values.state !== "findings") out.grid = await grid(page);
    return out;
  } finally {
    await browser.close();
  }
}

/** In the page: clocks that look at each frame. */
function watch() {
  window.long = [];
  new PerformanceObserver((list) => window.long.push(...list.getEntries().map((entry) => Math.round(entry.duration)))).observe({ type: "longtask" });
  window.until = (isDone) =>
    new Promise((ready) => {
      const begun = performance.now();
      const look = () => {
        const took = performance.now() - begun;
        if (isDone() || took > 60_000) ready(Math.round(took));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
  window.goes = (to) => history.pushState(null, "", to);
}

function told(all) {
  return { median_ms: [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)], worst_ms: Math.max(...all) };
}

/** From the click in the navigation to the heading of the page, and to when nothing of it is loading any more. */
async function changes(page, traffic) {
  const out = {};
  for (const path of PAGES) {
    const [heads, wholes, counts] = [[], [], []];
    for (let time = 0; time <= TIMES; time += 1) {
      const away = path === "/settings" ? "/start" : "/settings";
      await page.evaluate((to) => document.querySelector(`nav a[href='${to}']`).click(), away);
      await page.waitForURL((url) => url.pathname === away);
      await page.waitForTimeout(400);
      const before = { ...traffic };
      const [head, whole, longest] = await page.evaluate(async (to) => {
        const old = document.querySelector("main h1");
        window.long = [];
        document.querySelector(`nav a[href='${to}']`).click();
        const head = await window.until(() => location.pathname === to && document.querySelector("main h1") !== null && document.querySelector("main h1") !== old);
        const rest = await window.until(() => !/Loading .{1,40}…/.test(document.querySelector("main").innerText));
        return [head, head + rest, Math.max(0, ...window.long)];
      }, path);
      await page.waitForTimeout(200);
      counts.push({ requests: traffic.requests - before.requests, kilobytes: Math.round((traffic.bytes - before.bytes) / 1e3), nodes: await page.evaluate(() => document.querySelectorAll("*").length), longest_task_ms: longest });
      // The first time also fetches the code of the page.
      if (time === 0) out[path] = { first_time_ms: head };
      else {
        heads.push(head);
        wholes.push(whole);
      }
    }
    Object.assign(out[path], { shown: told(heads), whole: told(wholes), ...counts.at(-1) });
    console.error(path, JSON.stringify(out[path]));
  }
  return out;
}

/** From asking to the first hundred rows, or all if there are fewer. */
async function queries(page) {
  const keys = await page.evaluate(async () => {
    const answer = await fetch("/api/v1/findings?limit=1&sort=worst");
    return (await answer.json()).findings.map((one) => one.first_seen);
  });
  const day = keys[0] ? `&from=${keys[0].slice(0, 10)}T00:00:00Z&to=${keys[0].slice(0, 10)}T23:59:59Z` : "";
  const all = {
    "filter eventName = 'AssumeRole'": "",
    "filter ispresent(errorCode)": "",
    "filter eventName = 'AssumeRole' | limit 100": "",
    "filter userIdentity.accessKeyId = 'AKIAIOSFODNN7NOBODY0'": "",
    "filter sourceIPAddress = '198.51.100.77' | sort @timestamp asc": "",
    "filter sourceIPAddress = '198.51.100.77' | sort @timestamp asc ": day,
    "stats count(*) by eventName": "",
    "stats count(*) by bin(1d)": "",
  };
  const out = {};
  for (const [text, more] of Object.entries(all)) {
    const [firsts, ends] = [[], []];
    for (let time = 0; time < TIMES; time += 1) {
      await page.evaluate(() => window.goes("/query"));
      await page.waitForTimeout(500);
      const [first, end] = await page.evaluate(async (to) => {
        const rows = () => Number(document.querySelector("main [role=grid]")?.getAttribute("aria-rowcount") ?? 1) - 1;
        const state = () => document.querySelector(".status-line")?.innerText ?? "";
        const isOver = () => /^(\s*[\d,]+ rows?)|Failed/.test(state()) && !/so far/.test(state());
        window.goes(to);
        const first = await window.until(() => rows() >= 100 || isOver());
        return [first, first + (await window.until(isOver))];
      }, `/query?q=${encodeURIComponent(text)}&run=1${more}`);
      firsts.push(first);
      ends.push(end);
    }
    const said = await page.evaluate(() => document.querySelector(".status-line").innerText.replace(/\s+/g, " "));
    out[text.trim() + (more ? ", one day" : "")] = { first_rows: told(firsts), all_rows: told(ends), said };
    console.error(text, JSON.stringify(out[text.trim() + (more ? ", one day" : "")]));
  }
  return out;
}

/** A hundred thousand rows, scrolled from top to bottom. */
async function grid(page) {
  await page.evaluate(() => window.goes(`/query?q=${encodeURIComponent("fields @timestamp, eventName, userIdentity.arn, sourceIPAddress, awsRegion | limit 100000")}&run=1`));
  await page.evaluate(() => window.until(() => /^[\d,]+ rows(?! so far)/.test(document.querySelector(".status-line")?.innerText.trim() ?? "")));
  return page.evaluate(async () => {
    const box = document.querySelector("main [role=grid]");
    const rows = Number(box.getAttribute("aria-rowcount")) - 1;
    const [frames, drawn] = [[], []];
    window.long = [];
    let last = performance.now();
    for (let step = 0; step <= 240; step += 1) {
      box.scrollTop = (box.scrollHeight * step) / 240;
      await new Promise((next) => requestAnimationFrame(next));
      const now = performance.now();
      frames.push(now - last);
      drawn.push(box.querySelectorAll("[role=row]").length);
      last = now;
    }
    frames.sort((a, b) => a - b);
    const at = (share) => Math.round(frames[Math.floor((frames.length - 1) * share)]);
    return { rows, frame_ms: { median: at(0.5), p95: at(0.95), worst: at(1) }, rows_in_page_max: Math.max(...drawn), long_tasks: window.long.length };
  });
}

/** The queue: opened, filtered, walked, scrolled, searched. */
async function queue(page) {
  const open = async (to) => {
    const took = [];
    for (let time = 0; time < TIMES; time += 1) {
      await page.evaluate(() => window.goes("/settings"));
      await page.waitForTimeout(300);
      took.push(
        await page.evaluate(async (to) => {
          window.goes(to);
          return window.until(() => document.querySelectorAll("main [role=grid] [role=row]").length > 1 || /No finding|Nothing/.test(document.querySelector("main")?.innerText ?? ""));
        }, to),
      );
    }
    return told(took);
  };
  const out = {};
  for (const [name, to] of Object.entries({
    open: "/findings", critical: "/findings?severity_min=5", latest: "/findings?sort=latest", "a text": "/findings?text=user",
    "a text that is nowhere": "/findings?text=nowhere-at-all", "by principal": "/findings?group=principal",
  }))
    out[name] = await open(to);
  await page.evaluate(() => window.goes("/findings"));
  await page.evaluate(() => window.until(() => document.querySelectorAll("main [role=grid] [role=row]").length > 1));
  const keys = [];
  for (let time = 0; time < 40; time += 1) {
    const key = time % 10 === 9 ? "k" : "j";
    keys.push(
      await page.evaluate(async (key) => {
        const selected = () => document.querySelector("main [role=row][aria-selected=true]")?.getAttribute("aria-rowindex");
        const before = selected();
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        return window.until(() => selected() !== before);
      }, key),
    );
  }
  out["j and k"] = told(keys);
  out.scroll = await page.evaluate(async () => {
    const box = document.querySelector("main [role=grid]");
    const frames = [];
    let last = performance.now();
    for (let step = 0; step < 240; step += 1) {
      box.scrollTop += 400;
      await new Promise((next) => requestAnimationFrame(next));
      frames.push(performance.now() - last);
      last = performance.now();
    }
    frames.sort((a, b) => a - b);
    return { frame_ms: { median: Math.round(frames[120]), p95: Math.round(frames[228]), worst: Math.round(frames[239]) }, rows_loaded: Number(box.getAttribute("aria-rowcount")) - 1, rows_in_page: box.querySelectorAll("[role=row]").length };
  });
  console.error(JSON.stringify(out));
  return out;
}
