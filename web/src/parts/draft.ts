// What somebody is writing is kept by the tab until it is sent, so that the end of a session loses nothing.
import { useState } from "react";
import { useSession } from "../api/session";

const NAME = "skywarden-writing-";

function read<T>(key: string): T | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null") as T | null;
  } catch {
    return null;
  }
}

/** Drafts are their writer's: whoever logs in next in this tab does not see them. */
function keyOf(who: string, what: string): string {
  return `${NAME}${who}-${what}`;
}

export interface Draft<T> {
  value: T;
  set: (value: T) => void;
  /** It was sent, or is not wanted any more. */
  drop: () => void;
  /** Whether it was begun before this was shown. */
  isOld: boolean;
}

export function useDraft<T>(what: string, usual: T): Draft<T> {
  const { data: me } = useSession();
  const key = keyOf(me?.name ?? "", what);
  const [before] = useState(() => read<T>(key));
  const [value, setValue] = useState<T>(before ?? usual);
  const [isOld, setOld] = useState(before !== null);
  const set = (next: T) => {
    setValue(next);
    try {
      if (JSON.stringify(next) === JSON.stringify(usual)) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(next));
    } catch {
      // A browser that keeps nothing has it on the page still.
    }
  };
  const drop = () => {
    setValue(usual);
    setOld(false);
    sessionStorage.removeItem(key);
  };
  return { value, set, drop, isOld };
}

/** The drafts of this kind that the tab keeps of the caller, as they were when this was shown. */
export function useDrafts<T>(kind: string): { value: T; drop: () => void }[] {
  const { data: me } = useSession();
  const begin = keyOf(me?.name ?? "", kind);
  const [keys, setKeys] = useState(() => Object.keys(sessionStorage).filter((key) => key.startsWith(begin)));
  return keys.flatMap((key) => {
    const value = read<T>(key);
    const drop = () => {
      sessionStorage.removeItem(key);
      setKeys((all) => all.filter((one) => one !== key));
    };
    return value === null ? [] : [{ value, drop }];
  });
}

/** What the tab keeps of whoever logs out. */
export function forgetDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith("skywarden-")) sessionStorage.removeItem(key);
}
