// The Query page: asked by hand and by link, wrong questions, fields and filters, rows, pictures, and what is made of a query.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { barriers, logIn, mistakes, openBrowser, openPage, shot } from "./browser.mjs";
import { NAME, PASSWORD, startServer } from "./server.mjs";

let server;
let browser;
let page;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
  page = await openPage(browser, { height: 1100 });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await logIn(page, server.base, NAME, PASSWORD);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const ask = (text, more = {}) => `${server.base}/query?${new URLSearchParams({ q: text, run: "1", ...more })}`;
const editor = () => page.getByRole("textbox", { name: /^Query in/ });
const grid = () => page.getByRole("grid", { name: "Rows of the answer" });
const done = (rows) => page.getByRole("status").getByText(rows).first().waitFor();
const asked = () => new URL(page.url()).searchParams.get("q");

test("an example, one click, gives rows; a click on a row opens its event", async () => {
  await page.goto(`${server.base}/query`);
  await page.getByRole("link", { name: /Ways back in/ }).click();
  await done(/^\d+ rows$/);
  assert.match(asked(), /CreateAccessKey/);
  await page.getByText(/events? that pass the filters/).waitFor();
  await grid().getByText("CreateAccessKey").first().click();
  const panel = page.getByRole("region", { name: "Event" });
  await panel.getByRole("tab", { name: "As logged" }).waitFor();
  await panel.getByText("userIdentity.type", { exact: true }).waitFor();
  await panel.getByRole("tab", { name: "As logged" }).click();
  await panel.getByLabel("Event as JSON").getByText('"CreateAccessKey"').waitFor();
  await shot(page, "query-event");
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("a long value ends within the picture, with an ellipsis", async () => {
  await page.goto(ask("fields @timestamp, @message | limit 3"));
  await done("3 rows");
  const cell = grid().getByRole("gridcell").nth(1);
  const { right, edge, isCut, style } = await cell.evaluate((at) => ({
    right: at.getBoundingClientRect().right,
    edge: at.closest("[role=grid]").getBoundingClientRect().right,
    isCut: at.scrollWidth > at.clientWidth,
    style: getComputedStyle(at).textOverflow,
  }));
  assert.ok(right <= edge + 1, `${right} of ${edge}`);
  assert.deepEqual([isCut, style], [true, "ellipsis"]);
});

test("Ctrl+Enter runs what was typed, Escape leaves the editor, Back asks the question before", async () => {
  await page.goto(ask("fields @timestamp, @message | limit 3"));
  await done("3 rows");
  await editor().click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("fields @timestamp | limit 7");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  assert.ok(await page.getByRole("button", { name: "Run" }).evaluate((button) => button === document.activeElement));
  await editor().focus();
  await page.keyboard.press("Control+Enter");
  await done("7 rows");
  assert.equal(asked(), "fields @timestamp | limit 7");
  await page.goBack();
  await done("3 rows");
  assert.match(await editor().innerText(), /limit 3/);
});

test("a mistake is marked at its place, behind letters of several bytes too, and gone once it is mended", async () => {
  await page.goto(ask('filter userAgent = "é😀" | filtr x = 1'));
  await page.getByText("The query cannot be run").waitFor();
  await page.getByText("No such command: `filtr`").waitFor();
  await page.locator(".cm-lintRange-error").waitFor();
  assert.equal(await page.locator(".cm-lintRange-error").innerText(), "filtr");
  await page.goto(ask('filter errorCod = "x" | limit 5'));
  await page.locator(".cm-lintRange-warning").waitFor();
  assert.equal(await page.locator(".cm-lintRange-warning").innerText(), "errorCod");
  await page.getByText("No event matches").waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("fields count the rows shown, ask for all events, and filter", async () => {
  await page.goto(ask('filter eventSource = "iam.amazonaws.com" | fields @timestamp, @message | limit 50'));
  await done("50 rows");
  const fields = page.getByRole("region", { name: "Fields" });
  await fields.getByText("Counts are of the 50 rows shown.").waitFor();
  await fields.getByLabel("Find a field").fill("eventName");
  await fields.locator("summary", { hasText: "eventName" }).click();
  await fields.getByRole("button", { name: "Top values in all events" }).click();
  await fields.getByText("Top 10 in all events that the filters let through").waitFor();
  const [first] = await server.call("/api/v1/queries?wait_s=10", { method: "POST", body: { text: 'filter eventSource = "iam.amazonaws.com" | stats count(*) as n by eventName | sort n desc | limit 1' } }).then(async ({ id }) => {
    const rows = await fetchRows(id);
    return rows;
  });
  const value = fields.locator(".one-value").first();
  await value.getByText(first.n.toLocaleString("en"), { exact: true }).waitFor();
  await value.getByRole("button", { name: /^Only eventName/ }).click();
  await page.waitForURL((url) => url.searchParams.get("q").includes(`filter eventName = "${first.eventName}"`));
  await page.getByText(`${first.n.toLocaleString("en")} events`).waitFor();
  assert.match(asked(), /filter eventName = "[^"]+" \| limit 50$/);
});

async function fetchRows(id) {
  const page_ = await page.context().request.get(`${server.base}/api/v1/queries/${id}/rows`, { headers: { accept: "application/x-ndjson" } });
  return (await page_.text()).trim().split("\n").map((line) => JSON.parse(line));
}

test("numbers by group are a picture with a table; a row leads to its events; sorting says of what", async () => {
  const text = "filter ispresent(errorCode) | stats count(*) as n by errorCode";
  await page.goto(ask(text, { view: "chart" }));
  await page.getByRole("img", { name: /^n by errorCode/ }).waitFor();
  await page.getByRole("button", { name: "n by errorCode: show as table" }).click();
  await page.getByRole("table", { name: "n by errorCode" }).waitFor();
  await page.getByRole("button", { name: "Rows", exact: true }).click();
  await page.getByRole("button", { name: "Sort by n" }).click();
  await page.getByRole("button", { name: "Sort by n" }).click();
  await page.getByText(/Sorted by n, largest first, among the \d+ rows that are loaded/).waitFor();
  const most = grid().getByRole("row").nth(1);
  const [, n] = (await most.innerText()).split(/\s*\n\s*/);
  await most.click();
  await page.getByRole("link", { name: "Show the events behind this row" }).click();
  await page.getByText(`${n} events`).first().waitFor();
  await done(`${n} rows`);
});

test("without a limit the newest thousand come, the same as with one over all", async () => {
  await page.goto(ask("fields @timestamp, eventName | filter ispresent(eventName)"));
  await done("1,000 rows, and not all: these are the newest; write a limit for more");
  const first = (rows) => rows.slice(0, 12).map((row) => row["@timestamp"].slice(0, 19));
  const { id } = await server.call("/api/v1/queries?wait_s=20", { method: "POST", body: { text: "fields @timestamp, eventName | filter ispresent(eventName) | limit 1000" } });
  const shown = await page.getByRole("grid", { name: "Rows of the answer" }).locator("time").evaluateAll((all) => all.map((one) => one.textContent));
  assert.deepEqual(shown.slice(0, 12), first(await fetchRows(id)));
  await page.goto(ask("fields @timestamp, eventName | filter ispresent(eventName) | limit 1500"));
  await done("1,500 rows");
  await page.goto(ask("fields @timestamp, eventName | filter ispresent(eventName) | limit 9000"));
  await done("9,000 rows");
  await page.goto(ask("fields @timestamp, eventName | filter eventName = 'NobodyDoesThis'"));
  await page.getByText("No event matches").waitFor();
});

test("rows of SQL have a histogram where a column is a time", async () => {
  await page.goto(ask("SELECT time_dt, eventName FROM cloudtrail WHERE eventName = 'ConsoleLogin'", { lang: "sql" }));
  const caption = page.locator(".histogram .caption", { hasText: /\d+ rows of the answer, by time_dt, a bar for every/ });
  await caption.waitFor();
  // How many people log in differs from day to day.
  const n = Number((await caption.innerText()).match(/(\d+) rows of the answer/)[1]);
  const all = await server.call("/api/v1/queries?wait_s=20", { method: "POST", body: { text: "SELECT count(*) AS n FROM cloudtrail WHERE eventName = 'ConsoleLogin' HAVING count(*) = " + n, lang: "sql" } });
  assert.deepEqual([all.error ?? null, all.rows], [null, 1], "the caption counts what is there");
  await page.locator(".histogram").getByRole("button", { name: /show as table/ }).click();
  const counts = await page.locator(".histogram tbody tr td:nth-child(2)").allInnerTexts();
  assert.equal(counts.reduce((sum, one) => sum + Number(one), 0), n);
  await page.goto(ask("SELECT eventName, count(*) AS n FROM cloudtrail GROUP BY 1", { lang: "sql" }));
  await page.getByText("No column of this answer is a time").waitFor();
});

test("a brush over the histogram narrows the range", async () => {
  await page.goto(ask("fields @timestamp | limit 20"));
  const picture = page.getByRole("img", { name: /^Events over time/ });
  await picture.locator("svg path").nth(20).waitFor({ state: "attached" });
  const box = await picture.boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 6 });
  await page.mouse.up();
  await page.waitForURL((url) => url.searchParams.get("from") !== null && url.searchParams.get("to") !== null);
  const { from, to } = Object.fromEntries(new URL(page.url()).searchParams);
  const hours = (Date.parse(to) - Date.parse(from)) / 3600e3;
  assert.ok(hours > 7 && hours < 13, `${from} to ${to}`);
  await done("20 rows");
});

test("CSV has no formulas, a command is one of the shell, a rule says what it leaves out", async () => {
  await page.goto(ask("fields '=1+1' as bad, eventName | filter eventName = \"StopLogging\" and strlen(eventName) > 3 | limit 2", { from: "2020-01-01T00:00:00Z", to: "2040-01-01T00:00:00Z" }));
  await done(/^\d rows?$/);
  const menu = async (name) => {
    await page.getByRole("button", { name: "Actions" }).click();
    await page.getByRole("menuitem", { name }).click();
  };
  const [file] = await Promise.all([page.waitForEvent("download"), menu("Download CSV")]);
  const csv = await readFile(await file.path(), "utf8");
  assert.match(csv, /^bad,eventName\r\n'=1\+1,StopLogging\r\n/);
  await menu("As CLI command");
  const dialog = page.getByRole("dialog");
  await dialog.getByText(`skywarden query 'fields '\\''=1+1'\\''`).waitFor();
  await dialog.getByText("aws logs start-query").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await menu("Make a rule of this");
  await dialog.getByText("`strlen(eventName) > 3`: a rule has no test of this form").waitFor();
  await shot(page, "query-rule");
  assert.deepEqual(await barriers(page), []);
  await dialog.getByRole("button", { name: "Test it, and save it" }).click();
  await page.getByRole("heading", { name: "New rule", level: 1 }).waitFor();
  await page.getByRole("textbox", { name: "Text of the draft" }).getByText('"StopLogging"').waitFor();
  assert.deepEqual(await mistakes(page), []);
});

test("what stands in logs is text: in rows, fields, pictures, and the panel", async () => {
  const bad = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  await page.goto(ask(`fields "${bad}" as bad, eventName | limit 2`));
  await done("2 rows");
  await grid().getByText(bad).first().click();
  await page.getByRole("region", { name: "Event" }).getByText(bad).first().waitFor();
  await page.getByRole("region", { name: "Fields" }).locator("summary", { hasText: "bad" }).click();
  await page.getByRole("region", { name: "Fields" }).getByText("onerror").first().waitFor();
  await page.goto(ask(`stats count(*) as n by concat("${bad}", "") as bad`, { view: "chart" }));
  const picture = page.getByRole("img", { name: /^n by bad/ });
  await picture.locator("svg text", { hasText: "<img" }).first().waitFor({ state: "attached" });
  await picture.hover();
  assert.equal(await page.locator("img[src=x]").count(), 0);
  assert.deepEqual(await mistakes(page), []);
});

test("a query is saved, renamed, opened and deleted, where the server keeps queries", async () => {
  const { paths } = await server.call("/api/v1/openapi.json");
  await page.goto(ask("fields @timestamp | limit 4", { from: "2020-01-01T00:00:00Z" }));
  await done("4 rows");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Four events");
  await dialog.getByRole("button", { name: "Save" }).click();
  if (!("/api/v1/saved-queries" in paths)) {
    await dialog.getByText("This server cannot keep queries yet").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    return;
  }
  await page.getByText("Saved as “Four events”.").waitFor();
  await page.goto(`${server.base}/query`);
  await page.getByRole("button", { name: "Saved and history" }).click();
  await dialog.getByRole("button", { name: "Rename Four events" }).click();
  await dialog.getByLabel("New name").fill("Four of them");
  await dialog.getByRole("button", { name: "Keep the name" }).click();
  await dialog.getByRole("link", { name: "Four of them" }).click();
  await done("4 rows");
  assert.equal(new URL(page.url()).searchParams.get("from"), "2020-01-01T00:00:00Z");
  await page.getByRole("button", { name: "Saved and history" }).click();
  await dialog.getByRole("button", { name: "Delete Four of them" }).click();
  await dialog.getByRole("button", { name: "Really delete Four of them" }).click();
  await dialog.getByText("No query is saved").waitFor();
  await dialog.getByRole("tab", { name: "History" }).click();
  await dialog.getByRole("link", { name: "fields @timestamp | limit 4" }).waitFor();
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);
});

test("a query that runs long is stopped here and on the server", async () => {
  // The rows are held back, so that it runs until it is stopped.
  await page.route("**/api/v1/queries/*/rows", () => undefined);
  await page.goto(ask("fields @timestamp, @message | limit 9"));
  const dropped = page.waitForRequest((request) => request.method() === "DELETE" && request.url().includes("/api/v1/queries/"));
  await page.getByRole("button", { name: "Cancel" }).click();
  await dropped;
  await page.getByText(/Cancelled: these 0 rows are not all/).waitFor();
  await page.unroute("**/api/v1/queries/*/rows");
});

test("all rows of the lake stand in the grid and are scrolled through with few elements", async () => {
  await page.goto(ask("fields @timestamp, @message | limit 100000"));
  await done(/^\d\d,\d\d\d rows$/);
  const rows = Number(await grid().getAttribute("aria-rowcount"));
  assert.ok(rows > 50_000, `${rows} rows`);
  const spent = await grid().evaluate(async (box) => {
    const frames = [];
    let last = performance.now();
    for (let n = 0; n < 40; n += 1) {
      box.scrollTop += box.scrollHeight / 41;
      await new Promise((next) => requestAnimationFrame(next));
      frames.push(performance.now() - last);
      last = performance.now();
    }
    return { worst: Math.max(...frames), cells: box.querySelectorAll("[role=gridcell]").length };
  });
  assert.ok(spent.cells < 400, `${spent.cells} cells`);
  assert.ok(spent.worst < 400, `${spent.worst} ms for a frame`);
});

for (const look of [{ mode: "dark" }, { mode: "light", density: "compact" }, { mode: "light", width: 420 }]) {
  test(`looks right: ${JSON.stringify(look)}`, async () => {
    const { mode, density = "comfortable", width = 1440 } = look;
    await page.addInitScript((kept) => localStorage.setItem("skywarden-look", kept), JSON.stringify({ mode, density }));
    await page.setViewportSize({ width, height: 1100 });
    await page.goto(ask('filter eventSource = "iam.amazonaws.com" | stats count(*) as n by eventName | sort n desc'));
    await grid().waitFor();
    await page.getByRole("img", { name: /^Events over time/ }).waitFor();
    await shot(page, `query-${mode}-${density}-${width}`);
    // What the frame shows on narrow screens is looked at in its own test.
    assert.deepEqual(await barriers(page), []);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} pixels stand out`);
    assert.deepEqual(await mistakes(page), []);
  });
}
