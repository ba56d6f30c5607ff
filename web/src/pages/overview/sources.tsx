// Whether anything still comes, and whether nothing was lost.
import { Link } from "wouter";
import type { Schema } from "../../api/client";
import { Panel } from "../../parts/panel";
import { ago, asDate, utc } from "../../parts/time";
import { useNow } from "../../parts/time";
import { visible } from "../../parts/value";
import { count } from "../../parts/words";

/** As long as the server waits before it calls a source silent, unless it is told otherwise. */
export const SILENT_S = 900;
const DAY = 24 * 3600;

export interface Freshness {
  state: "good" | "late" | "bad";
  word: string;
  /** 1 is now, 0 is a day ago. */
  share: number;
}

export function freshness(last: string, now: number): Freshness {
  const age = Math.max(0, (now - (asDate(last)?.getTime() ?? 0)) / 1000);
  const share = Math.max(0.02, 1 - age / DAY);
  if (age <= SILENT_S) return { state: "good", word: "reporting", share };
  if (age <= DAY) return { state: "late", word: "quiet", share };
  return { state: "bad", word: "silent", share };
}

export function Sources({ status, ledger }: { status: Schema<"ServerStatus">; ledger: Schema<"LedgerEntry">[] }) {
  const now = useNow();
  const sum = (name: "in" | "lake" | "duplicates" | "quarantined" | "rejected") => ledger.reduce((all, entry) => all + entry[name], 0);
  const wrong = ledger.filter((entry) => !entry.balanced);
  const troubles = [status.trouble, ...status.feeds.map((feed) => feed.trouble)].filter((trouble): trouble is string => Boolean(trouble));
  return (
    <Panel id="freshness" title="Sources" note="when each was last heard" actions={<Link href="/sources" className="door">Sources & health</Link>}>
      {status.sources.length === 0 ? <p className="hint">Nothing came since the server began.</p> : null}
      <ul className="freshness">
        {status.sources.map((source) => {
          const { state, word, share } = freshness(source.last_seen, now);
          return (
            <li key={source.source} className={state}>
              <span className="name">{visible(source.source)}</span>
              <span className="word">
                {word}, <span title={`${utc(source.last_seen)} UTC`}>{ago(source.last_seen, now)}</span>
              </span>
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect width="100" height="4" className="track" />
                <rect width={share * 100} height="4" className="bar-fill" />
              </svg>
            </li>
          );
        })}
      </ul>
      <p className={wrong.length === 0 ? "ledger good" : "ledger bad"}>
        <Link href="/sources">
          {wrong.length === 0 ? "Ledger balanced" : `Ledger not balanced: ${wrong.map((entry) => visible(entry.source)).join(", ")}`}
        </Link>
        <span>
          {count(sum("in"))} in = {count(sum("lake"))} in the lake + {count(sum("duplicates"))} duplicates + {count(sum("quarantined"))} quarantined + {count(sum("rejected"))} rejected
        </span>
      </p>
      {troubles.slice(0, 2).map((trouble) => (
        <p key={trouble} className="ledger bad">
          {visible(trouble)}
        </p>
      ))}
    </Panel>
  );
}
