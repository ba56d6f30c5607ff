// JSON as text, with what mattered marked.
import { memo } from "react";
import { visible } from "./value";

const BYTES_MAX = 400_000;

interface Piece {
  kind: "key" | "string" | "number" | "word" | "plain";
  text: string;
  path: string;
}

function* pieces(value: unknown, path: string, indent: string): Generator<Piece> {
  const plain = (text: string): Piece => ({ kind: "plain", text, path });
  if (value === null || typeof value === "boolean") yield { kind: "word", text: String(value), path };
  else if (typeof value === "number") yield { kind: "number", text: String(value), path };
  else if (typeof value === "string") yield { kind: "string", text: visible(JSON.stringify(value)), path };
  else if (Array.isArray(value)) {
    if (value.length === 0) return yield plain("[]");
    yield plain("[\n");
    for (const [at, item] of value.entries()) {
      yield plain(`${indent}  `);
      yield* pieces(item, path, `${indent}  `);
      yield plain(at < value.length - 1 ? ",\n" : "\n");
    }
    yield plain(`${indent}]`);
  } else {
    const entries = Object.entries(value as object);
    if (entries.length === 0) return yield plain("{}");
    yield plain("{\n");
    for (const [at, [key, item]] of entries.entries()) {
      const inner = path === "" ? key : `${path}.${key}`;
      yield plain(`${indent}  `);
      yield { kind: "key", text: visible(JSON.stringify(key)), path: inner };
      yield plain(": ");
      yield* pieces(item, inner, `${indent}  `);
      yield plain(at < entries.length - 1 ? ",\n" : "\n");
    }
    yield plain(`${indent}}`);
  }
}

/** `marks` are paths like `userIdentity.arn`; lists are looked through. */
export const Json = memo(function Json({ value, marks = [] }: { value: unknown; marks?: string[] }) {
  const marked = new Set(marks);
  const out = [];
  let bytes = 0;
  for (const piece of pieces(value, "", "")) {
    bytes += piece.text.length;
    if (bytes > BYTES_MAX) {
      out.push("\n… cut here: the record is larger than is shown");
      break;
    }
    if (piece.kind === "plain") out.push(piece.text);
    else {
      const isMarked = piece.kind !== "key" && marked.has(piece.path);
      const inner = isMarked ? <mark>{piece.text}</mark> : piece.text;
      out.push(
        <span key={out.length} className={piece.kind}>
          {inner}
        </span>,
      );
    }
  }
  return (
    <pre className="json" tabIndex={0} aria-label="Event as JSON">
      {out}
    </pre>
  );
});

/** A record of a log as JSON if it is that, else as the text it is. */
export function Raw({ text, marks }: { text: string; marks?: string[] }) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return <pre className="json">{visible(text.slice(0, BYTES_MAX))}</pre>;
  }
  return <Json value={value} marks={marks} />;
}
