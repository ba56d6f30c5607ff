// What an entity is, whatever notation its name has: findings write `role/NAME (session S)`, events write ARNs.
import { ENTITY_WORDS } from "../../app/entity";
import type { EntityKind } from "../../app/url";
import type { Predicate, Test } from "./predicate";

export interface Entity {
  kind: EntityKind;
  value: string;
  /** What it is, in a word or two. */
  what: string;
  /** Its short name. */
  name: string;
  /** Its events in the trail; null if it cannot be in one. */
  calls: Predicate | null;
  /** Its records in the flow log, if it has any. */
  flows: Predicate | null;
  /** Its findings: what the API is asked for, and which of the answers are meant. */
  findings: { query: Record<string, string>; isMeant: (finding: { principal: string; account: string }) => boolean; exact: boolean };
}

const is = (field: string, value: string): Test => ({ field, op: "is", value });
const has = (field: string, value: string): Test => ({ field, op: "has", value });
const ROLE = "userIdentity.sessionContext.sessionIssuer";

type Principal = Pick<Entity, "what" | "name"> & { calls: Predicate; flows?: Predicate; words: string; account?: string; isRole?: boolean };

function session(role: string, name: string, account?: string): Principal {
  const of: Test[] = [is(`${ROLE}.userName`, role), { field: "userIdentity.arn", op: "ends", value: `/${name}` }];
  if (account) of.push(is("userIdentity.accountId", account));
  return { what: "Role session", name: `role/${role} (session ${name})`, calls: [of], words: `role/${role} (session ${name})`, account };
}

const lastOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** Each notation and what it means, the plainest first. */
const NOTATIONS: [RegExp, (...parts: string[]) => Principal][] = [
  [/^root$/, () => ({ what: "Root user", name: "root", calls: [[is("userIdentity.type", "Root")]], words: "root" })],
  [/^arn:[^:]*:iam::(\d{12}):root$/, (account) => ({
    what: "Root user", name: `root of ${account}`, words: "root", account,
    calls: [[is("userIdentity.type", "Root"), is("userIdentity.accountId", account as string)]],
  })],
  [/^user\/(.+)$/, (name) => ({ what: "IAM user", name: `user/${name}`, words: `user/${name}`, calls: [[is("userIdentity.type", "IAMUser"), is("userIdentity.userName", name as string)]] })],
  [/^(arn:[^:]*:iam::(\d{12}):user\/(.+))$/, (arn, account, path) => ({
    what: "IAM user", name: `user/${lastOf(path as string)}`, words: `user/${lastOf(path as string)}`, account, calls: [[is("userIdentity.arn", arn as string)]],
  })],
  [/^role\/(.+) \(session (.+)\)$/, (role, name) => session(role as string, name as string)],
  [/^role\/(.+)$/, (role) => ({ what: "Role", name: `role/${role}`, words: `role/${role}`, isRole: true, calls: [[is(`${ROLE}.userName`, role as string)]] })],
  [/^(arn:[^:]*:iam::(\d{12}):role\/(.+))$/, (arn, account, path) => ({
    what: "Role", name: `role/${lastOf(path as string)}`, words: `role/${lastOf(path as string)}`, account, isRole: true, calls: [[is(`${ROLE}.arn`, arn as string)]],
  })],
  [/^(arn:[^:]*:sts::(\d{12}):assumed-role\/([^/]+)\/(.+))$/, (arn, account, role, name) => ({
    ...session(role as string, name as string, account), calls: [[is("userIdentity.arn", arn as string)]],
  })],
  [/^federated user (.+)$/, (name) => ({ what: "Federated user", name: name as string, words: `federated user ${name}`, calls: [[is("userIdentity.type", "FederatedUser"), { field: "userIdentity.arn", op: "ends", value: `/${name}` }]] })],
  [/^(arn:[^:]*:sts::(\d{12}):federated-user\/(.+))$/, (arn, account, name) => ({ what: "Federated user", name: name as string, words: `federated user ${name}`, account, calls: [[is("userIdentity.arn", arn as string)]] })],
  [/^service (.+)$/, (name) => ({
    what: "AWS service", name: name as string, words: `service ${name}`,
    calls: [[is("userIdentity.type", "AWSService"), is("userIdentity.invokedBy", name as string)], [is("userIdentity.type", "AWSService"), is("sourceIPAddress", name as string)]],
  })],
  [/^account (\d{12})$/, (account) => ({ what: "Other account", name: `account ${account}`, words: `account ${account}`, calls: [[is("userIdentity.type", "AWSAccount"), is("userIdentity.accountId", account as string)]] })],
  [/^identity center user (.+)$/, (user) => ({ what: "Identity Center user", name: user as string, words: `identity center user ${user}`, calls: [[is("userIdentity.onBehalfOf.userId", user as string)]] })],
  [/^(eni-[0-9a-f]+)$/, (eni) => ({ what: "Network interface", name: eni as string, words: eni as string, ...resource(eni as string) })],
  [/^someone of (.+)$/, (provider) => ({ what: "Federated user", name: `someone of ${provider}`, words: `someone of ${provider}`, calls: [[is("userIdentity.identityProvider", provider as string)]] })],
  [/^(\S+) of (\S+)$/, (name, provider) => ({
    what: "Federated user", name: name as string, words: `${name} of ${provider}`, calls: [[is("userIdentity.userName", name as string), is("userIdentity.identityProvider", provider as string)]],
  })],
];

function principal(value: string): Principal {
  for (const [form, read] of NOTATIONS) {
    const found = form.exec(value);
    if (found) return read(...found.slice(1));
  }
  return {
    what: "Principal", name: value, words: value,
    calls: [
      [is("userIdentity.userName", value)], [is(`${ROLE}.userName`, value)], [is("userIdentity.principalId", value)], [is("userIdentity.arn", value)],
      [{ field: "userIdentity.arn", op: "ends", value: `/${value}` }],
    ],
  };
}

/** Records name a resource by its ARN, its id, or, in a request, by the last part of its ARN. */
function resource(value: string): { calls: Predicate; flows?: Predicate } {
  const text = JSON.stringify(value);
  const calls: Predicate = [[has("resources", text)], [has("requestParameters", text)], [has("responseElements", text)]];
  if (value.startsWith("arn:")) {
    const short = value.slice(Math.max(value.lastIndexOf(":"), value.lastIndexOf("/")) + 1);
    const account = /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(value)?.[1];
    // A short name is only telling within its account; S3 has one name space for all.
    if (short.length >= 3) calls.push(account ? [has("requestParameters", JSON.stringify(short)), is("recipientAccountId", account)] : [has("requestParameters", JSON.stringify(short))]);
  } else {
    const end = text.slice(1);
    calls.push([has("resources", `/${end}`)], [has("resources", `:${end}`)]);
  }
  const isInterface = /^eni-/.test(value);
  const isMachine = /^i-[0-9a-f]+$/.test(value);
  return { calls, ...(isInterface ? { flows: [[is("interface_id", value)]] } : isMachine ? { flows: [[is("instance_id", value)]] } : {}) };
}

export function entityOf(kind: EntityKind, value: string): Entity {
  const byText = { query: { text: value }, isMeant: () => true, exact: false };
  if (kind === "ip") {
    return { kind, value, what: ENTITY_WORDS.ip, name: value, calls: [[is("sourceIPAddress", value)]], flows: [[is("srcaddr", value)], [is("dstaddr", value)]], findings: byText };
  }
  if (kind === "key") return { kind, value, what: ENTITY_WORDS.key, name: value, calls: [[is("userIdentity.accessKeyId", value)]], flows: null, findings: byText };
  if (kind === "account") {
    const calls: Predicate = [[is("recipientAccountId", value)], [is("userIdentity.accountId", value)]];
    return { kind, value, what: ENTITY_WORDS.account, name: value, calls, flows: null, findings: { query: { account: value }, isMeant: () => true, exact: true } };
  }
  if (kind === "resource") {
    const { calls, flows } = resource(value);
    return { kind, value, what: ENTITY_WORDS.resource, name: value, calls, flows: flows ?? null, findings: byText };
  }
  const { what, name, calls, flows, words, account, isRole } = principal(value);
  return {
    kind, value, what, name, calls, flows: flows ?? null,
    findings: {
      query: { principal: words, ...(account ? { account } : {}) },
      isMeant: (finding) => finding.principal === words || (isRole === true && finding.principal.startsWith(`${words} (session `)),
      exact: true,
    },
  };
}

/** Columns that say who acted, and the names they get. */
export const WHO_COLUMNS =
  "userIdentity.type AS type, userIdentity.arn AS arn, userIdentity.userName AS user_name, userIdentity.accountId AS account, userIdentity.invokedBy AS invoked_by, userIdentity.identityProvider AS provider";

export type WhoRow = Partial<Record<"type" | "arn" | "user_name" | "account" | "invoked_by" | "provider" | "sourceIPAddress", unknown>>;

const text = (value: unknown) => (typeof value === "string" ? value : "");

/** Who acted, as findings say it. */
export function whoWords(row: WhoRow): string {
  const arn = text(row.arn);
  const behind = (marker: string) => (arn.includes(marker) ? arn.slice(arn.indexOf(marker) + marker.length) : "");
  switch (text(row.type)) {
    case "Root":
      return "root";
    case "IAMUser":
      return `user/${text(row.user_name) || lastOf(behind(":user/"))}`;
    case "AssumedRole": {
      const path = behind(":assumed-role/");
      const cut = path.lastIndexOf("/");
      return cut < 0 ? `role/${path}` : `role/${path.slice(0, cut)} (session ${path.slice(cut + 1)})`;
    }
    case "FederatedUser":
      return `federated user ${behind(":federated-user/") || arn}`;
    case "AWSService":
      return `service ${text(row.invoked_by) || text(row.sourceIPAddress)}`;
    case "AWSAccount":
      return `account ${text(row.account) || "unknown"}`;
    case "SAMLUser":
    case "WebIdentityUser":
      return `${text(row.user_name) || "someone"} of ${text(row.provider)}`;
    default:
      return text(row.user_name) || arn || text(row.invoked_by) || "someone";
  }
}

/** The kind and value under which who acted is looked at; ARNs where there are any, since they name the account. */
export function whoEntity(row: WhoRow): { kind: EntityKind; value: string } {
  const kind = text(row.type) === "AssumedRole" ? "session" : "principal";
  return { kind, value: text(row.arn) || whoWords(row) };
}
