// The worst that is open, told in order of time: where it began, which way it went, what it did.
import { call, type Finding, type Schema } from "../../api/client";
import { addressesOf } from "../investigate/addresses";
import { OPEN } from "./load";
import { unusual } from "./unfound";

export interface Story {
  steps: Finding[];
  /** Who, in the order in which they were first seen. */
  people: { principal: string; account: string }[];
  /** What ties them together. */
  addresses: string[];
  isCut: boolean;
}

export const SEVERITY_MIN = 3;
/** An address that so many use is a gateway, and ties nobody together. */
const PEOPLE_MAX = 8;
const DETAILS = 3;
const ADDRESSES_MAX = 3;

/** The open findings of the principal with the greatest sum of severities. */
export function worstGroup(findings: Finding[]): Finding[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (finding.severity_id >= SEVERITY_MIN) groups.set(finding.principal, [...(groups.get(finding.principal) ?? []), finding]);
  }
  const sum = (group: Finding[]) => group.reduce((all, finding) => all + finding.severity_id, 0);
  const worst = (group: Finding[]) => Math.max(...group.map((finding) => finding.severity_id));
  return [...groups.values()].sort((a, b) => worst(b) - worst(a) || sum(b) - sum(a))[0] ?? [];
}

export function inOrder(findings: Finding[]): Finding[] {
  const unique = new Map(findings.map((finding) => [finding.uid, finding]));
  return [...unique.values()].sort((a, b) => a.first_seen.localeCompare(b.first_seen) || b.severity_id - a.severity_id);
}

/** Those that are told, in order: the first, the last, and between them the worst, of as many rules and people as there are, damage before all. */
export function told(steps: Finding[], most: number, tactics: Map<string, string[]> = new Map()): Finding[] {
  if (steps.length <= most) return steps;
  const chosen = [steps[0], steps.at(-1)] as Finding[];
  const rest = steps.slice(1, -1);
  const score = (step: Finding) => {
    const isKnownRule = chosen.some((one) => one.rule === step.rule);
    const isKnownPerson = chosen.some((one) => one.principal === step.principal);
    return step.severity_id * 4 + (isDamage(tactics.get(step.rule) ?? []) ? 3 : 0) - (isKnownRule ? 5 : 0) + (isKnownPerson ? 0 : 2);
  };
  while (chosen.length < most) {
    const best = rest.reduce((one, other) => (score(other) > score(one) ? other : one));
    chosen.push(best);
    rest.splice(rest.indexOf(best), 1);
  }
  return inOrder(chosen);
}

export function peopleOf(steps: Finding[]): Story["people"] {
  const people = new Map<string, { principal: string; account: string }>();
  for (const { principal, account } of steps) {
    // The same call stands in the trail of the other account, without a name.
    if (!principal.startsWith("account ") && !people.has(principal)) people.set(principal, { principal, account });
  }
  return [...people.values()];
}

const isPrivate = (address: string) => /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|127\.|169\.254\.|fc|fd|fe80|::1$)/i.test(address);

/** Follows the addresses of the worst group to what else was done from them. */
export async function follow(group: Finding[], mayQuery: boolean, signal: AbortSignal): Promise<Story> {
  const worst = [...group].sort((a, b) => b.severity_id - a.severity_id).slice(0, DETAILS);
  const details = await Promise.all(worst.map((finding) => call<Finding>(`/api/v1/findings/${finding.uid}`, { signal })));
  const named = [...new Set(details.flatMap(addressesOf))].filter((address) => !isPrivate(address)).slice(0, ADDRESSES_MAX);
  const begun = inOrder(group)[0]?.first_seen ?? "";
  // Where the lake does not answer, the story is what findings tell.
  const addresses = mayQuery ? await unusual(named, begun, signal).catch((err: unknown) => (signal.aborted ? Promise.reject(err) : named)) : named;
  const found = await Promise.all(
    addresses.map((text) => call<Schema<"Page">>("/api/v1/findings", { query: { text, status: OPEN, severity_min: SEVERITY_MIN, sort: "worst", limit: 200 }, signal })),
  );
  const tied = addresses.filter((_, at) => new Set(found[at]?.findings.map((finding) => finding.principal)).size <= PEOPLE_MAX);
  const more = found.filter((_, at) => tied.includes(addresses[at] as string));
  const steps = inOrder([...group, ...more.flatMap((page) => page.findings)]);
  return { steps, people: peopleOf(steps), addresses: tied, isCut: more.some((page) => page.next) };
}

/** What is done to the one attacked, by the names of ATT&CK's tactics. */
const DAMAGE = new Set(["Collection", "Exfiltration", "Impact"]);

/** Titles say of a call that was refused that it failed. */
function isRefused(title: string): boolean {
  return / failed to /.test(title);
}

/** A rule that serves many tactics does not tell which it was. */
function isDamage(tactics: string[]): boolean {
  return tactics.length <= 2 && tactics.some((tactic) => DAMAGE.has(tactic));
}

/** What a step is in the story; nothing if its rule serves too many tactics to say. */
export function stageOf(at: number, tactics: string[], title = ""): string {
  // What came before it may have no finding, so it is not called the entry.
  if (at === 0) return "First finding";
  if (isDamage(tactics)) return isRefused(title) ? "Attempt" : "Damage";
  return tactics.length >= 1 && tactics.length <= 2 ? (tactics.at(-1) ?? "") : "";
}
