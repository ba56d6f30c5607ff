// What the server finds of itself: no rule found it and no event is behind it, so its rule has no page and says nothing.
interface Own {
  title: string;
  why: string;
  todo: string[];
  /** Where one sees more of it. */
  to: string;
}

const SOURCES = "/sources";
const LEDGER = "/sources?tab=ledger";
const RULES = "/detections";

const OWN: Record<string, Own> = {
  "skywarden.silent-source": {
    title: "A log source is silent",
    why: "Logs that came before do not come any more. What happens meanwhile is seen by no rule.",
    todo: ["See which source it is, and when it was heard last, under Sources & health.", "Look at the trail, flow log, queue or stream in AWS: it may have been stopped, or lost a right.", "If it was stopped, find out who did it: intruders stop logs first."],
    to: SOURCES,
  },
  "skywarden.trouble": {
    title: "The server does not get on",
    why: "What senders were told is kept is on disk, but the server cannot go on with it, so new attacks are not found.",
    todo: ["Look for a full disk first.", "Run skywarden doctor --data DIR --ledger on the server."],
    to: SOURCES,
  },
  "skywarden.damaged-log": {
    title: "The log of deliveries is damaged",
    why: "A part of what came in cannot be read. It was set aside, and what was in it may never have been looked at.",
    todo: ["Run skywarden doctor --data DIR --ledger on the server: it names the parts.", "Let senders send that time again: nothing is taken twice."],
    to: LEDGER,
  },
  "skywarden.broken-rule": {
    title: "A rule cannot be used",
    why: "A rule file has a mistake, so its rule finds nothing.",
    todo: ["Mend the file; Detections says where the mistake is.", "Backtest the rule over the days on which it was broken."],
    to: RULES,
  },
  "skywarden.panicking-rule": { title: "A rule failed and is switched off", why: "A rule failed on an event and was switched off so that the others go on. It finds nothing now.", todo: ["Look at the rule and tell who made it.", "Switch it on again when it is mended, and backtest it."], to: `${RULES}?state=off` },
  "skywarden.slow-rule": { title: "A rule was too slow and is switched off", why: "A rule held all others up and was switched off. It finds nothing now.", todo: ["Make what it looks for narrower.", "Switch it on again when it is mended, and backtest it."], to: `${RULES}?state=off` },
};

export function ownOf(rule: string): Own | undefined {
  return Object.hasOwn(OWN, rule) ? OWN[rule] : undefined;
}
