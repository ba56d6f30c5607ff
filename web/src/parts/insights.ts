// Logs Insights QL for the editor: colours, and what can be typed next.
import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { StreamLanguage, type StringStream } from "@codemirror/language";

export interface Suggestion {
  name: string;
  detail?: string;
}

/** What each command does, in a line. */
export const COMMANDS: Record<string, string> = {
  fields: "Show fields, or values made of them",
  filter: "Keep events for which it is true",
  stats: "Count, sum and so on, by group",
  sort: "Order the rows: sort n desc",
  limit: "Show so many rows at most",
  parse: "Take fields out of a text",
  display: "Show only these columns",
  dedup: "Keep the first row of each value",
  pattern: "Group texts that are alike",
  diff: "Compare patterns with an earlier window",
  where: "Keep events for which it is true",
  filterIndex: "Keep events with this value",
  unnest: "A row for each element of a list",
  expand: "A row for each element of an array",
  join: "Rows of two logs, joined",
  lookup: "Columns of a table by a key",
  cidrlookup: "Columns of a table by a network",
  fillmissing: "Rows for empty bins",
  sessionize: "Number sessions by gaps of time",
  countFrequent: "The most frequent values",
  relevantfields: "Fields that tell some events from others",
  outlier: "Clamp, drop or mark what is far out",
  logcompare: "Compare with an earlier window",
  accum: "A running sum",
  addtotals: "Sums of rows or columns",
  autoregress: "Values of rows before",
  filldown: "Carry values down",
  appendcols: "Columns of another query",
  json: "Take a value out of JSON",
  estimate: "Bytes that the query would read",
  SOURCE: "Choose the log: SOURCE 'cloudtrail'",
};
export const FUNCTIONS = [
  "count", "count_distinct", "sum", "avg", "min", "max", "pct", "stddev", "earliest", "latest", "sortsFirst", "sortsLast", "values", "rate", "histogram",
  "bin", "datefloor", "dateceil", "fromMillis", "toMillis", "now", "parseDate", "formatDate", "strftime",
  "ispresent", "coalesce", "case", "if", "isNumeric", "messageSize", "queryStartTime", "queryEndTime",
  "isempty", "isblank", "concat", "ltrim", "rtrim", "trim", "strlen", "toupper", "tolower", "substr", "replace", "regexReplace", "strcontains", "startsWith", "endsWith",
  "urlencode", "urldecode", "base64encode", "base64decode", "split", "hexToAscii", "hexToDec", "decToHex", "md5", "sha256",
  "isValidIp", "isValidIpV4", "isValidIpV6", "isIpInSubnet", "isIpv4InSubnet", "isIpv6InSubnet", "isPrivateIP", "isPublicIP", "isReservedIP", "ipv4ToNumber",
  "jsonParse", "jsonStringify", "jsonArraySize", "jsonArrayContains",
  "abs", "ceil", "floor", "greatest", "least", "log", "sqrt", "round", "haversine", "toNumber", "toInt", "toLong", "toDouble",
];
const WORDS = ["by", "as", "like", "in", "not", "and", "or", "asc", "desc", "offset", "multi", "with", "for", "OUTPUT", "maxspan", "timeshift"];
const SYSTEM = ["@timestamp", "@message", "@log", "@logStream", "@ingestionTime", "@entity"];

const commandNames = new Set(Object.keys(COMMANDS).map((name) => name.toLowerCase()).concat("count_frequent", "anomaly"));
const functionNames = new Set(FUNCTIONS.map((name) => name.toLowerCase()));
const wordNames = new Set(WORDS.map((name) => name.toLowerCase()));

interface State {
  /** Whether a command may stand here. */
  isFirst: boolean;
  /** Whether a slash would open a regex. */
  isOperand: boolean;
  depth: number;
}

function token(stream: StringStream, state: State): string | null {
  if (stream.eatSpace()) return null;
  const sign = stream.peek() as string;
  if (sign === "#") {
    stream.skipToEnd();
    return "comment";
  }
  if (sign === '"' || sign === "'" || sign === "`" || (sign === "/" && state.isOperand)) {
    stream.next();
    for (let is: string | void; (is = stream.next()) !== undefined && is !== null; ) {
      if (is === "\\" && sign !== "`") stream.next();
      else if (is === sign) break;
    }
    state.isFirst = false;
    state.isOperand = false;
    return sign === "/" ? "regexp" : sign === "`" ? "variableName.special" : "string";
  }
  if (sign === "|") {
    stream.next();
    state.isFirst = true;
    state.isOperand = true;
    return "operatorKeyword";
  }
  if (stream.match(/^-?\d+(\.\d+)?([a-zA-Z]+)?/)) {
    state.isOperand = false;
    state.isFirst = false;
    return "number";
  }
  const word = (stream.match(/^[A-Za-z_@][\w@.]*/) as RegExpMatchArray | null)?.[0];
  if (word) {
    const lower = word.toLowerCase();
    const wasFirst = state.isFirst;
    state.isFirst = false;
    state.isOperand = false;
    if (wasFirst) {
      state.isOperand = commandNames.has(lower);
      return commandNames.has(lower) ? "keyword" : "invalid";
    }
    if (wordNames.has(lower)) {
      state.isOperand = true;
      return "operatorKeyword";
    }
    if (stream.match(/^\s*\(/, false) && functionNames.has(lower)) return "variableName.function";
    return word.startsWith("@") ? "variableName.special" : "variableName";
  }
  stream.next();
  if (sign === "(") state.isFirst = false;
  state.isOperand = sign !== ")" && sign !== "]";
  return "operator";
}

export const insights = StreamLanguage.define<State>({
  name: "insights",
  startState: () => ({ isFirst: true, isOperand: true, depth: 0 }),
  token,
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", '"', "'", "`"] } },
});

export function insightsCompletion(context: CompletionContext, fields: Suggestion[]): CompletionResult | null {
  const word = context.matchBefore(/[\w@.]+/);
  if (!word && !context.explicit) return null;
  const from = word?.from ?? context.pos;
  const before = context.state.sliceDoc(0, from);
  const line = before.slice(before.lastIndexOf("\n") + 1);
  if (/#[^"']*$/.test(line) || isWithinString(line)) return null;
  const validFor = /^[\w@.]*$/;
  if (/(^|\||\n)\s*$/.test(before) && /(^|\|)\s*$/.test(before.trimEnd() === "" ? "" : before)) {
    return { from, options: Object.entries(COMMANDS).map(([label, info]) => ({ label, detail: info, type: "keyword", apply: `${label} ` })), validFor };
  }
  const known = new Set(fields.map((field) => field.name));
  const options = [
    ...fields.map((field) => ({ label: field.name, detail: field.detail, type: "property", boost: 2, apply: /^[A-Za-z_@][\w@.]*$/.test(field.name) ? field.name : `\`${field.name}\`` })),
    ...SYSTEM.filter((name) => !known.has(name)).map((label) => ({ label, type: "property", boost: 1 })),
    ...FUNCTIONS.map((label) => ({ label, detail: "function", type: "function", apply: `${label}(` })),
    ...WORDS.map((label) => ({ label, type: "keyword" })),
  ];
  return { from, options, validFor };
}

function isWithinString(line: string): boolean {
  let open = "";
  for (let at = 0; at < line.length; at += 1) {
    if (open !== "" && line[at] === "\\") at += 1;
    else if (open !== "" && line[at] === open) open = "";
    else if (open === "" && (line[at] === '"' || line[at] === "'")) open = line[at] as string;
  }
  return open !== "";
}
