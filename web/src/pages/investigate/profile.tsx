// Who or what it is, when it was active, and what it did.
import { useCallback, useMemo, type ReactNode } from "react";
import { useSearchParams } from "wouter";
import { useAnswer, type Question } from "../../api/query";
import { entityLink, queryLink, useUrl } from "../../app/url";
import { useKeys } from "../../parts/keys";
import { Failed, Loading } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value } from "../../parts/value";
import { count } from "../../parts/words";
import { Hours, Week } from "./activity";
import { Asks } from "./asks";
import type { Entity } from "./entity";
import { Found } from "./found";
import { Path } from "./path";
import { Picker } from "./picker";
import { inQl } from "./predicate";
import { flowHoursText, hoursText, traitsText } from "./texts";
import { activityOf, DAY_MS, HOUR_MS, iso, lastDay, LOOK_DAYS, ms, sum, USUAL_DAYS, type Activity, type Window } from "./time";
import { Timeline } from "./timeline";
import { Flows, Resources } from "./touched";
import { News, Pending, traitsOf, Whence, Whom } from "./traits";
import { Unknown } from "./unknown";

const HOURS_MAX = 20_000;

export function Profile({ entity }: { entity: Entity }) {
  const [from] = useUrl("from");
  const [to] = useUrl("to");
  const [, setParams] = useSearchParams();
  const setWindow = useCallback(
    (window: Window | null) => {
      setParams((before) => {
        const next = new URLSearchParams(before);
        for (const name of ["from", "to", "event"]) next.delete(name);
        if (window) {
          next.set("from", window.from);
          next.set("to", window.to);
        }
        return next;
      });
    },
    [setParams],
  );
  const isSaid = !Number.isNaN(ms(from)) && !Number.isNaN(ms(to)) && ms(from) < ms(to);
  const today = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const lookFrom = iso(Math.min(today - LOOK_DAYS * DAY_MS, isSaid ? ms(from) - USUAL_DAYS * DAY_MS : today));
  const question = useMemo((): Question | null => (entity.calls ? { text: hoursText(entity.calls), lang: "sql", from: lookFrom, rows: HOURS_MAX } : null), [entity, lookFrom]);
  const asked = useAnswer(question);
  const flowQuestion = useMemo((): Question | null => (entity.flows ? { text: flowHoursText(entity.flows), lang: "sql", from: lookFrom, rows: HOURS_MAX } : null), [entity, lookFrom]);
  const flowAsked = useAnswer(flowQuestion);
  const calls = useMemo(() => activityOf(asked.data?.rows ?? [], false), [asked.data]);
  const flows = useMemo(() => activityOf(flowAsked.data?.rows ?? [], true), [flowAsked.data]);
  const activity = calls ?? flows;
  const window = useMemo(() => (isSaid ? { from, to } : activity ? lastDay(activity.last) : null), [isSaid, from, to, activity]);

  const error = asked.error ?? flowAsked.error;
  if (error) return <Failed what="load its activity" error={error} retry={() => void (asked.error ? asked.refetch() : flowAsked.refetch())} />;
  if (asked.isPending && question) return <Loading what="its activity" />;
  if (!calls && flowQuestion && flowAsked.isPending) return <Loading what="its flows" />;
  if (!activity || !window) return <Unknown entity={entity} lookFrom={lookFrom} window={isSaid ? { from, to } : null} onWindow={setWindow} />;
  const query = queryLink(((calls ? question : flowQuestion) as Question).text, "sql", { from: lookFrom });
  return (
    <>
      <Facts activity={activity} flows={flows} window={window} isUsual={!isSaid} onWindow={setWindow} lookFrom={lookFrom} />
      <div className="room">
        <div className="profile">
          <Hours activity={activity} window={window} query={query} onWindow={setWindow} />
          <Week activity={activity} window={window} query={query} />
          <Parts entity={entity} activity={activity} window={window} />
        </div>
      </div>
    </>
  );
}

/** All that is asked of the window. */
function Parts({ entity, activity, window }: { entity: Entity; activity: Activity; window: Window }) {
  const usualFrom = iso(ms(window.from) - USUAL_DAYS * DAY_MS);
  const question = useMemo(
    (): Question | null => (entity.calls && !activity.isOfFlows ? { text: traitsText(entity.calls, window.from), lang: "sql", from: usualFrom, to: window.to, rows: 5000 } : null),
    [entity, activity.isOfFlows, window, usualFrom],
  );
  const asked = useAnswer(question);
  const traits = useMemo(() => (asked.data ? traitsOf(asked.data.rows) : null), [asked.data]);
  const isAddress = entity.kind === "ip";
  const isOne = entity.kind === "principal" || entity.kind === "session" || entity.kind === "key";
  const its = entity.calls ? `SOURCE 'cloudtrail'\n| filter ${inQl(entity.calls)}` : "";
  const traitsQuery = question ? queryLink(question.text, "sql", { from: usualFrom, to: window.to }) : "";
  const addresses = useMemo(() => traits?.addresses.filter((one) => one.events > 0 && /^[0-9a-f.:]+$/i.test(one.value)).slice(0, 20).map((one) => one.value) ?? [], [traits]);
  if (activity.isOfFlows) {
    return (
      <>
        <Flows entity={entity} window={window} wide />
        <Found entity={entity} />
        <Asks entity={{ ...entity, calls: null }} window={window} addresses={[]} />
      </>
    );
  }
  const pending = (id: string, title: string) => <Pending id={id} title={title} what={title.toLowerCase()} asked={asked} />;
  return (
    <>
      <Found entity={entity} />
      {traits ? <News traits={traits} window={window} usualFrom={usualFrom} isAddress={isAddress} its={its} query={traitsQuery} /> : pending("news", "New against usual")}
      {traits && entity.kind !== "account" && entity.kind !== "resource" ? <Path traits={traits} window={window} /> : null}
      <Asks entity={entity} window={window} addresses={addresses} />
      {traits && !isAddress ? <Whence traits={traits} its={its} window={window} query={traitsQuery} calls={isOne ? (entity.calls ?? undefined) : undefined} /> : null}
      {traits && !isOne ? <Whom traits={traits} query={traitsQuery} address={isAddress ? entity.value : undefined} /> : null}
      {traits ? null : pending("whence", isAddress ? "Who" : "Where from")}
      {entity.kind === "resource" ? null : <Resources entity={entity} window={window} wide={!isOne && !entity.flows} />}
      <Flows entity={entity} window={window} wide={entity.kind === "resource"} />
      {isOne && traits ? <Keys traits={traits} /> : null}
      <Timeline entity={entity} window={window} />
    </>
  );
}

function Keys({ traits }: { traits: ReturnType<typeof traitsOf> }): ReactNode {
  const keys = traits.keys.filter((key) => key.value && key.events > 0);
  const accounts = traits.accounts.filter((one) => one.events > 0);
  const regions = traits.regions.filter((one) => one.events > 0);
  const list = (label: string, all: { value: string; events: number; before: number }[], kind?: "key" | "account") => (
    <div>
      <h3>{label}</h3>
      <ul>
        {all.slice(0, 12).map((one) => (
          <li key={one.value}>
            <Value text={one.value} to={kind ? entityLink(kind, one.value) : undefined} /> <span className="muted">{count(one.events)}</span>
            {one.before === 0 && traits.before > 0 ? <span className="tag new">new</span> : null}
          </li>
        ))}
        {all.length > 12 ? <li className="muted">and {all.length - 12} more</li> : null}
      </ul>
    </div>
  );
  return (
    <section className="panel" aria-labelledby="with-title" id="with">
      <header>
        <h2 id="with-title">Accounts, Regions and keys</h2>
        <span className="note">events in this time</span>
      </header>
      <div className="body lists">
        {list("Accounts", accounts, "account")}
        {list("Regions", regions)}
        {list("Keys", keys, "key")}
      </div>
    </section>
  );
}

interface FactsProps {
  activity: Activity;
  /** Its flow records, if there are any; they may be what `activity` is of. */
  flows: Activity | null;
  window: Window;
  isUsual: boolean;
  onWindow: (window: Window | null) => void;
  lookFrom: string;
}

function Facts({ activity, flows, window, isUsual, onWindow, lookFrom }: FactsProps) {
  const from = ms(window.from);
  const to = ms(window.to);
  const now = sum(activity.hours, from, to);
  const all = sum(activity.hours, 0, Number.POSITIVE_INFINITY);
  const shift = (by: number) => onWindow({ from: iso(from + by), to: iso(to + by) });
  useKeys([
    { key: "[", does: "Look at the time before", act: () => shift(from - to) },
    { key: "]", does: "Look at the time after", act: () => shift(to - from) },
  ]);
  const noun = activity.isOfFlows ? "Flow records" : "Events";
  const whole = from % HOUR_MS === 0 && to % HOUR_MS === 0 ? "" : "about ";
  const besides = activity.isOfFlows ? null : flows;
  const facts: [string, ReactNode][] = [
    ["First seen", <Seen at={Math.min(activity.first, besides?.first ?? Infinity)} isOfFlows={besides !== null && besides.first < activity.first} />],
    ["Last seen", <Seen at={Math.max(activity.last, besides?.last ?? 0)} isOfFlows={besides !== null && besides.last > activity.last} />],
    [`${noun} in this time`, `${whole}${count(now.events)} of ${count(all.events)}`],
    [activity.isOfFlows ? "Rejected" : "Errors", `${count(now.errors)}${now.events > 0 ? ` (${Math.round((now.errors / now.events) * 100)} %)` : ""}`],
    ...(activity.isOfFlows ? [] : ([["Changes", count(now.writes)]] as [string, ReactNode][])),
    ...(besides ? ([["Flow records", `${whole}${count(sum(besides.hours, from, to).events)} of ${count(sum(besides.hours, 0, Infinity).events)}`]] as [string, ReactNode][]) : []),
  ];
  return (
    <div className="facts">
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="when">
        <Picker window={window} onWindow={onWindow} />
        <span className="hint">
          {isUsual ? "The last day that it was active" : (
            <button type="button" className="plain" onClick={() => onWindow(null)}>
              Back to its last active day
            </button>
          )}
          {` · seen since ${lookFrom.slice(0, 10)} at the earliest`}
        </span>
      </div>
    </div>
  );
}

function Seen({ at, isOfFlows }: { at: number; isOfFlows: boolean }) {
  return (
    <>
      <Time at={at} />
      {isOfFlows ? <span className="hint"> flow log</span> : null}
    </>
  );
}
