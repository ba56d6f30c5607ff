// What was decided in this session and can be taken back, the latest last. It outlives a change of page, not one of user.
import type { Finding } from "../../api/client";
import type { Decision } from "./decide";

export interface Done {
  was: Finding;
  now: Finding;
  decision: Decision;
}
/** `words` say what was done, as in “resolved as benign”. */
export type Step = { kind: "decision"; words: string; done: Done[] } | { kind: "suppression"; words: string; id: number };

const MOST = 50;
let steps: Step[] = [];
let owner = "";

export function ofUser(name: string): void {
  if (owner !== name) steps = [];
  owner = name;
}

export function remember(step: Step): void {
  steps = [...steps, step].slice(-MOST);
}

/** Takes a step out, the latest if none is named; nothing if it was taken out before. */
export function take(step = steps.at(-1)): Step | undefined {
  if (step === undefined || !steps.includes(step)) return undefined;
  steps = steps.filter((one) => one !== step);
  return step;
}

export function countSteps(): number {
  return steps.length;
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
export function isAsLeft({ now }: Done, current: Finding): boolean {
  return current.status === now.status && (current.verdict ?? null) === (now.verdict ?? null) && (current.assignee ?? null) === (now.assignee ?? null);
}
