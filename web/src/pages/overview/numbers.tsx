// Five numbers, what they mean, and where they come from.
import type { ReactNode } from "react";
import { Link } from "wouter";
import { link } from "../../app/url";
import { ago, asDate, useNow } from "../../parts/time";
import { count, counted, JUDGED_MIN, percent, span } from "../../parts/words";
import type { Health, Kpis } from "./load";
import { freshness } from "./sources";

/** Targets of the guide to security operations that the product follows. */
export const TARGETS = { detect_s: 24 * 3600, resolve_s: 3600, wrong: 0.1 };

type State = "good" | "bad" | "unknown";
interface Card {
  name: string;
  value: string;
  state: State;
  says: ReactNode;
  to: string;
}

const STATE_WORDS: Record<State, string> = { good: "within target", bad: "over target", unknown: "not known yet" };

/** What of the sources is not well, apart from silence; nothing if all is. `aside` is when something was quarantined last. */
export function unwell({ status, ledger, aside }: Health, now: number): string | null {
  const stuck = status.feeds.filter((feed) => feed.trouble).length;
  const behind = status.log.durable - status.log.detected;
  if (status.trouble) return "the server does not get on";
  if (ledger.some((entry) => !entry.balanced)) return "the ledger does not balance";
  if (stuck > 0) return `${count(stuck)} ${stuck === 1 ? "feed does" : "feeds do"} not get on`;
  if (behind > BEHIND_MAX) return `late: ${count(behind)} deliveries wait for the rules`;
  if (aside !== null && now - (asDate(aside)?.getTime() ?? 0) < ASIDE_MS) return `quarantined: last ${ago(aside, now)}`;
  return null;
}
/** So many are looked at in a moment. */
const BEHIND_MAX = 100;
/** So long it is new that something was set aside. */
const ASIDE_MS = 7 * 86_400_000;

export function Numbers({ kpis, health }: { kpis: Kpis; health: Health | null }) {
  const status = health?.status ?? null;
  const now = useNow();
  const worst = kpis.open_critical + kpis.open_high;
  // The server leaves out what was older than a day when it came; made-up data is imported whole, and younger in part.
  const detect_s = status?.demo ? null : (kpis.mttd_s ?? null);
  const resolve_s = kpis.mttr_s ?? null;
  // Made-up data came once, when the demo began.
  const fresh = status?.sources.filter((source) => status.demo || freshness(source.last_seen, now).state === "good").length ?? 0;
  const isJudged = kpis.judged >= JUDGED_MIN && kpis.false_positive_rate !== null;
  const odd = health === null ? null : unwell(health, now);
  const cards: Card[] = [
    {
      name: "Open, critical and high",
      value: count(worst),
      state: worst === 0 ? "good" : "bad",
      says: `${count(kpis.open_critical)} critical, ${count(kpis.open_high)} high of ${count(kpis.open)} open`,
      to: link("/findings", { severity_min: 4 }),
    },
    {
      name: "Time to detect",
      value: detect_s === null ? "–" : span(detect_s),
      state: detect_s === null ? "unknown" : detect_s <= TARGETS.detect_s ? "good" : "bad",
      says: status?.demo ? "not of made-up data; target 24 h" : detect_s === null ? "no live finding yet; target 24 h" : `median, no imports; target 24 h`,
      to: link("/findings", { sort: "latest", status: "all" }),
    },
    {
      name: "Time to resolve",
      value: resolve_s === null ? "–" : span(resolve_s),
      state: resolve_s === null ? "unknown" : resolve_s <= TARGETS.resolve_s ? "good" : "bad",
      says: resolve_s === null ? "nothing resolved yet; target 1 h" : `median of ${kpis.days} days; target 1 h`,
      to: link("/findings", { status: "resolved", sort: "latest" }),
    },
    {
      name: "False positives",
      value: isJudged ? percent(kpis.false_positive_rate ?? 0) : "–",
      state: !isJudged ? "unknown" : (kpis.false_positive_rate ?? 0) <= TARGETS.wrong ? "good" : "bad",
      says: kpis.judged === 0 ? "no verdict yet; target below 10 %" : `${count(kpis.false_positives)} of ${counted(kpis.judged, "verdict")}${isJudged ? "" : `, a share from ${JUDGED_MIN} on`}; target below 10 %`,
      to: link("/findings", kpis.judged === 0 ? {} : { status: "all", verdict: "false_positive" }),
    },
    {
      name: "Sources reporting",
      value: status === null ? "–" : `${count(fresh)} of ${count(status.sources.length)}`,
      state: status === null || status.sources.length === 0 ? "unknown" : fresh === status.sources.length && odd === null ? "good" : "bad",
      says: status === null ? "your role may not see sources" : status.sources.length === 0 ? "nothing came since the server began" : fresh === status.sources.length ? (odd ?? (status.demo ? "made-up data, which came once" : "all within the last 15 min")) : `${count(status.sources.length - fresh)} silent for 15 min or more`,
      to: "/sources",
    },
  ];
  return (
    <ul className="numbers" aria-label="Five numbers">
      {cards.map((card) => (
        <li key={card.name}>
          <Link href={card.to} className={`number-card ${card.state}`}>
            <span className="name">{card.name}</span>
            <span className="value-line">
              <strong>{card.value}</strong>
              <span className="state">{wordOf(card)}</span>
            </span>
            <span className="says">{card.says}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function wordOf({ name, state }: Card): string {
  if (state === "unknown") return STATE_WORDS.unknown;
  if (name.startsWith("Open")) return state === "good" ? "all clear" : "to do";
  if (name.startsWith("Sources")) return state === "good" ? "all well" : "look at them";
  return STATE_WORDS[state];
}
