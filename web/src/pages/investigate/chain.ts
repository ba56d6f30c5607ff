// Credentials lead from one to the next: who was given the keys that an entity used, back to the first, and what they gave out.
import type { Row } from "../../api/query";
import type { EntityKind } from "../../app/url";
import { asDate } from "../../parts/time";
import { whoEntity, whoWords, type WhoRow } from "./entity";
import { grantsText } from "./texts";

export interface Person {
  id: string;
  label: string;
  /** What it is: `IAM user`, `Role session`. */
  what: string;
  isFirst: boolean;
  isIts: boolean;
  kind: EntityKind;
  value: string;
  account: string;
  layer: number;
}
export interface Step {
  from: string;
  to: string;
  call: string;
  times: number;
  failed: number;
  first: string;
  last: string;
  keys: string[];
  addresses: string[];
}
export interface Chain {
  people: Person[];
  steps: Step[];
  /** Whether a bound was reached, so that there may be more. */
  isCut: boolean;
}

const text = (value: unknown) => (typeof value === "string" ? value : "");
const WHAT: Record<string, string> = {
  Root: "Root user", IAMUser: "IAM user", AssumedRole: "Role session", FederatedUser: "Federated user", AWSService: "AWS service", AWSAccount: "Other account",
  SAMLUser: "Single sign-on (SAML)", WebIdentityUser: "Web identity", IdentityCenterUser: "Identity Center user",
};

/** Who a grant was given to. */
function receiver(row: Row): { kind: EntityKind; value: string; label: string; what: string; account: string } | null {
  const arn = text(row.new_arn);
  const of = (value: string) => /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(value)?.[1] ?? text(row.recipientAccountId);
  if (arn) return { kind: "session", value: arn, label: whoWords({ type: "AssumedRole", arn }), what: "Role session", account: of(arn) };
  const role = text(row.role);
  if (role) {
    const name = role.slice(role.lastIndexOf("/") + 1);
    return { kind: "principal", value: role, label: `role/${name}`, what: "Role", account: of(role) };
  }
  const user = text(row.for_user);
  if (user) {
    const value = `arn:aws:iam::${text(row.recipientAccountId)}:user/${user}`;
    return { kind: "principal", value, label: `user/${user}`, what: "IAM user", account: text(row.recipientAccountId) };
  }
  return null;
}

/** One name for one who acts, whether or not the record names its ARN. */
function idOf(kind: EntityKind, value: string, label: string, account: string): string {
  return kind === "session" ? value : `${account}|${label}`;
}

export const HOPS_BACK = 5;
export const HOPS_ON = 3;
const KEYS_MAX = 100;

export type AskGrants = (text: string) => Promise<Row[]>;

/** Walks from the keys of an entity, a query for each hop. */
export async function walk(keys: string[], ask: AskGrants): Promise<{ grants: Row[]; isCut: boolean }> {
  const grants = new Map<string, Row>();
  const asked = { given: new Set<string>(), used: new Set<string>() };
  let given = keys.slice(0, KEYS_MAX);
  let used = given;
  let isCut = keys.length > KEYS_MAX;
  for (let hop = 0; given.length + used.length > 0; hop += 1) {
    if (hop >= HOPS_BACK) {
      isCut = true;
      break;
    }
    given.forEach((key) => asked.given.add(key));
    used.forEach((key) => asked.used.add(key));
    const rows = await ask(grantsText(given, used));
    isCut ||= rows.length >= 2000;
    const back = new Set<string>();
    const on = new Set<string>();
    for (const row of rows) {
      grants.set(text(row.eventID) || JSON.stringify(row), row);
      const made = text(row.new_key) || text(row.made_key);
      const by = text(row.access_key);
      if (given.includes(made) && by && !asked.given.has(by)) back.add(by);
      if (used.includes(by) && made && !asked.used.has(made)) on.add(made);
    }
    isCut ||= back.size > KEYS_MAX || on.size > KEYS_MAX || (hop + 1 >= HOPS_ON && on.size > 0);
    given = [...back].slice(0, KEYS_MAX);
    used = hop + 1 < HOPS_ON ? [...on].slice(0, KEYS_MAX) : [];
  }
  return { grants: [...grants.values()], isCut };
}

/** The picture of what was walked. `own` are the rows of who is looked at. */
export function chainOf(grants: Row[], own: WhoRow[], isCut: boolean): Chain {
  const people = new Map<string, Person>();
  const steps = new Map<string, Step>();
  const add = (kind: EntityKind, value: string, label: string, what: string, account: string): string => {
    const id = idOf(kind, value, label, account);
    if (!people.has(id)) people.set(id, { id, label, what, kind, value, account, isFirst: false, isIts: false, layer: 0 });
    return id;
  };
  const addWho = (row: WhoRow): string => {
    const { kind, value } = whoEntity(row);
    return add(kind, value, whoWords(row), WHAT[text(row.type)] ?? "Principal", text(row.account));
  };
  for (const row of own) {
    if (!text(row.type)) continue;
    const person = people.get(addWho(row));
    if (person) person.isIts = true;
  }
  // A call into another account stands in the trails of both; only that of the caller says who it was.
  const shared = new Set(grants.filter((row) => text(row.arn)).map((row) => text(row.sharedEventID)).filter(Boolean));
  for (const row of grants) {
    if (!text(row.arn) && shared.has(text(row.sharedEventID))) continue;
    const to = receiver(row);
    if (!to) continue;
    const from = addWho({ ...row, type: row.type });
    const toId = add(to.kind, to.value, to.label, to.what, to.account);
    if (from === toId) continue;
    const key = `${from}\n${toId}\n${text(row.eventName)}`;
    const time = asDate(text(row.time_dt))?.toISOString() ?? text(row.time_dt);
    const step = steps.get(key) ?? { from, to: toId, call: text(row.eventName), times: 0, failed: 0, first: time, last: time, keys: [], addresses: [] };
    step.times += 1;
    if (text(row.errorCode)) step.failed += 1;
    if (time < step.first) step.first = time;
    if (time > step.last) step.last = time;
    const made = text(row.new_key) || text(row.made_key);
    if (made && !step.keys.includes(made)) step.keys.push(made);
    const address = text(row.sourceIPAddress);
    if (address && !step.addresses.includes(address)) step.addresses.push(address);
    steps.set(key, step);
  }
  lay(people, [...steps.values()]);
  const ordered = [...people.values()].sort((a, b) => a.layer - b.layer || a.label.localeCompare(b.label));
  return { people: ordered, steps: [...steps.values()].sort((a, b) => (a.first < b.first ? -1 : 1)), isCut };
}

/** Each stands right of all who gave to it; where they go in a circle, the first stays first. */
function lay(people: Map<string, Person>, steps: Step[]): void {
  const into = new Set(steps.filter((step) => step.from !== step.to).map((step) => step.to));
  for (const person of people.values()) person.isFirst = !into.has(person.id);
  for (let round = 0; round < people.size; round += 1) {
    let isMoved = false;
    for (const { from, to } of steps) {
      const least = (people.get(from)?.layer ?? 0) + 1;
      const person = people.get(to);
      if (person && person.layer < least && least < people.size) {
        person.layer = least;
        isMoved = true;
      }
    }
    if (!isMoved) break;
  }
}
