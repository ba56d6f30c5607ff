// Panels ask the lake, two at once, as many as the server lets one person run, so that a page of them does not crowd out what others ask.
import { useQuery } from "@tanstack/react-query";
import { ApiProblem } from "../../api/client";
import { runQuery, type Answer, type Question } from "../../api/query";

const AT_ONCE = 2;
const TRIES = 20;
const PAUSE_MS = 300;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((go) => waiting.push(go));
  running += 1;
  try {
    signal.throwIfAborted();
    for (let tries = 1; ; tries += 1) {
      try {
        return await act();
      } catch (err) {
        // Another page or person of the same name asks too.
        if (!(err instanceof ApiProblem && err.status === 429) || tries >= TRIES) throw err;
        await new Promise((later) => setTimeout(later, PAUSE_MS));
        signal.throwIfAborted();
      }
    }
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

/** The answer to a question when its turn comes. No question, no call. */
export function useAsk(question: Question | null) {
  return useQuery({
    queryKey: ["answer", question],
    queryFn: ({ signal }): Promise<Answer> => inTurn(signal, () => runQuery(question as Question, signal)),
    enabled: question !== null,
    staleTime: 60_000,
    retry: false,
  });
}

export function askInTurn(question: Question, signal: AbortSignal): Promise<Answer> {
  return inTurn(signal, () => runQuery(question, signal));
}
