// What was decided in this session and can be taken back, the latest last. The tab keeps it, so that it outlives a page that is loaded again.
import type { Finding } from "../../api/client";
import type { Decision } from "./decide";

/** What people decide of a finding. */
export type Judged = Pick<Finding, "uid" | "title" | "status" | "verdict" | "assignee">;
export interface Done {
  was: Judged;
  now: Judged;
  decision: Decision;
}
/** `words` say what was done, as in “resolved as benign”. */
export type Act = { kind: "decision"; words: string; done: Done[] } | { kind: "suppression"; words: string; id: number };
export type Step = Act & { at: number };

const MOST = 50;
const KEPT = "skywarden-undo";
let steps: Step[] = [];
let owner = "";
let next = 0;

/** Steps are their maker's: whoever logs in next in this tab does not take them back. */
export function ofUser(name: string): void {
  if (owner === name) return;
  owner = name;
  steps = [];
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as { owner: string; steps: Step[] } | null;
    if (kept?.owner === name) steps = kept.steps;
  } catch {
    // What was kept cannot be read; nothing of it is taken back.
  }
  next = (steps.at(-1)?.at ?? 0) + 1;
}

function keep(): void {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ owner, steps }));
  } catch {
    // A tab that keeps nothing knows them until it is loaded again.
  }
}

function slim({ uid, title, status, verdict, assignee }: Judged): Judged {
  return { uid, title, status, verdict, assignee };
}

export function remember(act: Act): Step {
  const small = act.kind === "decision" ? { ...act, done: act.done.map(({ was, now, decision }) => ({ was: slim(was), now: slim(now), decision })) } : act;
  const step: Step = { ...small, at: next };
  next += 1;
  steps = [...steps, step].slice(-MOST);
  keep();
  return step;
}

/** Takes a step out, the latest if none is named; nothing if it was taken out before. */
export function take(at = steps.at(-1)?.at): Step | undefined {
  const step = steps.find((one) => one.at === at);
  steps = steps.filter((one) => one !== step);
  keep();
  return step;
}

/** What stood before is what undoing sets again; `suppressed` cannot be set by hand. */
export function backOf({ was, decision }: Done): Decision {
  const back: Decision = {};
  if ("status" in decision) back.status = was.status === "suppressed" ? "new" : was.status;
  if ("verdict" in decision) back.verdict = was.verdict ?? null;
  if ("assignee" in decision) back.assignee = was.assignee ?? null;
  return back;
}

/** Whether a finding still is what the decision made of it; new events do not matter. */
export function isAsLeft({ now }: Done, current: Judged): boolean {
  return current.status === now.status && (current.verdict ?? null) === (now.verdict ?? null) && (current.assignee ?? null) === (now.assignee ?? null);
}
