// Findings as they come and change, told by the server.
import { useEffect, useRef, useState } from "react";
import { send, type Finding } from "./client";
import { suspect } from "./reach";

type Hear = (finding: Finding) => void;
const ears = new Set<Hear>();
const watchers = new Set<(isLive: boolean) => void>();
let source: EventSource | null = null;

function open(): void {
  source = new EventSource("/api/v1/stream");
  source.addEventListener("finding", (event) => {
    const finding = JSON.parse((event as MessageEvent<string>).data) as Finding;
    for (const hear of ears) hear(finding);
  });
  source.onopen = () => watchers.forEach((tell) => tell(true));
  source.onerror = () => {
    watchers.forEach((tell) => tell(false));
    suspect();
    if (source?.readyState === EventSource.CLOSED) openLater();
  };
}

const AGAIN_MS = 5000;

/** A browser gives a stream up that was refused: the session may have ended, or something in front of the server answered. */
function openLater(): void {
  const closed = source;
  setTimeout(() => {
    if (source !== closed || source === null) return;
    void send("/api/v1/finding-counts").then(open, openLater);
  }, AGAIN_MS);
}

function closeIfUnheard(): void {
  if (ears.size + watchers.size > 0) return;
  source?.close();
  source = null;
}

/** Calls for each finding that comes or changes while the component is shown. */
export function useLive(hear: Hear): void {
  const kept = useRef(hear);
  kept.current = hear;
  useEffect(() => {
    const ear: Hear = (finding) => kept.current(finding);
    ears.add(ear);
    if (!source) open();
    return () => {
      ears.delete(ear);
      closeIfUnheard();
    };
  }, []);
}

/** Whether the stream is open. */
export function useIsLive(): boolean {
  const [isLive, tell] = useState(source?.readyState === 1);
  useEffect(() => {
    watchers.add(tell);
    if (!source) open();
    return () => {
      watchers.delete(tell);
      closeIfUnheard();
    };
  }, []);
  return isLive;
}
