// Lays a .br and a .gz beside each text file of the build, and tells what a first load weighs.
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url).pathname;
const FIRST_BYTES_MAX = 0.75e6;
const ALL_BYTES_MAX = 1.5e6;

async function walk(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const deeper = entries.map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
  return (await Promise.all(deeper)).flat();
}

const sizes = new Map();
for (const path of await walk(dist)) {
  if (/\.(br|gz)$/.test(path)) continue;
  const name = path.slice(dist.length);
  if (!/\.(js|css|svg|json|html|txt)$/.test(path)) {
    sizes.set(name, (await stat(path)).size);
    continue;
  }
  const bytes = await readFile(path);
  const br = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  await writeFile(`${path}.br`, br);
  await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  sizes.set(name, br.length);
}

// What index.html names, and the fonts that its styles name for Latin text.
const html = await readFile(join(dist, "index.html"), "utf8");
const first = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((found) => found[1]);
const fonts = [...sizes.keys()].filter((name) => /latin-wght-normal.*woff2$/.test(name));
const total = (names) => [...new Set(names)].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
const firstBytes = total(["index.html", ...first, ...fonts]);
const allBytes = total([...sizes.keys()]);
console.log(`first load ${(firstBytes / 1e3).toFixed(0)} kB, all ${(allBytes / 1e3).toFixed(0)} kB (brotli)`);
if (firstBytes > FIRST_BYTES_MAX || allBytes > ALL_BYTES_MAX) {
  console.error(`more than ${FIRST_BYTES_MAX / 1e3} kB at first or ${ALL_BYTES_MAX / 1e3} kB in all`);
  process.exit(1);
}
