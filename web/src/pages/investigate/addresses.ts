// Addresses that a finding's document names.
import type { Finding } from "../../api/client";

const text = (value: unknown) => (typeof value === "string" ? value : "");

export function addressesOf(finding: Finding): string[] {
  const document = finding.document as { evidences?: { src_endpoint?: { ip?: unknown } }[]; observables?: { type_id?: unknown; value?: unknown }[] } | null | undefined;
  const found = [
    ...(document?.evidences ?? []).map((one) => text(one.src_endpoint?.ip)),
    ...(document?.observables ?? []).filter((one) => one.type_id === 2).map((one) => text(one.value)),
  ];
  return [...new Set(found.filter((address) => /^[0-9a-f.:]+$/i.test(address)))];
}

/** The title without who it is, where that stands beside it. */
export function bareTitle({ title, principal }: Finding): string {
  return title.startsWith(`${principal} `) && title.length > principal.length + 1 ? title.slice(principal.length + 1) : title;
}

/** `user/alice` is `alice`, and a role is told without its session. */
export function short(principal: string): string {
  return principal.replace(/^(user|role)\//, "").replace(/ \(session .*\)$/, "");
}
