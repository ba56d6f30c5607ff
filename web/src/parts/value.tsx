// A value out of a log: monospace, shortened in the middle, whole on hover, copied with one click. Text only, whatever it holds.
import { useState } from "react";
import { Link } from "wouter";

const TAIL = 12;

/** Signs that turn the direction of text, hide themselves, or heap up over other lines are shown, so that a name cannot pose as another. */
export function visible(text: string): string {
  const shown = text.replace(
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu,
    (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  return shown.replace(/(\p{M}{4})(\p{M}+)/gu, (_, kept: string, more: string) => `${kept}\u25cc\u00d7${more.length}`);
}

export function Value({ text, to }: { text: string; to?: string }) {
  const [isCopied, setCopied] = useState(false);
  const shown = visible(text);
  const cut = shown.length > TAIL * 2 ? shown.length - TAIL : shown.length;
  const parts = (
    <>
      <span className="head">{shown.slice(0, cut)}</span>
      <span className="tail">{shown.slice(cut)}</span>
    </>
  );
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <span className="value" title={shown}>
      {to ? (
        <Link href={to} className="text">
          {parts}
        </Link>
      ) : (
        <span className="text">{parts}</span>
      )}
      <button type="button" onClick={() => void copy()} aria-label={isCopied ? "Copied" : `Copy ${shown.slice(0, 60)}`}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          {isCopied ? <path d="M3 8.5 6.5 12 13 4.5" /> : <path d="M5.5 5.5V2.5h8v8h-3M2.5 5.5h8v8h-8z" />}
        </svg>
      </button>
    </span>
  );
}
