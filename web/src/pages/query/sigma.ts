// A rule's draft out of a query's filters. What has no counterpart is told and left out, never guessed.
import { commands, skipped, withoutComments } from "./text";

export interface Draft {
  yaml: string;
  /** What of the query is not in the rule, and why. */
  left: string[];
}

interface Test {
  field: string;
  modifier: string;
  values: (string | number)[];
  isNot: boolean;
}

const FLOW_FIELDS = /^(srcaddr|dstaddr|srcport|dstport|action|protocol|bytes|packets|interface_?id|log_?status|flow-?direction)$/i;
const COMPARE: Record<string, string> = { ">": "gt", ">=": "gte", "<": "lt", "<=": "lte" };

export function draftOf(text: string, id: string, today: string): Draft {
  const left: string[] = [];
  const tests: Test[] = [];
  for (const command of commands(text)) {
    const said = withoutComments(command.text).trim();
    if (/^(filter|where|filterindex)$/.test(command.name)) {
      const body = said.replace(/^\w+\s+/, "");
      for (const part of conjuncts(body)) {
        const test = read(part);
        if (test) tests.push(test);
        else left.push(`\`${part}\`: a rule has no test of this form`);
      }
    } else if (command.name === "stats" || command.name === "pattern") {
      left.push(`\`${said}\`: a rule looks at one event at a time; nothing is counted`);
      break;
    } else if (!["fields", "display", "sort", "limit", ""].includes(command.name)) {
      left.push(`\`${said}\`: a rule has no such step`);
    }
  }
  const isFlow = tests.some((test) => FLOW_FIELDS.test(test.field)) && !tests.some((test) => /^(event|userIdentity)/.test(test.field));
  return { yaml: write(tests, isFlow, id, today), left: tests.length === 0 ? [...left, "The query has no filter that could become a test"] : left };
}

/** What `and` joins outside brackets and strings; one part if `or` stands there. */
function conjuncts(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const past = skipped(text, at, text[at] === "/" && /(like|=~)\s*$/i.test(text.slice(start, at)));
    if (past > at) {
      at = past;
      continue;
    }
    const sign = text[at] as string;
    if ("([".includes(sign)) depth += 1;
    if (")]".includes(sign)) depth -= 1;
    const word = depth === 0 && (at === 0 || /\s/.test(text[at - 1] as string)) ? /^(and|or)\s/i.exec(text.slice(at))?.[1]?.toLowerCase() : undefined;
    if (word === "or") return [text.trim()];
    if (word === "and") {
      parts.push(text.slice(start, at).trim());
      start = at + 3;
      at = start;
    } else at += 1;
  }
  return [...parts, text.slice(start).trim()].map(unwrapped).filter((part) => part !== "");
}

function unwrapped(text: string): string {
  return /^\([^()]*\)$/.test(text) ? text.slice(1, -1).trim() : text;
}

function read(text: string): Test | null {
  const present = /^(not\s+|!\s*)?ispresent\(\s*([\w@.`-]+)\s*\)$/i.exec(text);
  if (present) return { field: bare(present[2] as string), modifier: "|exists", values: [present[1] ? "false" : "true"], isNot: false };
  const subnet = /^(not\s+|!\s*)?isIp(?:v4|v6)?InSubnet\(\s*([\w@.`-]+)\s*,\s*("[^"]*"|'[^']*')\s*\)$/i.exec(text);
  if (subnet) return { field: bare(subnet[2] as string), modifier: "|cidr", values: [literal(subnet[3] as string) as string], isNot: Boolean(subnet[1]) };
  const plain = /^(`[^`]+`|[A-Za-z_@][\w@.]*)\s*(=~|!=|>=|<=|=|>|<|not\s+like\b|like\b|not\s+in\b|in\b)\s*([\s\S]+)$/i.exec(text);
  if (!plain) return null;
  const field = bare(plain[1] as string);
  if (field.startsWith("@")) return null;
  const sign = (plain[2] as string).toLowerCase().replace(/\s+/g, " ");
  const isNot = sign.startsWith("not") || sign === "!=";
  const right = (plain[3] as string).trim();
  if (sign.endsWith("in")) {
    const items = list(right);
    return items === null ? null : { field, modifier: items.every((item) => typeof item === "string") ? "|cased" : "", values: items, isNot };
  }
  if (sign.endsWith("like") || sign === "=~") {
    if (/^\/[\s\S]*\/$/.test(right)) return { field, modifier: "|re", values: [right.slice(1, -1).replaceAll("\\/", "/")], isNot };
    const value = literal(right);
    return typeof value !== "string" ? null : { field, modifier: "|contains|cased", values: [value], isNot };
  }
  const value = literal(right);
  if (value === null) return null;
  const compare = COMPARE[sign];
  if (compare) return typeof value === "number" ? { field, modifier: `|${compare}`, values: [value], isNot: false } : null;
  return { field, modifier: typeof value === "string" ? "|cased" : "", values: [value], isNot };
}

function bare(field: string): string {
  return field.replace(/^`([^`]*)`$/, "$1");
}

function literal(text: string): string | number | null {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  const sign = text[0];
  if ((sign !== '"' && sign !== "'") || skipped(text, 0, false) !== text.length || text.length < 2 || text.at(-1) !== sign) return null;
  return text.slice(1, -1).replace(/\\(["'\\])/g, "$1");
}

function list(text: string): (string | number)[] | null {
  if (!/^\[[\s\S]*\]$/.test(text)) return null;
  const items: (string | number)[] = [];
  const inner = text.slice(1, -1);
  for (let at = 0; at < inner.length; ) {
    if (/[\s,]/.test(inner[at] as string)) {
      at += 1;
      continue;
    }
    const past = skipped(inner, at, false);
    const end = past > at ? past : at + (/^[^,\s]+/.exec(inner.slice(at))?.[0].length ?? 1);
    const value = literal(inner.slice(at, end));
    if (value === null) return null;
    items.push(value);
    at = end;
  }
  return items.length === 0 ? null : items;
}

/** Sigma takes `*` and `?` in text for any characters; what a log holds is itself. */
function scalar(value: string | number, modifier: string): string {
  if (typeof value === "number") return String(value);
  if (modifier === "|exists") return value;
  const meant = modifier === "|re" || modifier === "|cidr" ? value : value.replace(/[*?\\]/g, "\\$&");
  return JSON.stringify(meant);
}

function write(tests: Test[], isFlow: boolean, id: string, today: string): string {
  const groups: { name: string; tests: Test[] }[] = [];
  const wanted: { name: string; tests: Test[] } = { name: "selection", tests: [] };
  const more: typeof groups = [];
  for (const test of tests.filter((one) => !one.isNot)) {
    // One key stands once in a map.
    if (wanted.tests.some((one) => one.field + one.modifier === test.field + test.modifier)) more.push({ name: `selection_${more.length + 2}`, tests: [test] });
    else wanted.tests.push(test);
  }
  if (wanted.tests.length > 0) groups.push(wanted, ...more);
  const not = tests.filter((one) => one.isNot).map((test, at) => ({ name: `exclusion_${at + 1}`, tests: [test] }));
  // In the query a test of a missing field is never true, also one with `not`.
  const exists = not.filter((group) => !wanted.tests.some((test) => test.field === group.tests[0]?.field));
  const there = exists.map((group, at) => ({ name: `present_${at + 1}`, tests: [{ field: group.tests[0]?.field ?? "", modifier: "|exists", values: ["true"], isNot: false }] }));
  const all = [...groups, ...there, ...not];
  const body = all.flatMap((group) => [
    `  ${group.name}:`,
    ...group.tests.flatMap((test) => {
      const key = `    ${/^[A-Za-z_][\w.]*$/.test(test.field) ? test.field : JSON.stringify(test.field)}${test.modifier}`;
      const key2 = /^[A-Za-z_][\w.]*$/.test(test.field) ? key : `    ${JSON.stringify(test.field + test.modifier)}`;
      const [first] = test.values;
      if (test.values.length === 1 && first !== undefined) return [`${key2}: ${scalar(first, test.modifier)}`];
      return [`${key2}:`, ...test.values.map((value) => `      - ${scalar(value, test.modifier)}`)];
    }),
  ]);
  const condition = [...groups, ...there].map((group) => group.name).concat(not.map((group) => `not ${group.name}`)).join(" and ");
  return [
    "title: Say in a few words what this finds",
    `id: ${id}`,
    "status: experimental",
    "description: >-",
    "  Say why this matters, and when it is harmless.",
    "references: []",
    `author: Say who you are`,
    `date: ${today}`,
    "tags: []",
    "logsource:",
    "  product: aws",
    `  service: ${isFlow ? "vpcflow" : "cloudtrail"}`,
    "detection:",
    ...(all.length === 0 ? ["  selection:", "    eventName: Say which"] : body),
    `  condition: ${condition === "" ? "selection" : condition}`,
    "falsepositives:",
    "  - Not known yet",
    "level: medium",
    "",
  ].join("\n");
}
