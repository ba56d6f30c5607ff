// Trying the rule on one event: whether it matches, and what each of its conditions found.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { quoted, runQuery } from "../../api/query";
import { useMay } from "../../api/session";
import { ActButton } from "../../parts/act";
import { Editor } from "../../parts/editor";
import { Empty, Failed } from "../../parts/states";
import { Value, visible } from "../../parts/value";
import { counted } from "../../parts/words";
import { eventIn, flowRecord, tested, type Node, type RuleRef } from "./api";

const WAIT_MS = 350;
const TAKEN_FROM = 40;

/** A value once it has stayed for a moment. */
export function useSettled<T>(value: T, ms: number): T {
  const [kept, keep] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => keep(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return kept;
}

interface Props {
  rule: RuleRef;
  /** Of the rule as the server has it; nothing for a new one. */
  ruleId: string | null;
  isFlow: boolean;
  event: string;
  onEvent: (event: string) => void;
}

export function LiveTest({ rule, ruleId, isFlow, event, onEvent }: Props) {
  const mayAsk = useMay("query:run");
  const [fetching, setFetching] = useState<string | null>(null);
  const [note, setNote] = useState<string | null>(null);
  const asked = useSettled(event, WAIT_MS);
  const { event: record, note: odd } = eventIn(asked);
  const result = useQuery({
    queryKey: ["rule-test", rule, asked],
    queryFn: ({ signal }) => tested(rule, record, signal),
    enabled: record !== undefined,
    placeholderData: (before) => before,
    retry: false,
  });

  const take = async (which: "hit" | "event") => {
    setFetching(which);
    setNote(null);
    try {
      const { rows } =
        which === "hit"
          ? await runQuery({ text: `SELECT raw, event_format FROM hits WHERE rule_uid = ${quoted(ruleId ?? "", "sql")} ORDER BY time_dt DESC LIMIT 1`, lang: "sql" })
          : await runQuery({ text: `SELECT raw, event_format FROM ${isFlow ? "vpc" : "cloudtrail"} LIMIT ${TAKEN_FROM}`, lang: "sql" });
      const row = rows[which === "hit" ? 0 : Math.floor(Math.random() * rows.length)];
      if (typeof row?.raw === "string") onEvent(pretty(row.raw, typeof row.event_format === "string" ? row.event_format : null));
      else setNote(which === "hit" ? "The lake has no event that this rule matched." : "The lake has no such event yet.");
    } catch (err) {
      setNote(err instanceof Error ? err.message : String(err));
    }
    setFetching(null);
  };
  return (
    <SpaceBetween size="s">
      <SpaceBetween size="xs" direction="horizontal">
        {mayAsk && ruleId !== null ? (
          <ActButton onClick={() => void take("hit")} loading={fetching === "hit"}>
            Take a recent hit
          </ActButton>
        ) : null}
        {mayAsk ? (
          <ActButton onClick={() => void take("event")} loading={fetching === "event"}>
            Take an event of the lake
          </ActButton>
        ) : null}
        {event === "" ? null : (
          <Button variant="link" onClick={() => onEvent("")}>
            Clear
          </Button>
        )}
      </SpaceBetween>
      <Editor value={event} lang="json" label="Event to try the rule on" onChange={onEvent} hint="Paste an event: a CloudTrail record as JSON, or a line of a flow log" minHeight={140} maxHeight={300} />
      {note ? <Alert type="info">{note}</Alert> : null}
      {odd ? <Box color="text-status-warning" variant="small">{odd}</Box> : null}
      <div aria-live="polite">
        {asked.trim() !== "" && record === undefined ? null : asked.trim() === "" ? (
          <Empty title="No event yet">Paste one, or take one. Every condition then says what it found.</Empty>
        ) : result.error ? (
          <Failed what="try the rule" error={result.error} retry={() => void result.refetch()} />
        ) : result.data ? (
          <Verdict matched={result.data.matched ?? null} explanation={result.data.explanation ?? null} problems={result.data.problems.filter((problem) => problem.level !== "warning").length} />
        ) : null}
      </div>
    </SpaceBetween>
  );
}

function Verdict({ matched, explanation, problems }: { matched: boolean | null; explanation: Node | null; problems: number }) {
  if (matched === null) {
    return <Alert type="error">The rule {problems > 0 ? `has ${counted(problems, "mistake")} that must go first; they are marked in its text` : "could not be tried on this event"}.</Alert>;
  }
  return (
    <SpaceBetween size="s">
      <Alert type={matched ? "success" : "info"} header={matched ? "The rule matches this event" : "The rule does not match this event"} />
      {explanation ? (
        <ul className="tree" aria-label="Conditions of the rule">
          <Part node={explanation} isDecisive />
        </ul>
      ) : null}
    </SpaceBetween>
  );
}

const WORDS: Record<Node["kind"], string> = { all: "All of", any: "Any of", not: "Not", condition: "" };

/** What speaks for the rule is tinted green, what speaks against it red; within `not` it is the other way round. */
function Part({ node, isDecisive, isTurned = false }: { node: Node; isDecisive: boolean; isTurned?: boolean }) {
  const isGroup = node.kind !== "condition";
  return (
    <li data-good={node.matched !== isTurned}>
      <div className={isDecisive ? "part" : "part aside"}>
        <span className="sign" aria-hidden="true">{node.matched ? "✓" : "✗"}</span>
        <span className="visually-hidden">{node.matched ? "Holds: " : "Does not hold: "}</span>
        {isGroup ? <b>{WORDS[node.kind]}</b> : <code>{visible(node.text)}</code>}
        {isGroup ? null : (
          <span className="found">
            {node.values.length === 0 ? <i className="muted">nothing there</i> : node.values.map((value, at) => <Value key={at} text={value} />)}
          </span>
        )}
      </div>
      {node.children.length > 0 ? (
        <ul>
          {node.children.map((child, at) => (
            <Part key={at} node={child} isDecisive={isDecisive && decides(node, child)} isTurned={isTurned !== (node.kind === "not")} />
          ))}
        </ul>
      ) : null}
    </li>
  );
}

/** Of a list that all must hold, those that fail decide; of one where any may, those that hold. */
function decides(parent: Node, child: Node): boolean {
  if (parent.kind === "all") return parent.matched || !child.matched;
  if (parent.kind === "any") return !parent.matched || child.matched;
  return true;
}

function pretty(text: string, format: string | null): string {
  const named = format === null ? null : flowRecord(text, format);
  if (named) return JSON.stringify(named, null, 2);
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
