// The licences of what the console is made of: told for every package, and a build with one that may not be shipped fails.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "vite";
import { faults, folderOf, isAllowed, licences } from "../scripts/licences.mjs";

test("expressions are read as SPDX means them", () => {
  const may = ["MIT", "(MIT OR GPL-3.0-only)", "Apache-2.0 AND MIT", "(MIT AND (ISC OR AGPL-3.0-only))", "OFL-1.1", "(MIT OR GPL-2.0) AND (ISC OR LGPL-3.0)"];
  const not = ["GPL-3.0-only", "AGPL-3.0-or-later", "MIT AND GPL-3.0-only", "LGPL-2.1", "SSPL-1.0", "SEE LICENSE IN LICENSE", "UNLICENSED", "", null, undefined, "mit", "(MIT"];
  assert.deepEqual(may.filter((one) => !isAllowed(one)), []);
  assert.deepEqual(not.filter((one) => isAllowed(one)), []);
});

test("a module is told from its package, also of a package within another", () => {
  assert.equal(folderOf("/a/node_modules/react/index.js?x"), "/a/node_modules/react");
  assert.equal(folderOf("/a/node_modules/@s/one/b.css"), "/a/node_modules/@s/one");
  assert.equal(folderOf("/a/node_modules/x/node_modules/y/z.js"), "/a/node_modules/x/node_modules/y");
  assert.equal(folderOf("/a/src/main.tsx"), null);
});

test("a licence that is not known, or without its text, is a fault", () => {
  const one = (license, texts) => faults([{ name: "x", version: "1.0.0", license, texts }]);
  assert.deepEqual(one("MIT", ["text"]), []);
  assert.match(one("AGPL-3.0-only", ["text"])[0], /x 1\.0\.0: the licence AGPL-3\.0-only/);
  assert.match(one(null, ["text"])[0], /none said/);
  assert.match(one("MIT", [])[0], /no text/);
  assert.deepEqual(one("Unlicense", []), []);
});

test("a build that takes in a package under the GPL fails, and names it", async () => {
  const root = await mkdtemp(join(tmpdir(), "skywarden-licences-"));
  try {
    await mkdir(join(root, "node_modules/copyleft"), { recursive: true });
    await writeFile(join(root, "node_modules/copyleft/package.json"), JSON.stringify({ name: "copyleft", version: "2.0.0", license: "GPL-3.0-only", main: "index.js" }));
    await writeFile(join(root, "node_modules/copyleft/LICENSE"), "text");
    await writeFile(join(root, "node_modules/copyleft/index.js"), "export const x = 1;");
    await writeFile(join(root, "main.js"), 'import { x } from "copyleft"; console.log(x);');
    const made = build({ root, configFile: false, logLevel: "silent", plugins: [licences()], build: { rollupOptions: { input: join(root, "main.js") } } });
    await assert.rejects(made, /copyleft 2\.0\.0: the licence GPL-3\.0-only/);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("what was built tells of every package that a page imports, with the texts", async () => {
  const text = await readFile(new URL("../dist/licenses.txt", import.meta.url), "utf8");
  const { dependencies } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  const src = new URL("../src/", import.meta.url);
  const files = (await readdir(src, { recursive: true })).filter((file) => /\.tsx?$/.test(file) && !/\.test\./.test(file));
  const sources = await Promise.all(files.map((file) => readFile(new URL(file, src), "utf8")));
  const used = Object.keys(dependencies).filter((name) => sources.some((source) => new RegExp(`(from|import\\(?) ?"${name}[/"]`).test(source)));
  assert.ok(used.length > 10, used.join(", "));
  assert.deepEqual(used.filter((name) => !text.includes(`\n${name} ${dependencies[name]}, `)), []);
  for (const words of ["SIL OPEN FONT LICENSE", "Permission is hereby granted, free of charge", "Apache License", "Apache ECharts"]) assert.ok(text.includes(words), words);
});
