// What a name that somebody typed or clicked may be the name of.
import type { EntityKind } from "./url";

export const ENTITY_WORDS: Record<EntityKind, string> = {
  principal: "Principal",
  session: "Role session",
  key: "Access key",
  ip: "Address",
  resource: "Resource",
  account: "Account",
};

/** The likeliest first. */
export function guess(text: string): { kind: EntityKind; label: string }[] {
  const kinds: EntityKind[] = [];
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(text) || (/^[0-9a-f:.]+$/i.test(text) && text.includes(":") && text.includes("::") || /^([0-9a-f]{1,4}:){3,}/i.test(text))) kinds.push("ip");
  else if (/^(AKIA|ASIA)[A-Z0-9]{12,}$/.test(text)) kinds.push("key");
  else if (/^\d{12}$/.test(text)) kinds.push("account");
  else if (/^arn:[^:]*:sts:.*:assumed-role\//.test(text)) kinds.push("session", "principal");
  else if (/^arn:[^:]*:iam:.*:(user|role|root)/.test(text)) kinds.push("principal", "resource");
  else if (/^arn:/.test(text)) kinds.push("resource");
  else if (/^(i|sg|vol|snap|vpc|subnet|eni|ami)-[0-9a-f]+$/.test(text)) kinds.push("resource");
  else if (!/\s/.test(text) && text.length >= 3) kinds.push("principal", "resource");
  return kinds.map((kind) => ({ kind, label: ENTITY_WORDS[kind] }));
}

/** A network as it is written, IPv4 or IPv6. */
export function isNetwork(text: string): boolean {
  const [address = "", length = ""] = text.split("/");
  if (!/^\d{1,3}$/.test(length)) return false;
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (four) return four.slice(1).every((part) => Number(part) <= 255) && Number(length) <= 32;
  return /^[0-9a-f:.]+$/i.test(address) && address.includes(":") && Number(length) <= 128;
}
