// The events behind a finding, read out of the log as who did what from where to what.
import { asDate } from "../../parts/time";
import type { Row } from "../../api/query";

export interface Seen {
  uid: string;
  ms: number;
  /** What was called, or what became of a connection. */
  name: string;
  service: string;
  /** The ARN of a user or role, or the name of what else acted. */
  principal: string;
  /** The ARN of the role session, if it was one. */
  session: string;
  key: string;
  ip: string;
  account: string;
  region: string;
  resources: string[];
  error: string;
  isRead: boolean;
  /** The role session that this call opened. */
  opened: string;
  /** The access key that this call made. */
  madeKey: string;
  rule: string;
  raw: string;
  /** What a rule can be tried on: the record, or the fields of a flow record in their usual order. */
  tried: unknown;
  /** The record, if it is JSON. */
  record: Loose | null;
}
export type Loose = { [key: string]: Loose } & Loose[];

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** Of a row of `hits`. */
export function seen(row: Row): Seen {
  const raw = text(row.raw);
  const base: Seen = {
    uid: text(row.event_uid),
    ms: asDate(text(row.time_dt))?.getTime() ?? 0,
    name: "",
    service: text(row.event_source),
    principal: "",
    session: "",
    key: "",
    ip: "",
    account: text(row.event_account),
    region: "",
    resources: [],
    error: "",
    isRead: false,
    opened: "",
    madeKey: "",
    rule: text(row.rule_uid),
    raw,
    tried: raw,
    record: null,
  };
  const format = text(row.event_format);
  if (format.includes("${")) return flow(base, format);
  try {
    const record = JSON.parse(raw) as Loose;
    if (record && typeof record === "object") return trail({ ...base, record, tried: record }, record);
  } catch {
    // Not JSON: it is shown as the text that it is.
  }
  return base;
}

function trail(base: Seen, record: Loose): Seen {
  const who = record.userIdentity;
  const issuer = text(who?.sessionContext?.sessionIssuer?.arn);
  const arn = text(who?.arn);
  const isSession = /:assumed-role\//.test(arn);
  const account = text(who?.accountId);
  const answer = record.responseElements;
  return {
    ...base,
    name: text(record.eventName),
    service: text(record.eventSource).replace(/\.amazonaws\.com$/, ""),
    principal: issuer || (isSession ? arn : arn) || text(who?.userName) || text(who?.invokedBy) || (account === "" ? text(who?.principalId) : `account ${account}`),
    session: isSession ? arn : "",
    key: text(who?.accessKeyId),
    ip: text(record.sourceIPAddress),
    account: base.account || text(record.recipientAccountId),
    region: text(record.awsRegion),
    resources: named(record),
    error: text(record.errorCode) + (text(record.errorMessage) === "" ? "" : `: ${text(record.errorMessage)}`),
    isRead: (record.readOnly as unknown) === true,
    opened: text(answer?.assumedRoleUser?.arn),
    madeKey: text(answer?.accessKey?.accessKeyId) || text(answer?.credentials?.accessKeyId),
  };
}

const NAMES = /(arn|bucketName|userName|roleName|groupName|groupId|policyArn|instanceId|functionName|snapshotId|volumeId|imageId|trailName|^name|keyId|secretId|tableName|clusterName|dBInstanceIdentifier|serialNumber|flowLogId|detectorId|parameterName)$/i;
const NO_NAMES = /(sessionName|externalId|clientToken|nextToken|requestId)$/i;
const NAMED_MAX = 8;

/** What a call names: the resources that AWS lists, and names among its parameters. */
function named(record: Loose): string[] {
  const found = new Set<string>();
  for (const one of Array.isArray(record.resources) ? record.resources : []) found.add(text(one.ARN) || text(one.arn));
  const look = (value: unknown, key: string, depth: number): void => {
    if (depth > 5 || found.size >= NAMED_MAX) return;
    if (typeof value === "string") {
      if (value !== "" && value.length <= 2048 && NAMES.test(key) && !NO_NAMES.test(key)) found.add(value);
    } else if (Array.isArray(value)) value.slice(0, NAMED_MAX).forEach((item) => look(item, key, depth + 1));
    else if (value && typeof value === "object") for (const [inner, item] of Object.entries(value)) look(item, inner, depth + 1);
  };
  look(record.requestParameters, "", 0);
  found.delete("");
  return [...found].slice(0, NAMED_MAX);
}

const USUAL = ["version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "action", "log-status"];
const PROTOCOLS: Record<string, string> = { "1": "ICMP", "6": "TCP", "17": "UDP" };

/** A record of a flow log, by the names of its format. */
function flow(base: Seen, format: string): Seen {
  const names = [...format.matchAll(/\$\{([^}]+)\}/g)].map((match) => match[1] ?? "");
  const values = base.raw.split(" ");
  const read = (name: string) => values[names.indexOf(name)] ?? "-";
  const of = (name: string) => {
    const value = read(name);
    return value === "-" ? "" : value;
  };
  const to = of("instance-id") || of("interface-id") || of("dstaddr");
  const action = of("action");
  return {
    ...base,
    service: "flow",
    name: action === "" ? `records ${of("log-status")}` : `${action} ${PROTOCOLS[of("protocol")] ?? of("protocol")} ${of("dstport")}`,
    principal: of("interface-id"),
    ip: of("srcaddr"),
    account: base.account || of("account-id"),
    region: of("region"),
    resources: [of("dstaddr"), to].filter((value, at, all) => value !== "" && all.indexOf(value) === at),
    isRead: true,
    tried: ["2", ...USUAL.slice(1).map(read)].join(" "),
  };
}

/** What a rule looks at, out of the canonical text of its predicate. */
export function fieldsOf(predicate: string): string[] {
  const fields = new Set<string>();
  for (const line of predicate.split("\n")) {
    const name = line.match(/^\s*~?([A-Za-z_][\w.@-]*(?:\[\*\])?(?:\.[\w@-]+(?:\[\*\])?)*)\s+\S/)?.[1];
    if (name && !/^(all|any|not)$/.test(name)) fields.add(name.replaceAll("[*]", ""));
  }
  return [...fields];
}

/** The last part of an ARN or path, which people call it by. */
export function short(name: string): string {
  if (!name.startsWith("arn:")) return name;
  const rest = name.split(":").slice(5).join(":");
  const parts = rest.split("/");
  if (parts[0] === "assumed-role" && parts.length >= 3) return `${parts[1]}/${parts.slice(2).join("/")}`;
  if (parts.length >= 2) return `${parts[0]}/${parts.at(-1)}`;
  return rest || name;
}
