// A value out of a log: monospace, shortened in the middle, whole on hover, copied with one click. Text only, whatever it holds.
import { useState } from "react";
import { Link } from "wouter";

const TAIL = 12;

/** Signs that turn the direction of text or hide themselves are shown, so that a name cannot pose as another. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
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
