// What the OCSF document of a finding says, as the console needs it. Nothing is taken for granted of its form.
import type { Finding } from "../../api/client";
import { ownOf } from "./own";

export interface Attack {
  technique: string;
  name: string;
  tactics: string[];
}
export interface Facts {
  why: string;
  todo: string[];
  attacks: Attack[];
  tactics: string[];
  ruleTitle: string;
  /** Its ARN if the log has one, else its name. */
  principalUid: string;
  ips: string[];
  resources: string[];
  regions: string[];
  events: string[];
}

type Loose = { [key: string]: Loose } & Loose[];

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}
function list(value: unknown): Loose[] {
  return Array.isArray(value) ? (value as Loose[]) : [];
}
function unique(values: string[]): string[] {
  return [...new Set(values.filter((value) => value !== ""))];
}

export function factsOf(finding: Finding): Facts {
  const document = (finding.document ?? {}) as unknown as Loose;
  const info = document.finding_info as Loose | undefined;
  const own = ownOf(finding.rule);
  const evidences = list(document.evidences);
  const attacks = list(info?.attacks).map((one) => ({
    technique: text(one.sub_technique?.uid) || text(one.technique?.uid),
    name: text(one.sub_technique?.name) || text(one.technique?.name),
    tactics: list(one.tactics).map((tactic) => text(tactic.name)),
  }));
  return {
    why: text(info?.desc) || (own?.why ?? ""),
    todo: own?.todo ?? text(document.remediation?.desc).split("\n").filter((line) => line.trim() !== ""),
    attacks,
    tactics: unique(attacks.flatMap((one) => one.tactics)),
    ruleTitle: text(info?.analytic?.name) || (own?.title ?? finding.rule),
    principalUid: text(evidences[0]?.actor?.user?.uid) || finding.principal,
    ips: unique([
      ...evidences.map((one) => text(one.src_endpoint?.ip)),
      ...list(document.observables).filter((one) => text(one.type) === "IP Address").map((one) => text(one.value)),
    ]),
    resources: unique(list(document.resources).map((one) => text(one.uid) || text(one.name))),
    regions: unique([text(document.cloud?.region), finding.region]),
    events: unique(list(info?.related_events).map((one) => text(one.uid))),
  };
}

/** What was done, where who did it stands beside it. */
export function deed(finding: Finding): string {
  const { title, principal } = finding;
  const isLed = principal !== "" && title.toLowerCase().startsWith(`${principal.toLowerCase()} `);
  return isLed ? title.slice(principal.length + 1) : title;
}
