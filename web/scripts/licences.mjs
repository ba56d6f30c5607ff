// Writes licenses.txt beside the pages: of every package that the build took in, its licence and its text. A licence that we may not ship ends the build.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What may be shipped within a program under Apache-2.0. */
const ALLOWED = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "ISC", "MIT", "OFL-1.1", "Unlicense", "Zlib"]);
/** Given to all, so that no text has to go with it. */
const NO_TEXT = new Set(["0BSD", "CC0-1.0", "Unlicense"]);
const TEXT = /^(licen[cs]e|copying|notice)([-.].*)?$/i;

/** Whether an SPDX expression allows it: of OR one part, of AND all. No expression allows nothing. */
export function isAllowed(expression) {
  const text = String(expression ?? "").trim();
  const bare = text.startsWith("(") && closes(text) === text.length - 1 ? text.slice(1, -1) : text;
  for (const [join, holds] of [[" OR ", "some"], [" AND ", "every"]]) {
    const parts = split(bare, join);
    if (parts.length > 1) return parts[holds](isAllowed);
  }
  return bare === text ? ALLOWED.has(text) : isAllowed(bare);
}

/** Where the bracket closes that the text begins with. */
function closes(text) {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")" && (depth -= 1) === 0) return at;
  }
  return -1;
}

function split(text, by) {
  const parts = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")") depth -= 1;
    else if (depth === 0 && text.startsWith(by, at)) {
      parts.push(text.slice(from, at));
      from = at + by.length;
      at = from - 1;
    }
  }
  return [...parts, text.slice(from)];
}

/** The folder of the package that a module is of; nothing for our own. */
export function folderOf(id) {
  const path = id.replace(/^\0/, "").split("?")[0];
  const at = path.lastIndexOf("/node_modules/");
  if (at < 0) return null;
  const [first, second] = path.slice(at + 14).split("/");
  return `${path.slice(0, at)}/node_modules/${first.startsWith("@") ? `${first}/${second}` : first}`;
}

/** A package as it tells of itself, with the texts that lie beside it. */
export function read(folder) {
  const { name, version, license, licenses } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const said = typeof license === "string" ? license : (license?.type ?? licenses?.map((one) => one.type).join(" OR "));
  const files = readdirSync(folder).filter((file) => TEXT.test(file)).sort();
  return { name, version, license: said ?? null, texts: files.map((file) => readFileSync(join(folder, file), "utf8").trim()) };
}

/** Why packages cannot be shipped, a line each. */
export function faults(packages) {
  return packages.flatMap(({ name, version, license, texts }) => [
    ...(isAllowed(license) ? [] : [`${name} ${version}: the licence ${license ?? "(none said)"} is not one that we ship`]),
    ...(texts.length > 0 || NO_TEXT.has(license) ? [] : [`${name} ${version}: no text of its licence lies beside it`]),
  ]);
}

export function written(packages) {
  const rule = "=".repeat(78);
  const head = "The console of Skywarden is under the Apache License 2.0. It contains the following software of others.\n";
  const list = packages.map(({ name, version, license }) => `${name} ${version}, ${license}`).join("\n");
  const texts = packages.map(({ name, version, license, texts: all }) => `${rule}\n${name} ${version}, ${license}\n${rule}\n\n${all.join("\n\n") || "It asks for no text to go with it."}\n`).join("\n");
  return `${head}\n${list}\n\n${texts}`;
}

/** For Vite. */
export function licences() {
  const folders = new Set();
  return {
    name: "licences",
    apply: "build",
    // Styles and fonts are in no chunk as modules, so all that is loaded counts.
    load(id) {
      const folder = folderOf(id);
      if (folder && existsSync(join(folder, "package.json"))) folders.add(folder);
      return null;
    },
    generateBundle() {
      // The same package may lie in several places.
      const packages = [...new Map([...folders].map(read).map((one) => [`${one.name} ${one.version}`, one])).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      const wrong = faults(packages);
      if (wrong.length > 0) this.error(`licences:\n${wrong.join("\n")}`);
      this.emitFile({ type: "asset", fileName: "licenses.txt", source: written(packages) });
    },
  };
}
