// When this browser last looked, so that it can say what is new since.
import { useEffect, useState } from "react";

const KEPT = "skywarden-overview-looked";
/** Coming back within this time is the same look. */
const SAME_MS = 10 * 60_000;

interface Looked {
  /** The look before this one. */
  before: number | null;
  last: number;
}

function read(now: number): number | null {
  try {
    const { before, last } = JSON.parse(localStorage.getItem(KEPT) ?? "null") as Looked;
    return now - last > SAME_MS ? last : before;
  } catch {
    return null;
  }
}

/** When the last look ended, in milliseconds; null if there was none. */
export function useLooked(): number | null {
  const [before] = useState(() => read(Date.now()));
  useEffect(() => {
    const keep = () => localStorage.setItem(KEPT, JSON.stringify({ before, last: Date.now() } satisfies Looked));
    keep();
    const every = setInterval(keep, 60_000);
    addEventListener("pagehide", keep);
    return () => {
      clearInterval(every);
      removeEventListener("pagehide", keep);
      keep();
    };
  }, [before]);
  return before;
}
