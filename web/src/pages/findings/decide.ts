// Decisions about findings: each names the version that was seen, says what it did, and can be taken back.
import { useQueryClient } from "@tanstack/react-query";
import { createElement } from "react";
import { ApiProblem, call, type Finding, type Schema } from "../../api/client";
import { useSession } from "../../api/session";
import { useShell } from "../../app/shell";
import { ActButton } from "../../parts/act";
import { ago } from "../../parts/time";
import { visible } from "../../parts/value";
import { counted, STATUS_WORDS, VERDICT_WORDS } from "../../parts/words";
import { backOf, isAsLeft, ofUser, remember, take, type Act, type Done, type Judged, type Step } from "./undo";

export type Decision = Schema<"Decision">;
export type HistoryEntry = Schema<"HistoryEntry">;
type Change = { from: unknown; to: unknown };

const AT_ONCE = 4;
/** Decisions that the server has not answered yet: the latest of them is what is taken back, not the one before. */
let underWay: Promise<unknown> = Promise.resolve();
const pathOf = (uid: string) => `/api/v1/findings/${encodeURIComponent(uid)}`;
const saidBy = (err: unknown) => (err instanceof Error ? err.message : String(err));

export function patch(finding: Finding, decision: Decision): Promise<Finding> {
  return call<Finding>(pathOf(finding.uid), {
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

/** Somebody was faster: who, and what did they do? */
async function lost(uid: string): Promise<{ now: Finding; words: string }> {
  const path = pathOf(uid);
  const [now, history] = await Promise.all([call<Finding>(path), call<HistoryEntry[]>(`${path}/history`)]);
  const last = history.at(-1);
  const words = last
    ? `${whoWords(last.who)} changed it ${ago(last.time, Date.now())}: ${changeWords(last.what)}.`
    : "New events came in since it was loaded.";
  return { now, words };
}

/** What became of some findings at once. */
interface Outcome {
  done: { was: Judged; now: Finding; decision: Decision }[];
  /** Who was faster, and what they did. */
  conflicts: string[];
  failures: string[];
  /** Which failed otherwise than by a conflict. */
  failed: string[];
}

/** Works on findings, a few at once; whoever throws a 412 has lost to somebody. */
async function each<T>(all: T[], act: (one: T) => Promise<Outcome["done"][number]>, uidOf: (one: T) => string, tell: (finding: Finding) => void): Promise<Outcome> {
  const outcome: Outcome = { done: [], conflicts: [], failures: [], failed: [] };
  const queue = [...all];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        const done = await act(next);
        outcome.done.push(done);
        tell(done.now);
      } catch (err) {
        if (err instanceof ApiProblem && err.status === 412) {
          const { now, words } = await lost(uidOf(next)).catch(() => ({ now: null, words: "Somebody changed it." }));
          if (now) tell(now);
          outcome.conflicts.push(words);
        } else {
          outcome.failures.push(saidBy(err));
          outcome.failed.push(uidOf(next));
        }
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return outcome;
}

/** Sets back what a decision changed, unless somebody has changed it since. */
async function setBack(done: Done): Promise<Outcome["done"][number]> {
  const current = await call<Finding>(pathOf(done.now.uid));
  if (!isAsLeft(done, current)) throw new ApiProblem(412, "somebody changed it since");
  const decision = backOf(done);
  return { was: current, now: await patch(current, decision), decision };
}

/** `onNow` hears of every finding as it is after a decision, also of those that somebody else had changed; `onMany` that many may have changed. */
export function useDecide(onNow: (finding: Finding) => void, onMany: () => void = () => {}) {
  const { say } = useShell();
  const { data: me } = useSession();
  const cache = useQueryClient();
  ofUser(me?.name ?? "");

  const tell = (finding: Finding) => {
    onNow(finding);
    void cache.invalidateQueries({ queryKey: ["finding-counts"] });
    void cache.invalidateQueries({ queryKey: ["history", finding.uid] });
  };
  const warn = ({ conflicts, failures }: Outcome, what: string) => {
    if (conflicts.length > 0) {
      say({
        type: "warning",
        header: conflicts.length === 1 ? `Not ${what}: somebody was faster` : `${conflicts.length} findings not ${what}: somebody was faster`,
        content: `${conflicts[0]} It is shown as it is now. Look at it, and decide again.`,
      });
    }
    if (failures.length > 0) say({ type: "error", header: `${counted(failures.length, "finding")} not ${what}`, content: failures[0] });
  };

  const undo = async (step: Step): Promise<void> => {
    if (step.kind === "suppression") return endAgain(step);
    const outcome = await each(step.done, setBack, ({ now }) => now.uid, tell);
    warn(outcome, "taken back");
    // What only failed, as with a server that is away, can be tried again.
    const left = step.done.filter(({ now }) => outcome.failed.includes(now.uid));
    if (left.length > 0) remember({ ...step, done: left });
    const [one] = outcome.done;
    if (one) say({ type: "info", content: `Taken back: ${step.words}, ${outcome.done.length === 1 ? `“${visible(one.now.title.slice(0, 160))}”` : counted(outcome.done.length, "finding")}.` });
  };
  const endAgain = async (step: Step & { kind: "suppression" }) => {
    try {
      await call(`/api/v1/suppressions/${step.id}`, { method: "DELETE" });
      say({ type: "info", content: `Taken back: ${step.words}. What it held back is new again.` });
    } catch (err) {
      const isGone = err instanceof ApiProblem && err.status === 404;
      if (!isGone) remember(step);
      say(isGone ? { type: "warning", header: "Not taken back", content: "The suppression was ended already." } : { type: "error", header: "The suppression was not taken back", content: saidBy(err) });
    }
    await Promise.all(["suppressions", "finding-counts", "findings", "finding"].map((key) => cache.invalidateQueries({ queryKey: [key] })));
    onMany();
  };
  const takeBack = (at?: number): void => {
    const taken = take(at);
    if (taken) void undo(taken);
    else say({ type: "info", content: at !== undefined ? "It was taken back already." : "Nothing to undo: in this session nothing was decided that still stands." });
  };
  /** Says what was done, with a way back. */
  const did = (act: Act, content: string) => {
    const { at } = remember(act);
    say({ type: "success", content, action: createElement(ActButton, { onClick: () => takeBack(at) }, "Undo") });
  };

  /** `words` say what was done, as in “resolved as benign”. */
  const decide = (findings: Finding[], decision: Decision, words: string): Promise<void> => {
    const work = decideNow(findings, decision, words);
    underWay = Promise.allSettled([underWay, work]);
    return work;
  };
  const decideNow = async (findings: Finding[], decision: Decision, words: string): Promise<void> => {
    const outcome = await each(findings, async (was) => ({ was, now: await patch(was, decision), decision }), (was) => was.uid, tell);
    warn(outcome, "changed");
    if (outcome.done.length > 0) did({ kind: "decision", words, done: outcome.done }, `${counted(outcome.done.length, "finding")} ${words}.`);
  };
  return { decide, takeBack: () => void underWay.then(() => takeBack()), did };
}
