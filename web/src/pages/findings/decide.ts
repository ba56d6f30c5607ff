// Decisions about findings: each names the version that was seen, says what it did, and can be taken back.
import { useQueryClient } from "@tanstack/react-query";
import { createElement, useRef } from "react";
import Button from "@cloudscape-design/components/button";
import { ApiProblem, call, type Finding, type Schema } from "../../api/client";
import { useShell } from "../../app/shell";
import { ago } from "../../parts/time";
import { counted, STATUS_WORDS, VERDICT_WORDS } from "../../parts/words";

export type Decision = Schema<"Decision">;
export type HistoryEntry = Schema<"HistoryEntry">;
type Change = { from: unknown; to: unknown };

const AT_ONCE = 4;

export function patch(finding: Finding, decision: Decision): Promise<Finding> {
  return call<Finding>(`/api/v1/findings/${encodeURIComponent(finding.uid)}`, {
    method: "PATCH",
    body: decision,
    headers: { "if-match": `"${finding.version}"` },
  });
}

/** Who somebody is in the history: `user/admin` is told as `admin`. */
export function whoWords(who: string): string {
  return who.replace(/^user\//, "").replace(/^token\//, "token ");
}

function word(field: string, value: unknown): string {
  if (value === null || value === undefined) return field === "assignee" ? "nobody" : "open";
  const words: Record<string, string> = field === "status" ? STATUS_WORDS : field === "verdict" ? VERDICT_WORDS : {};
  return words[String(value)]?.toLowerCase() ?? String(value);
}

/** What an entry of the history changed, in words. */
export function changeWords(what: HistoryEntry["what"]): string {
  const parts = Object.entries(what as Record<string, unknown>).map(([field, change]) => {
    const told = change as Change | null;
    if (told && typeof told === "object" && ("from" in told || "to" in told)) return `${field} ${word(field, told.from)} → ${word(field, told.to)}`;
    return `${field} ${typeof change === "string" || typeof change === "number" ? change : JSON.stringify(change)}`;
  });
  return parts.join(", ");
}

/** What stood before is what undoing sets again; `suppressed` cannot be set by hand. */
function before(finding: Finding, decision: Decision): Decision {
  const back: Decision = {};
  if ("status" in decision) back.status = finding.status === "suppressed" ? "new" : finding.status;
  if ("verdict" in decision) back.verdict = finding.verdict ?? null;
  if ("assignee" in decision) back.assignee = finding.assignee ?? null;
  return back;
}

interface Done {
  was: Finding;
  now: Finding;
}

/** Somebody was faster: who, and what did they do? */
async function lost(finding: Finding): Promise<{ now: Finding; words: string }> {
  const path = `/api/v1/findings/${encodeURIComponent(finding.uid)}`;
  const [now, history] = await Promise.all([call<Finding>(path), call<HistoryEntry[]>(`${path}/history`)]);
  const last = history.at(-1);
  const words = last
    ? `${whoWords(last.who)} changed it ${ago(last.time, Date.now())}: ${changeWords(last.what)}.`
    : "New events came in since it was loaded.";
  return { now, words };
}

/** `onNow` hears of every finding as it is after a decision, also of those that somebody else had changed. */
export function useDecide(onNow: (finding: Finding) => void) {
  const { say } = useShell();
  const cache = useQueryClient();
  const undo = useRef<(() => Promise<void>) | null>(null);

  const tell = (finding: Finding) => {
    onNow(finding);
    void cache.invalidateQueries({ queryKey: ["finding-counts"] });
    void cache.invalidateQueries({ queryKey: ["history", finding.uid] });
  };

  const run = async (work: { finding: Finding; decision: Decision }[]): Promise<Done[]> => {
    const done: Done[] = [];
    const conflicts: string[] = [];
    const failures: string[] = [];
    const queue = [...work];
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { finding, decision } = next;
        try {
          const now = await patch(finding, decision);
          done.push({ was: finding, now });
          tell(now);
        } catch (err) {
          if (err instanceof ApiProblem && err.status === 412) {
            const { now, words } = await lost(finding).catch(() => ({ now: finding, words: "Somebody changed it." }));
            tell(now);
            conflicts.push(words);
          } else failures.push(err instanceof Error ? err.message : String(err));
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (conflicts.length > 0) {
      say({
        type: "warning",
        header: conflicts.length === 1 ? "Not changed: somebody was faster" : `${conflicts.length} findings not changed: somebody was faster`,
        content: `${conflicts[0]} It is shown as it is now. Look at it, and decide again.`,
      });
    }
    if (failures.length > 0) {
      say({ type: "error", header: `${counted(failures.length, "finding")} not changed`, content: failures[0] });
    }
    return done;
  };

  /** `words` say what was done, as in “resolved as benign”. */
  const decide = async (findings: Finding[], decision: Decision, words: string): Promise<void> => {
    const done = await run(findings.map((finding) => ({ finding, decision })));
    if (done.length === 0) return;
    let isUndone = false;
    undo.current = async () => {
      if (isUndone) return;
      isUndone = true;
      const back = await run(done.map(({ was, now }) => ({ finding: now, decision: before(was, decision) })));
      if (back.length > 0) say({ type: "info", content: `Taken back: ${counted(back.length, "finding")} as before.` });
    };
    const act = undo.current;
    say({
      type: "success",
      content: `${counted(done.length, "finding")} ${words}.`,
      action: createElement(Button, { onClick: () => void act() }, "Undo"),
    });
  };
  const takeBack = () => void undo.current?.();
  return { decide, takeBack };
}
