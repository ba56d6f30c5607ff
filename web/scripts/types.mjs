// Writes src/api/types.ts from the description of the API that is checked in.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const from = new URL("../../docs/openapi.json", import.meta.url);
const to = new URL("../src/api/types.ts", import.meta.url);
const text = astToString(await openapiTS(JSON.parse(await readFile(from, "utf8"))));
await writeFile(to, `// Written by scripts/types.mjs from docs/openapi.json.\n${text}`);
