// Findings as they come and change, told by the server.
import { useEffect, useRef, useState } from "react";
import type { Finding } from "./client";

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
  source.onerror = () => watchers.forEach((tell) => tell(false));
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
