// The way of credentials from the first to the last, left to right, and the same as a list.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { entityLink, queryLink } from "../../app/url";
import { Panel } from "../../parts/panel";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { count, counted } from "../../parts/words";
import { runQuery } from "../../api/query";
import { chainOf, HOPS_BACK, HOPS_ON, walk, type Chain, type Person, type Step } from "./chain";
import type { WhoRow } from "./entity";
import { grantsText } from "./texts";
import { DAY_MS, iso, ms, type Window } from "./time";
import type { Traits } from "./traits";

const WIDE = 232;
const TALL = 46;
const GAP_X = 118;
const GAP_Y = 18;
const PEOPLE_MAX = 60;

export function Path({ traits, window }: { traits: Traits; window: Window }) {
  // A picture that is wider than a phone tells less than its list.
  const [isList, setList] = useState(() => innerWidth <= 600);
  const own = useMemo(() => traits.keys.filter((key) => key.events > 0 && key.value !== ""), [traits]);
  const keys = useMemo(() => [...new Set(own.map((one) => one.value).filter(Boolean))], [own]);
  // Keys live for up to 36 hours, those of users until somebody deletes them.
  const span = useMemo(() => ({ from: iso(ms(window.from) - 30 * DAY_MS), to: window.to }), [window]);
  const walked = useQuery({
    queryKey: ["chain", keys, span],
    queryFn: ({ signal }) =>
      walk(keys, async (text) => (await runQuery({ text, lang: "sql", ...span, rows: 2000 }, signal)).rows),
    enabled: keys.length > 0,
    staleTime: 60_000,
    retry: false,
  });
  const query = keys.length > 0 ? queryLink(grantsText(keys.slice(0, 60), keys.slice(0, 60)), "sql", span) : undefined;
  return (
    <Panel
      id="path"
      title="Path of credentials"
      note={`who was given what by whom: ${HOPS_BACK} steps back to the first credential, ${HOPS_ON} on`}
      query={query}
      wide
      actions={
        <button type="button" className="plain" onClick={() => setList(!isList)}>
          {isList ? "Show as picture" : "Show as list"}
        </button>
      }
    >
      {keys.length === 0 ? (
        <Empty title="No key is named">The events of this time name no access key, so there is nothing to follow: services and other accounts call without one that we see.</Empty>
      ) : (
        <Asked what="the path" asked={walked}>
          {(data) => <Shown chain={chainOf(data.grants, own.map((one): WhoRow => one.who), data.isCut)} isList={isList} window={window} />}
        </Asked>
      )}
    </Panel>
  );
}

function Shown({ chain, isList, window }: { chain: Chain; isList: boolean; window: Window }) {
  const inSteps = new Set(chain.steps.flatMap((step) => [step.from, step.to]));
  const people = chain.people.filter((person) => person.isIts || inSteps.has(person.id));
  const isTooMany = people.length > PEOPLE_MAX;
  const firsts = people.filter((person) => person.isFirst);
  return (
    <>
      {isList || isTooMany ? <List chain={chain} /> : <Picture people={people} steps={chain.steps} />}
      <p className="hint">
        {chain.steps.length === 0 ? "No call that handed out its keys, or that it handed keys out with, is in the log of the 30 days before. " : ""}
        {firsts.length > 0 && firsts.length <= 4 ? (
          <>
            First credential: {firsts.map((person, at) => <span key={person.id}>{at > 0 ? ", " : ""}<strong>{visible(person.label)}</strong>, {person.what}{person.account ? ` of ${visible(person.account)}` : ""}</span>)}
            .{" "}
          </>
        ) : null}
        {isTooMany ? `${people.length} principals are too many for a picture, so this is the list. ` : ""}
        {chain.isCut ? "There may be more: the walk ended at its bound. " : ""}
        Looked at until {window.to.slice(0, 16).replace("T", " ")} UTC.
      </p>
    </>
  );
}

function Picture({ people, steps }: { people: Person[]; steps: Step[] }) {
  const layers = new Map<number, Person[]>();
  for (const person of people) layers.set(person.layer, [...(layers.get(person.layer) ?? []), person]);
  // Each stands near those who gave to it, so that few lines cross.
  const row = new Map<string, number>();
  for (const layer of [...layers.keys()].sort((a, b) => a - b)) {
    const all = layers.get(layer) ?? [];
    const near = (person: Person) => {
      const from = steps.filter((step) => step.to === person.id && row.has(step.from)).map((step) => row.get(step.from) as number);
      return from.length === 0 ? (person.isIts ? -1 : 0) : from.reduce((sum, at) => sum + at, 0) / from.length;
    };
    all.sort((a, b) => near(a) - near(b));
    all.forEach((person, at) => row.set(person.id, at));
  }
  const depth = Math.max(0, ...layers.keys());
  const most = Math.max(1, ...[...layers.values()].map((all) => all.length));
  const width = (depth + 1) * WIDE + depth * GAP_X + 4;
  const height = most * TALL + (most - 1) * GAP_Y + 4;
  const at = (person: Person) => {
    const of = layers.get(person.layer)?.length ?? 1;
    const free = (most - of) * (TALL + GAP_Y);
    return { x: 2 + person.layer * (WIDE + GAP_X), y: 2 + free / 2 + (row.get(person.id) ?? 0) * (TALL + GAP_Y) };
  };
  const places = new Map(people.map((person) => [person.id, at(person)]));
  // Calls of the same two are one line with all their names.
  const lines = new Map<string, Step[]>();
  for (const step of steps) lines.set(`${step.from}\n${step.to}`, [...(lines.get(`${step.from}\n${step.to}`) ?? []), step]);
  return (
    <div className="path" tabIndex={0} role="region" aria-label="Path of credentials, drawn; the list has the same">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        <defs>
          <marker id="path-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0 8 4 0 8z" className="head" />
          </marker>
        </defs>
        {[...lines.values()].map((all) => {
          const step = all[0] as Step;
          const from = places.get(step.from);
          const to = places.get(step.to);
          if (!from || !to) return null;
          const isBack = to.x <= from.x;
          const [x1, y1, x2, y2] = [from.x + WIDE, from.y + TALL / 2, to.x - 1, to.y + TALL / 2];
          const bend = isBack ? 60 : (x2 - x1) / 2;
          const times = all.reduce((sum, one) => sum + one.times, 0);
          const failed = all.reduce((sum, one) => sum + one.failed, 0);
          return (
            <g key={`${step.from} ${step.to}`} className={failed === times ? "line failed" : "line"}>
              <path d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} markerEnd="url(#path-head)" />
              <text x={(x1 + x2) / 2} y={(y1 + y2) / 2 - 6} textAnchor="middle">
                {all.length === 1 ? short(step.call) : `${all.length} ways`}
                {times > 1 ? ` ×${count(times)}` : ""}
              </text>
              <title>{all.map((one) => `${one.call} ×${one.times}, ${one.first} to ${one.last}, from ${one.addresses.join(", ")}${one.failed ? `, ${one.failed} failed` : ""}`).join("\n")}</title>
            </g>
          );
        })}
        {people.map((person) => {
          const place = places.get(person.id);
          if (!place) return null;
          return (
            <Link key={person.id} href={entityLink(person.kind, person.value)} className={`person${person.isIts ? " its" : ""}${person.isFirst ? " first" : ""}`}>
              <title>{visible(`${person.label}\n${person.value}`)}</title>
              <rect x={place.x} y={place.y} width={WIDE} height={TALL} rx={person.isFirst ? TALL / 2 : 7} />
              <path className="sign" d={signOf(person)} transform={`translate(${place.x + 12} ${place.y + 13})`} />
              <text x={place.x + 40} y={place.y + 19} className="label">
                {cut(visible(named(person).name), 25)}
              </text>
              <text x={place.x + 40} y={place.y + 35} className="what">
                {cut(visible(named(person).more), person.account ? 18 : 32)}
                {person.account ? ` · ${visible(person.account)}` : ""}
              </text>
            </Link>
          );
        })}
      </svg>
    </div>
  );
}

function short(call: string): string {
  return visible(call.replace("AssumeRoleWith", "With ").slice(0, 18));
}

/** A role and its session are a name and what stands below it; of who comes from elsewhere the name is enough. */
function named({ label, what }: Person): { name: string; more: string } {
  const session = /^role\/(.*) \(session (.*)\)$/.exec(label);
  if (session) return { name: session[1] ?? "", more: session[2] ?? "" };
  return { name: label.replace(/^(user|role)\//, "").replace(/ of \S+$/, ""), more: what };
}

/** The end of a name tells more than its middle. */
function cut(bare: string, most: number): string {
  return bare.length <= most ? bare : `${bare.slice(0, most - 11)}…${bare.slice(-10)}`;
}

/** A head for people, a cap for roles, a cloud for services and accounts. */
function signOf({ what }: Person): string {
  if (/service|account/i.test(what)) return "M5 16a4 4 0 0 1-.6-7.9A5.5 5.5 0 0 1 15 7.200A4.400 4.400 0 0 1 15.500 16z";
  if (/role/i.test(what)) return "M10 1 18 4.500V10c0 5-3.500 8-8 9.500C5.500 18 2 15 2 10V4.500z";
  return "M10 1.500a4.300 4.300 0 1 1 0 8.600 4.300 4.300 0 0 1 0-8.600zM2 19c0-4.500 3.500-7 8-7s8 2.500 8 7z";
}

function List({ chain }: { chain: Chain }) {
  const people = new Map(chain.people.map((person) => [person.id, person]));
  const name = (id: string) => {
    const person = people.get(id);
    return person ? <Value text={person.label} to={entityLink(person.kind, person.value)} /> : null;
  };
  return (
    <ol className="steps">
      {chain.steps.slice(0, 200).map((step) => (
        <li key={`${step.from} ${step.to} ${step.call}`}>
          <Time at={step.first} /> {name(step.from)} → {name(step.to)}{" "}
          <span className="muted">
            {visible(step.call)}, {counted(step.times, "time")}
            {step.failed > 0 ? `, ${count(step.failed)} failed` : ""}
            {step.addresses[0] ? ", from " : ""}
          </span>
          {step.addresses.slice(0, 2).map((address) => (
            <span key={address}>
              <Value text={address} to={entityLink("ip", address)} />{" "}
            </span>
          ))}
          {step.keys[0] ? <span className="muted"> key </span> : null}
          {step.keys.slice(0, 2).map((key) => (
            <span key={key}>
              <Value text={key} to={entityLink("key", key)} />{" "}
            </span>
          ))}
          {step.keys.length > 2 ? <span className="muted"> and {step.keys.length - 2} more</span> : null}
        </li>
      ))}
      {chain.steps.length > 200 ? <li className="muted">The first 200 of {chain.steps.length}</li> : null}
    </ol>
  );
}
