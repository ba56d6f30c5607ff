// The server runs two queries of a user at a time and refuses a third, so they take turns here.
import { ApiProblem } from "./client";

const AT_ONCE = 2;
const PATIENCE_MS = 60_000;
const PAUSE_MS = 250;

interface Waiting {
  go: () => void;
}
const line: Waiting[] = [];
let running = 0;

/** Waits for a turn, acts, and lets the next one go. Who is `first` does not stand in line behind others. */
export async function inTurn<T>(act: () => Promise<T>, { signal, isFirst = false }: { signal?: AbortSignal; isFirst?: boolean } = {}): Promise<T> {
  await turn(signal, isFirst);
  try {
    return await act();
  } finally {
    running -= 1;
    line.shift()?.go();
  }
}

function turn(signal: AbortSignal | undefined, isFirst: boolean): Promise<void> {
  signal?.throwIfAborted();
  if (running < AT_ONCE) {
    running += 1;
    return Promise.resolve();
  }
  return new Promise((ready, failed) => {
    const waiting: Waiting = {
      go: () => {
        signal?.removeEventListener("abort", drop);
        running += 1;
        ready();
      },
    };
    const drop = () => {
      const at = line.indexOf(waiting);
      if (at >= 0) line.splice(at, 1);
      failed(signal?.reason);
    };
    signal?.addEventListener("abort", drop, { once: true });
    if (isFirst) line.unshift(waiting);
    else line.push(waiting);
  });
}

/** Asks again while the server says that too many run: another tab of the same user has its turns too. */
export async function whenFree<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const since = performance.now();
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 1.5, 2000)) {
    try {
      return await ask();
    } catch (err) {
      if (!(err instanceof ApiProblem && err.status === 429) || performance.now() - since > PATIENCE_MS) throw err;
      await new Promise((later) => setTimeout(later, pause));
      signal?.throwIfAborted();
    }
  }
}
