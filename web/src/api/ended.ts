// Why a session ended, as far as a browser can tell: the server says only that it has.
export interface Known {
  /** When it was begun, used last, and ended by hand; when the server did not answer last. Milliseconds. */
  begun: number;
  used: number;
  away?: number;
  left?: number;
}

/** As the server has them. */
const IDLE_MS = 30 * 60_000;
const LONGEST_MS = 12 * 3_600_000;
const KEPT = "skywarden-session";
/** By itself, so that a tab that tells of its use does not write over it. */
const LEFT = "skywarden-left";
const WRITE_MS = 5000;

/** `wasHere` tells that this tab was logged in, and did not just come. */
export function whyEnded(known: Known | null, now: number, wasHere: boolean): string | null {
  if (known === null) return null;
  if (known.left !== undefined) return wasHere ? "You logged out in another tab." : null;
  if (now - known.used >= IDLE_MS) return "Your session ended after 30 minutes without use.";
  if (now - known.begun >= LONGEST_MS) return "Your session ended: it lasts 12 hours at most.";
  if (!wasHere) return null;
  if ((known.away ?? 0) > known.used) return "The server was restarted, which ends all sessions.";
  return "Your session was ended: you logged out elsewhere, your password or your rights were changed, or the server was restarted.";
}

let wasHere = false;
let written = 0;

function read(): Known | null {
  try {
    const known = JSON.parse(localStorage.getItem(KEPT) ?? "null") as Known | null;
    const left = Number(localStorage.getItem(LEFT) ?? 0);
    return known && left > known.begun ? { ...known, left } : known;
  } catch {
    return null;
  }
}
function write(known: Known): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(known));
  } catch {
    // A browser that keeps nothing cannot say why.
  }
}

/** Somebody is logged in. */
export function entered(now: number): void {
  wasHere = true;
  written = now;
  write({ begun: now, used: now });
}

/** A session that was begun before goes on. */
export function goesOn(now: number): void {
  const known = read();
  if (known === null || known.left !== undefined) entered(now);
  wasHere = true;
  used(now);
}

/** The server took the session. */
export function used(now: number): void {
  if (!wasHere || now - written < WRITE_MS) return;
  written = now;
  const known = read();
  if (known && known.left === undefined) write({ ...known, used: now });
}

export function outage(now: number): void {
  const known = read();
  written = 0;
  if (known && known.left === undefined) write({ ...known, away: now });
}

/** Whoever logs out knows why; other tabs are told. */
export function left(now: number): void {
  wasHere = false;
  try {
    localStorage.setItem(LEFT, String(now));
  } catch {
    // Other tabs then say that it was done elsewhere.
  }
}

export function why(now: number): string | null {
  return whyEnded(read(), now, wasHere);
}

/** Acts when a session begins or ends in another tab. */
export function whenElsewhere(act: () => void): void {
  let before = read();
  addEventListener("storage", (event) => {
    if (event.key !== KEPT && event.key !== LEFT) return;
    const now = read();
    if (before?.begun !== now?.begun || before?.left !== now?.left) act();
    before = now;
  });
}
