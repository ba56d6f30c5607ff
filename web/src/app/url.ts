// What a page shows stands in its address, so that a link shows it again.
import { useCallback } from "react";
import { useSearchParams } from "wouter";

/** A value of the address, and how to set it; the empty text takes it out. */
export function useUrl(name: string, usual = ""): [string, (value: string, how?: { push?: boolean }) => void] {
  const [params, set] = useSearchParams();
  const put = useCallback(
    (value: string, how?: { push?: boolean }) => {
      set(
        (before) => {
          const next = new URLSearchParams(before);
          if (value === "" || value === usual) next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: !how?.push },
      );
    },
    [name, set, usual],
  );
  return [params.get(name) ?? usual, put];
}

type Params = Record<string, string | number | null | undefined>;

/** An address within the console. */
export function link(path: string, params: Params = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Where a question is asked again by hand. */
export function queryLink(text: string, lang: "ql" | "sql" = "ql", window: { from?: string | null; to?: string | null } = {}): string {
  return link("/query", { q: text, lang: lang === "ql" ? null : lang, from: window.from, to: window.to, run: 1 });
}

export type EntityKind = "principal" | "session" | "key" | "ip" | "resource" | "account";

/** Where a name is looked for; as something of this kind first. */
export function searchLink(text: string, kind?: EntityKind): string {
  return link("/search", { q: text, kind });
}

/** Where an entity is looked at. */
export function entityLink(kind: EntityKind, value: string): string {
  return link("/investigate", { kind, value });
}
