// Investigate: from a suspect to the human behind it, what it did, and the events themselves.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

const ROLE = "role/OrganizationAccountAccessRole (session deploy)";
const ARN = "arn:aws:sts::111122223333:assumed-role/OrganizationAccountAccessRole/deploy";
const ADDRESS = "198.51.100.77";
let server;
let browser;
/** The day of the attack: the made-up logs end when they are made, so it is another one every day. */
let day;
before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  await server.settled();
  for (let tries = 0; !day; tries += 1) {
    const { findings } = await server.call("/api/v1/findings?severity_min=5&limit=1");
    day = findings[0]?.first_seen.slice(0, 10);
    assert.ok(tries < 200, "the made-up attack never came in");
    await new Promise((later) => setTimeout(later, 200));
  }
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const at = (kind, value, more = "") => `${server.base}/investigate?kind=${kind}&value=${encodeURIComponent(value)}${more}`;

async function open(url, look) {
  const page = await openAsAdmin(browser, server, look);
  await page.goto(url);
  await page.locator("#timeline [role=grid], #begin, #principals").first().waitFor();
  await settled(page);
  return page;
}

const fact = (page, name) => page.locator(".facts div", { has: page.locator("dt", { hasText: name }) }).locator("dd").innerText();

test("who matters most is where to begin, and a click shows it", async () => {
  const page = await open(`${server.base}/investigate`);
  const worst = page.locator("#principals tbody tr").first();
  assert.match(await worst.innerText(), /Critical/);
  await page.locator("#addresses").getByRole("link", { name: ADDRESS }).waitFor();
  await page.locator("#keys").getByRole("link", { name: /^A(K|S)IA/ }).first().waitFor();
  await shot(page, "investigate-begin");
  assert.deepEqual(await barriers(page), []);
  await worst.getByRole("link").first().click();
  await page.waitForURL(/kind=principal/);
  await page.getByRole("heading", { level: 1, name: /OrganizationAccountAccessRole/ }).waitFor();
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("the words of findings and the ARN show the same, and the path leads to the human", async () => {
  const page = await open(at("principal", ROLE));
  const said = await fact(page, "Events in this time");
  const path = page.locator("#path");
  await path.getByText("First credential:").waitFor();
  assert.match(await path.innerText(), /First credential: user\/mara\.lindqvist, IAM user of 444455556666/);
  assert.deepEqual(await path.locator("svg .label").allTextContents(), ["mara.lindqvist", "dev-deployer", "OrganizationAc…AccessRole"]);
  await path.getByRole("button", { name: "Show as list" }).click();
  assert.equal(await path.locator("ol > li").count(), 2);
  assert.match(await page.locator("#news").innerText(), /eu-south-1[\s\S]*nobody else/);
  assert.match(await page.locator("#resources").innerText(), /PutBucketPolicy/);
  await shot(page, "investigate-session", { full: true });
  assert.deepEqual(await mistakes(page), []);

  await page.goto(at("session", ARN));
  await page.locator("#timeline [role=grid]").waitFor();
  assert.equal(await fact(page, "Events in this time"), said);
  await page.context().close();
});

test("one click answers a question, here and in Query", async () => {
  const page = await open(at("principal", ROLE));
  await page.getByRole("button", { name: "Was logging touched?" }).click();
  const answer = page.getByRole("grid", { name: "Was logging touched?" });
  await answer.waitFor();
  const text = await answer.innerText();
  for (const call of ["StopLogging", "PutEventSelectors", "DeleteFlowLogs"]) assert.ok(text.includes(call), call);
  assert.match(page.url(), /ask=logging/);
  const door = new URL(await page.getByRole("link", { name: "Ask: open in Query" }).getAttribute("href"), server.base);
  const job = await server.call("/api/v1/queries?wait_s=20", { method: "POST", body: { text: door.searchParams.get("q"), lang: "ql", from: door.searchParams.get("from"), to: door.searchParams.get("to") } });
  assert.equal(job.error ?? null, null);
  assert.equal(job.rows, 3);
  await page.context().close();
});

test("every door into Query opens a question that runs", async () => {
  const page = await open(at("ip", ADDRESS));
  await page.locator("#flows .hint").waitFor();
  const hrefs = await page.locator("main a[href^='/query?']").evaluateAll((all) => [...new Set(all.map((one) => one.getAttribute("href")))]);
  assert.ok(hrefs.length > 10);
  const panels = await page.locator(".panel > header a.door[href^='/query?']").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  const asked = new Set([...panels, ...hrefs.slice(0, 4)]);
  for (const href of asked) {
    const { searchParams } = new URL(href, server.base);
    const body = { text: searchParams.get("q"), lang: searchParams.get("lang") ?? "ql", from: searchParams.get("from"), to: searchParams.get("to") };
    const job = await server.call("/api/v1/queries?wait_s=20", { method: "POST", body });
    assert.equal(job.error ?? null, null, body.text);
    assert.ok(job.rows > 0, body.text);
  }
  assert.match(await page.locator("#flows").innerText(), /1[0-9]\.\d GB in 196 records/);
  assert.match(await page.locator("#whom").innerText(), /mara\.lindqvist/);
  assert.match(await fact(page, "Last seen"), new RegExp(`^${day} 04:\\d\\d:\\d\\d flow log$`));
  assert.equal(await fact(page, "Flow records"), "196 of 196");
  await page.locator("#flows").getByRole("button", { name: /show as table/ }).click();
  await page.locator("#flows").getByRole("cell", { name: "10.0.1.20" }).first().waitFor();
  await shot(page, "investigate-address", { full: true });
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("an event of the timeline opens beside it, and its address shows it again", async () => {
  const page = await open(at("principal", ROLE));
  await page.getByRole("button", { name: "Errors", exact: true }).click();
  const row = page.locator("#timeline [role=grid] [role=row]").nth(1);
  assert.match(await row.innerText(), /RunInstances/);
  await row.locator("[role=gridcell]").first().click();
  await page.locator("pre.json", { hasText: "VcpuLimitExceeded" }).waitFor();
  await shot(page, "investigate-event");
  const url = page.url();
  assert.match(url, /event=[0-9a-f]{32}/);
  await page.goto(url);
  await page.locator("pre.json", { hasText: "VcpuLimitExceeded" }).waitFor();
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("a time is chosen with the keys and with the mouse", async () => {
  const page = await open(at("principal", "user/mara.lindqvist", `&from=${day}T00:00:00Z&to=${day}T06:00:00Z`));
  await page.keyboard.press("[");
  await page.waitForURL(new RegExp(`from=${new Date(Date.parse(day) - 6 * 3_600_000).toISOString().slice(0, 13)}`));
  await page.keyboard.press("]");
  await page.waitForURL(new RegExp(`from=${day}T00`));
  await page.locator("#timeline [role=grid]").waitFor();
  const box = await page.locator("#hours .chart").boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 70);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 75, { steps: 4 });
  await page.mouse.move(box.x + box.width * 0.5, box.y + 75, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL((url) => !url.href.includes(`from=${day}T00`) && url.searchParams.has("to"));
  await page.getByRole("button", { name: "Back to its last active day" }).click();
  await page.waitForURL((url) => !url.searchParams.has("from"));
  await page.context().close();
});

/** Answers for places, as a server with a database gives them. */
const PLACES = {
  "203.0.113.10": { country: "SE", country_name: "Sweden", city: "Stockholm", latitude: 59.33, longitude: 18.07, is_approximate: false, asn: 64500, organisation: "Example Office AB" },
  "203.0.113.187": { country: "SE", country_name: "Sweden", city: null, latitude: 62, longitude: 15, is_approximate: true, asn: 64501, organisation: "Example Home AB" },
  [ADDRESS]: { country: "BR", country_name: "Brazil", city: "<img src=x onerror=alert(1)>\u202eSão Paulo", latitude: -23.55, longitude: -46.63, is_approximate: false, asn: 64502, organisation: "<script>alert(2)</script>" },
};
async function withPlaces(page) {
  await page.route("**/api/v1/places?*", (route) => {
    const addresses = new URL(route.request().url()).searchParams.get("addresses").split(",");
    const nothing = { country: null, country_name: null, city: null, latitude: null, longitude: null, is_approximate: null, asn: null, organisation: null };
    const database = { name: "made up", date: "2026-06-17", attribution: "Places by <b>Example</b>, CC BY 4.0", is_made_up: true };
    return route.fulfill({ json: { database, places: addresses.map((address) => ({ address, ...nothing, ...PLACES[address] })) } });
  });
}

/** From how many of these places the intruder's way in was used that day: home is not used on each. */
async function placesUsed() {
  let n = 0;
  for (const address of Object.keys(PLACES)) {
    const text = `SOURCE 'cloudtrail' | filter sourceIPAddress = '${address}' and userIdentity.arn like 'user/mara.lindqvist' | limit 1`;
    const job = await server.call("/api/v1/queries?wait_s=20", { method: "POST", body: { text, lang: "ql", from: `${day}T00:00:00Z`, to: `${day}T17:00:00Z` } });
    assert.equal(job.error ?? null, null);
    n += job.rows;
  }
  assert.ok(n >= 2, "there is a way to travel");
  return n;
}

for (const look of [{ width: 1440 }, { width: 1280, mode: "dark" }, { width: 420 }, { width: 420, mode: "dark" }]) {
  test(`places are on a map and in its table, whatever they are called: ${look.width} ${look.mode ?? "light"}`, async () => {
    const page = await openAsAdmin(browser, server, look);
    await withPlaces(page);
    await page.goto(at("principal", "user/mara.lindqvist", `&from=${day}T00:00:00Z&to=${day}T17:00:00Z`));
    const whence = page.locator("#whence");
    await whence.locator(".world .mark").first().waitFor();
    assert.equal(await whence.locator(".world .mark").count(), await placesUsed());
    assert.equal(await whence.locator(".world .mark.new").count(), 1);
    assert.equal(await whence.locator(".world .way").count(), 1);
    assert.match(await whence.locator(".travel").innerText(), /Impossible travel:.*km in/);
    assert.match(await whence.innerText(), /made up for the demo[\s\S]*Places by <b>Example<\/b>, CC BY 4\.0/);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= look.width);
    await whence.scrollIntoViewIfNeeded();
    await shot(page, `investigate-map-${look.width}-${look.mode ?? "light"}`);
    assert.deepEqual(await barriers(page), []);
    await whence.getByRole("button", { name: /show as table/ }).click();
    const row = whence.getByRole("region", { name: "Map of where it came from" }).locator("tbody tr", { hasText: "Brazil" });
    assert.match(await row.innerText(), /<img src=x onerror=alert\(1\)>\\u202eSão Paulo, Brazil[\s\S]*198\.51\.100\.77/);
    assert.deepEqual(await mistakes(page), []);
    await page.context().close();
  });
}

test("an address says where it is, and a server without places how to have them", async () => {
  const page = await openAsAdmin(browser, server);
  await page.route("**/api/v1/places?*", (route) => route.fulfill({ json: { database: null, places: [] } }));
  await page.goto(at("ip", ADDRESS));
  await page.locator("#whom").getByText("make geoip").waitFor();
  await page.goto(`${server.base}/investigate`);
  await page.locator("#logins").getByText("make geoip").waitFor();
  assert.match(await page.locator("#logins .note").innerText(), /^\d+ logins from 8 addresses/);
  await page.unroute("**/api/v1/places?*");
  await withPlaces(page);
  await page.goto(at("ip", ADDRESS));
  assert.match(await page.locator(".whereabouts").innerText(), /São Paulo, Brazil, <script>alert\(2\)<\/script> \(AS64502\)/);
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("the demo's places are on the map of logins, and said to be made up", async () => {
  const page = await openAsAdmin(browser, server);
  await page.goto(`${server.base}/investigate`);
  const logins = page.locator("#logins");
  const answer = await page.context().request.get(`${server.base}/api/v1/places?addresses=${ADDRESS}`);
  // A binary that is older than places says the same as one without a database.
  if (answer.status() === 404) await logins.getByText("make geoip").waitFor();
  else {
    await logins.locator(".world .mark").first().waitFor();
    assert.match(await logins.locator(".credit").innerText(), /made up for the demo/);
    assert.match(await logins.innerText(), /Reykjavik, Iceland/);
    assert.deepEqual(await barriers(page), []);
  }
  await shot(page, "investigate-logins", { full: true });
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("what no rule found is told apart", async () => {
  const page = await open(at("ip", ADDRESS));
  const rows = () => page.locator("#timeline [role=grid]").getAttribute("aria-rowcount");
  const all = Number(await rows()) - 1;
  await page.getByRole("button", { name: "Found by no rule" }).click();
  const unfound = Number(await rows()) - 1;
  assert.match(await page.locator("#timeline [role=grid]").innerText(), /GetObject/);
  await page.getByRole("button", { name: "Found by a rule" }).click();
  assert.equal(unfound + Number(await rows()) - 1, all);
  assert.match(await page.locator("#timeline [role=grid]").innerText(), /StopLogging/);
  await page.context().close();
});

test("where nothing is known, another time and other kinds of that name are offered", async () => {
  const page = await openAsAdmin(browser, server);
  await page.goto(at("principal", ADDRESS));
  const unknown = page.locator("#unknown");
  await unknown.getByText("Address: 68 events").waitFor();
  await unknown.getByText("Account: none").waitFor();
  assert.deepEqual(await barriers(page), []);
  await shot(page, "investigate-unknown");
  await unknown.getByRole("button", { name: /Time that is looked at|Another time/ }).click();
  await page.keyboard.press("Escape");
  await unknown.getByRole("link", { name: "Address" }).click();
  await page.locator("#timeline [role=grid]").waitFor();
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

test("a name that nobody has, and one that is an attack, do nothing", async () => {
  const page = await openAsAdmin(browser, server);
  for (const kind of ["principal", "ip", "resource"]) {
    await page.goto(at(kind, `<img src=x onerror=alert(1)>' OR 1=1 --" | $\\ /`));
    await page.getByText("Nothing is known of it").waitFor();
  }
  assert.deepEqual(await mistakes(page), []);
  await page.context().close();
});

for (const [name, look] of [["dark", { mode: "dark" }], ["compact", { density: "compact" }], ["light", {}], ["1280-dark", { width: 1280, mode: "dark" }], ["420", { width: 420 }], ["420-dark", { width: 420, mode: "dark" }]]) {
  test(`a profile has no barriers: ${name}`, async () => {
    const page = await open(at("principal", "user/mara.lindqvist", "&ask=persistence"), look);
    await page.getByRole("grid", { name: "Was persistence made?" }).waitFor();
    await page.locator("#path svg, #path ol").first().waitFor();
    assert.deepEqual(await barriers(page), []);
    assert.deepEqual(await mistakes(page), []);
    await shot(page, `investigate-${name}`, { full: true });
    await page.context().close();
  });
}

test("on a narrow screen nothing sticks out", async () => {
  const page = await open(at("account", "111122223333"), { width: 420 });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 420);
  await shot(page, "investigate-narrow", { full: true });
  await page.context().close();
});
