// Roles and rights in words.
import type { Schema } from "../../api/client";

export type Role = Schema<"Role">;

export const ROLES: { value: Role; label: string; description: string }[] = [
  { value: "viewer", label: "Viewer", description: "Sees findings, rules and status, and asks the lake. Changes nothing." },
  { value: "analyst", label: "Analyst", description: "As a viewer, and judges and suppresses findings." },
  { value: "responder", label: "Responder", description: "As an analyst, and acts on findings." },
  { value: "admin", label: "Admin", description: "Everything: users, tokens, sending logs, the audit." },
  { value: "ingest-only", label: "Ingest only", description: "Sends logs and sees nothing. For programs." },
];

export function roleWord(role: string): string {
  return ROLES.find((one) => one.value === role)?.label ?? role;
}

const RIGHTS: Record<string, string> = {
  "session:own": "Log in and out, change your password",
  "findings:read": "See findings",
  "findings:write": "Judge findings: assign, note, close",
  "suppressions:write": "Suppress findings, and end suppressions",
  "query:run": "Ask the lake: query, investigate",
  "rules:read": "See rules and coverage",
  "system:read": "See how the server and its sources are doing",
  "ingest:write": "Send logs, replay what was set aside",
  "users:manage": "Make, change and remove users and tokens",
  "rules:write": "Keep rules, switch them on and off",
  "audit:read": "Read and verify the audit",
};
export const ALL_RIGHTS = Object.keys(RIGHTS);
export function rightWord(right: string): string {
  return RIGHTS[right] ?? right;
}

/** Account ids out of what was typed; null if one is none. Empty is all accounts. */
export function accounts(text: string): string[] | null {
  const ids = text.split(/[\s,;]+/).filter((id) => id !== "");
  return ids.every((id) => /^\d{12}$/.test(id)) ? [...new Set(ids)] : null;
}

export const PASSWORD_MIN = 12;

const KINDS: Record<string, string> = {
  login: "Logged in",
  "setup.link": "Made the first-run link",
  "user.made": "Made a user",
  "user.changed": "Changed a user",
  "user.password": "Set a password",
  "user.removed": "Removed a user",
  "token.made": "Made a token",
  "token.revoked": "Revoked a token",
  "finding.decided": "Decided about a finding",
  "finding.noted": "Wrote a note",
  "suppression.made": "Made a suppression",
  "suppression.ended": "Ended a suppression",
  "suppression.over": "A suppression ran out",
};
export function kindWord(kind: string): string {
  return KINDS[kind] ?? kind;
}
