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

const BYTE = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const ADDRESS = new RegExp(`^${BYTE}(\\.${BYTE}){3}$`);
/** The first one to three bytes of an address; one alone has its dot, as it is a number otherwise. */
const BEGUN = new RegExp(`^(${BYTE}\\.|${BYTE}(\\.${BYTE}){1,2}\\.?)$`);

/** The network that a text names, as it is written or by how its addresses begin: `10.` is 10.0.0.0/8, `203.0.113` is 203.0.113.0/24. */
export function networkOf(text: string): string | null {
  if (BEGUN.test(text)) {
    const bytes = text.split(".").filter(Boolean);
    return `${[...bytes, "0", "0", "0"].slice(0, 4).join(".")}/${bytes.length * 8}`;
  }
  const [address = "", length = "", ...more] = text.split("/");
  if (!/^\d{1,3}$/.test(length) || more.length > 0) return null;
  if (ADDRESS.test(address)) return Number(length) <= 32 ? text : null;
  return /^[0-9a-f:.]+$/i.test(address) && address.includes(":") && Number(length) <= 128 ? text : null;
}
