// A server of its own for each test file: the binary with made-up data, and its first admin.
// SKYWARDEN_BIN names the binary. With SKYWARDEN_FRONT=1 the pages come from web/dist, and only the API from the binary.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { front } from "./front.mjs";

export const NAME = "admin";
/** Rows of the made-up data. */
const DEMO_ROWS = 70_000;
export const PASSWORD = "correct horse battery 1";

const target = process.env.CARGO_TARGET_DIR ?? join(homedir(), ".cache/skywarden/target");
const binary = process.env.SKYWARDEN_BIN ?? join(target, "debug/skywarden");

function freePort() {
  return new Promise((ready) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => ready(port));
    });
  });
}

/** `demo` (with data) or `serve` (with none); `withAdmin: false` leaves the first-run link unused. */
export async function startServer({ command = "demo", withAdmin = true } = {}) {
  const data = await mkdtemp(join(tmpdir(), "skywarden-web-"));
  const port = await freePort();
  const begin = () => spawn(binary, [command, "--data", join(data, "data"), "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "pipe"] });
  let child = begin();
  let said = "";
  const link = await new Promise((ready, failed) => {
    const hear = (bytes) => {
      said += bytes;
      const found = said.match(/http:\S+\/setup#([0-9a-f]+)/);
      if (found) ready(found[1]);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", (code) => failed(new Error(`the server ended with ${code}:\n${said}`)));
    setTimeout(() => failed(new Error(`the server did not begin in a minute:\n${said}`)), 60_000).unref();
  });
  const api = `http://127.0.0.1:${port}`;
  if (withAdmin) {
    const made = await fetch(`${api}/api/v1/setup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ secret: link, name: NAME, password: PASSWORD }),
    });
    if (!made.ok) throw new Error(`no admin: ${made.status} ${await made.text()}`);
  }
  const before = process.env.SKYWARDEN_FRONT ? await front(await freePort(), api) : null;
  const base = before ? `http://127.0.0.1:${before.address().port}` : api;
  const server = {
    base,
    secret: link,
    /** Calls the API as the admin. */
    async call(path, { method = "GET", body } = {}) {
      server.session ??= await logIn(api);
      const response = await fetch(`${api}${path}`, {
        method,
        headers: { cookie: server.session.cookie, "x-skywarden-csrf": server.session.csrf, "content-type": "application/json" },
        body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    /** Waits until all made-up events are in and nothing is behind. */
    async settled() {
      for (;;) {
        const ledger = await server.call("/api/v1/ledger");
        if (ledger.reduce((sum, entry) => sum + entry.lake, 0) >= DEMO_ROWS) return;
        await new Promise((later) => setTimeout(later, 200));
      }
    },
    /** The process ends, and what was kept stays. */
    async away() {
      child.removeAllListeners("exit");
      const gone = new Promise((done) => child.once("close", done));
      child.kill("SIGTERM");
      await gone;
    },
    /** It is there again at the same place, and knows no session. */
    async back() {
      server.session = undefined;
      child = begin();
      child.stdout.resume();
      child.stderr.resume();
      for (let tries = 0; ; tries += 1) {
        if (await fetch(`${api}/healthz`).then(({ ok }) => ok, () => false)) return;
        if (tries > 600) throw new Error("the server did not come back in a minute");
        await new Promise((later) => setTimeout(later, 100));
      }
    },
    async stop() {
      before?.close();
      before?.closeAllConnections();
      await server.away();
      await rm(data, { recursive: true, force: true });
    },
  };
  return server;
}

async function logIn(api) {
  const response = await fetch(`${api}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: NAME, password: PASSWORD }),
  });
  if (!response.ok) throw new Error(`cannot log in: ${response.status} ${await response.text()}`);
  return { cookie: response.headers.getSetCookie()[0].split(";")[0], csrf: (await response.json()).csrf };
}
