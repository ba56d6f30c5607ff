// An answer taken elsewhere: as a file, or as a command to be typed.
import type { Row } from "../../api/query";
import type { Lang } from "./text";

export function cellText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** RFC 4180. A cell that a spreadsheet would take for a formula gets a `'` in front. */
export function csv(columns: string[], rows: Row[]): string {
  const cell = (text: string) => {
    const isNumber = /^-?\d+(\.\d+)?$/.test(text);
    const safe = /^[=+\-@\t\r]/.test(text) && !isNumber ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns, ...rows.map((row) => columns.map((column) => cellText(row[column])))].map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

export function jsonl(rows: Row[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

export function download(file: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = file;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** One word of a POSIX shell, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

interface Asked {
  text: string;
  lang: Lang;
  from: string | null;
  to: string | null;
}

export function cliCommand({ text, lang, from, to }: Asked): string {
  return [
    "skywarden query", shellWord(text),
    ...(lang === "sql" ? ["--lang sql"] : []),
    ...(from ? ["--from", shellWord(from)] : []),
    ...(to ? ["--to", shellWord(to)] : []),
    "--lake ./lake",
  ].join(" ");
}

/** What AWS would be asked; or why it cannot be. */
export function awsCommand({ text, lang, from, to }: Asked): { command: string } | { why: string } {
  if (lang === "sql") return { why: "Our SQL names our own tables, which CloudWatch Logs has not." };
  if (!from || !to) return { why: "CloudWatch Logs wants a time range. Choose one, and the command stands here." };
  if (/^\s*source\b/i.test(text)) return { why: "SOURCE names our logs here. Take it out, and the command stands here." };
  const seconds = (time: string) => Math.floor(Date.parse(time) / 1000);
  const words = ["aws logs start-query --log-group-names YOUR_LOG_GROUP", `--start-time ${seconds(from)}`, `--end-time ${seconds(to) - 1}`, "--query-string", shellWord(text)];
  return { command: words.join(" ") };
}
