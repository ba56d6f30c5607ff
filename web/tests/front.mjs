// Serves web/dist as the binary does, with its headers, in front of a server that runs elsewhere: for working on pages without building Rust.
// node tests/front.mjs PORT http://127.0.0.1:8787
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { extname, join, normalize } from "node:path";

const dist = new URL("../dist/", import.meta.url).pathname;
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".html": "text/html", ".json": "application/json", ".txt": "text/plain; charset=utf-8" };

export function policy(nonce) {
  return [
    "default-src 'none'", "script-src 'self'", `style-src 'self' 'nonce-${nonce}'`, "img-src 'self' data:", "font-src 'self'",
    "connect-src 'self'", "worker-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    "require-trusted-types-for 'script'", "trusted-types default",
  ].join("; ");
}

export function front(port, target) {
  const to = new URL(target);
  const server = http.createServer(async (request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    if (/^\/(api|metrics|healthz|services)\b/.test(path)) {
      const headers = { ...request.headers, host: to.host };
      if (headers.origin) headers.origin = to.origin;
      const on = http.request({ host: to.hostname, port: to.port, path: request.url, method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
      });
      on.on("error", () => response.writeHead(502).end());
      response.on("close", () => on.destroy());
      request.pipe(on);
      return;
    }
    const name = normalize(path).replace(/^\/+/, "");
    const bytes = name === "" ? null : await readFile(join(dist, name)).catch(() => null);
    if (bytes) {
      response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "cache-control": "no-store" }).end(bytes);
      return;
    }
    const nonce = randomBytes(16).toString("base64");
    const html = (await readFile(join(dist, "index.html"), "utf8")).replaceAll("__CSP_NONCE__", nonce);
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy(nonce), "cache-control": "no-store" }).end(html);
  });
  return new Promise((ready) => server.listen(port, "127.0.0.1", () => ready(server)));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [, , port = "8300", target = "http://127.0.0.1:8787"] = process.argv;
  await front(Number(port), target);
  console.log(`http://127.0.0.1:${port}/ in front of ${target}`);
}
