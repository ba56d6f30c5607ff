// The menu that closes findings: a key for each verdict.
import { useEffect, useRef, type KeyboardEvent } from "react";
import type { Verdict } from "../../api/client";

export const VERDICTS: { key: string; verdict: Verdict; words: string; means: string }[] = [
  { key: "1", verdict: "true_positive", words: "True positive", means: "an attack, or a breach of rules" },
  { key: "2", verdict: "false_positive", words: "False positive", means: "the rule is wrong here" },
  { key: "3", verdict: "benign", words: "Benign", means: "it happened, and it is allowed" },
];

export function closedWords(verdict: Verdict): string {
  return `resolved as ${verdict.replace("_", " ")}`;
}

export function VerdictMenu({ what, onChoose, onCancel }: { what: string; onChoose: (verdict: Verdict) => void; onCancel: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  const came = useRef<Element | null>(null);
  useEffect(() => {
    came.current = document.activeElement;
    box.current?.querySelector("button")?.focus();
    return () => (came.current as HTMLElement | null)?.focus?.();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const hit = VERDICTS.find((one) => one.key === event.key);
    const items = [...(box.current?.querySelectorAll("button") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    event.stopPropagation();
    event.nativeEvent.stopImmediatePropagation();
    if (hit) onChoose(hit.verdict);
    else if (event.key === "Escape" || event.key === "Tab") onCancel();
    else if (event.key === "ArrowDown" || event.key === "j") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp" || event.key === "k") items[(at - 1 + items.length) % items.length]?.focus();
    else return;
    event.preventDefault();
  };
  return (
    <div className="verdict-veil" onClick={onCancel}>
      <div ref={box} className="verdict-menu" role="menu" aria-label={`Close ${what} as`} onKeyDown={onKeyDown} onClick={(event) => event.stopPropagation()}>
        <p aria-hidden="true">Close {what} as</p>
        {VERDICTS.map((one) => (
          <button key={one.key} type="button" role="menuitem" onClick={() => onChoose(one.verdict)}>
            <kbd>{one.key}</kbd>
            <span>
              <strong>{one.words}</strong>
              <span className="muted">{one.means}</span>
            </span>
          </button>
        ))}
      </div>
    </div>
  );
}
