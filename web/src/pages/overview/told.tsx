// The story: the worst that is open, in order of time, and what the same hands did that no rule found.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { useMay } from "../../api/session";
import type { Finding } from "../../api/client";
import { entityLink, link } from "../../app/url";
import { Panel } from "../../parts/panel";
import { SeverityShape, severityWord } from "../../parts/severity";
import { Asked, Empty } from "../../parts/states";
import { utc } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { bytes, count, counted } from "../../parts/words";
import { bareTitle, short } from "../investigate/addresses";
import type { Findings } from "./load";
import { follow, stageOf, told, worstGroup, type Story } from "./story";
import { around, askUnfound, partOf, telling, type Deed, type Unfound } from "./unfound";

const SHOWN = 10;
const DEEDS_SHOWN = 4;
const DEEDS_MAX = 20;

export function Told({ open, tactics }: { open: Findings; tactics: Map<string, string[]> }) {
  const group = worstGroup(open.findings);
  const mayQuery = useMay("query:run");
  const asked = useQuery({
    queryKey: ["overview", "story", group.map((finding) => `${finding.uid} ${finding.version}`), mayQuery],
    queryFn: ({ signal }) => follow(group, mayQuery, signal),
    enabled: group.length > 0,
    placeholderData: (before) => before,
  });
  if (group.length === 0) {
    return (
      <Panel id="story" title="The story">
        <Empty title="No story">No finding of medium severity or above is open.</Empty>
      </Panel>
    );
  }
  return (
    <Asked what="the story" asked={asked}>
      {(story) => <Shown story={story} tactics={tactics} mayQuery={mayQuery} />}
    </Asked>
  );
}

const latest = (all: (Finding | Deed)[]) => all.map((one) => ("last_seen" in one ? one.last_seen : one.last)).sort().at(-1) ?? "";

function useUnfound({ steps, people, addresses }: Story, mayQuery: boolean) {
  const sessions = people.map((person) => person.principal).filter((principal) => / \(session .*\)$/.test(principal));
  const window = around(steps[0]?.first_seen ?? "", latest(steps));
  const ties = { addresses, sessions: addresses.length > 0 ? [] : sessions };
  return useQuery({
    // Not below "overview", whose numbers are asked again with each finding: this reads the lake.
    queryKey: ["unfound", ties, window],
    queryFn: ({ signal }) => askUnfound(ties, window, signal),
    enabled: mayQuery && (addresses.length > 0 || sessions.length > 0),
    staleTime: 60_000,
    retry: false,
    placeholderData: (before) => before,
  });
}

type Line = { at: string; step: Finding } | { at: string; deed: Deed };

function Shown({ story, tactics, mayQuery }: { story: Story; tactics: Map<string, string[]>; mayQuery: boolean }) {
  const asked = useUnfound(story, mayQuery);
  const [isAll, setAll] = useState(false);
  const begun = story.steps[0]?.first_seen ?? "";
  const deeds = telling(asked.data?.deeds ?? [], begun, isAll ? DEEDS_MAX : DEEDS_SHOWN);
  const steps = isAll ? story.steps : told(story.steps, SHOWN - deeds.length, tactics);
  const lines: Line[] = [...steps.map((step) => ({ at: step.first_seen, step })), ...deeds.map((deed) => ({ at: deed.first, deed }))].sort((a, b) => a.at.localeCompare(b.at));
  const first = [begun, ...deeds.map((deed) => deed.first)].sort()[0] ?? "";
  const last = latest([...story.steps, ...deeds]);
  const address = story.addresses[0];
  const rest = story.steps.length - steps.length;
  const all = address ? link("/findings", { text: address, severity_min: 3 }) : link("/findings", { principal: story.steps[0]?.principal, severity_min: 3 });
  return (
    <Panel
      id="story"
      title="The story"
      note={`${counted(story.steps.length, "open finding")}, medium and above, ${utc(first).slice(5, 16)} to ${utc(last).slice(5, 16)} UTC`}
      actions={
        <Link href={all} className="door">
          All of it
        </Link>
      }
    >
      <p className="way">
        {story.people.slice(0, 6).map((person, at) => (
          <span key={person.principal} className="leg">
            {at > 0 ? <span aria-hidden="true">→</span> : null}
            <Link href={entityLink("principal", person.principal)} title={visible(`${person.principal} in ${person.account}`)}>
              {visible(short(person.principal))}
            </Link>
          </span>
        ))}
        {story.people.length > 6 ? <span className="muted"> and {story.people.length - 6} more</span> : null}
        {story.addresses.map((one, at) => (
          <span key={one} className="leg from">
            {at === 0 ? "from" : "and"} <Value text={one} to={entityLink("ip", one)} />
          </span>
        ))}
      </p>
      <ol className="story">
        {lines.map((line) => ("step" in line ? <StepLine key={line.step.uid} step={line.step} stage={stageOf(story.steps.indexOf(line.step), tactics.get(line.step.rule) ?? [], line.step.title)} /> : <DeedLine key={`${line.deed.who} ${line.deed.what}`} deed={line.deed} part={partOf(line.deed, begun)} />))}
      </ol>
      <p className="hint">
        {rest > 0 ? (
          <>
            <button type="button" className="plain" onClick={() => setAll(true)}>
              {counted(rest, "more step")} between
            </button>
            {". "}
          </>
        ) : story.isCut ? (
          <>
            <Link href={all}>There is more</Link>
            {". "}
          </>
        ) : null}
        <Rest asked={asked} deeds={deeds} byAddress={story.addresses.length > 0} />
      </p>
    </Panel>
  );
}

function StepLine({ step, stage }: { step: Finding; stage: string }) {
  return (
    <li>
      <time dateTime={step.first_seen} title={`${utc(step.first_seen)} UTC`}>
        {utc(step.first_seen).slice(11, 16)}
      </time>
      <span className="severity" data-level={step.severity_id}>
        <SeverityShape level={step.severity_id} />
        <span className="visually-hidden">{severityWord(step.severity_id)}</span>
      </span>
      <Link href={`/findings/${step.uid}`} title={visible(step.title)}>
        <b>{visible(short(step.principal))}</b> {visible(bareTitle(step))}
      </Link>
      <span className={`stage${stage === "First finding" || stage === "Damage" ? " strong" : ""}`}>{stage}</span>
    </li>
  );
}

function DeedLine({ deed, part }: { deed: Deed; part: string }) {
  const words = deed.kind === "flow" ? `sent ${bytes(deed.bytes)} to ${deed.what}` : `called ${deed.what}${deed.events > 1 ? ` ${count(deed.events)} times` : ""}${deed.errors > 0 ? `, ${count(deed.errors)} refused` : ""}`;
  return (
    <li className="unfound">
      <time dateTime={deed.first} title={`${utc(deed.first)} to ${utc(deed.last)} UTC`}>
        {utc(deed.first).slice(11, 16)}
      </time>
      <span className="no-rule" title="No rule found it">
        <svg viewBox="0 0 12 12" aria-hidden="true">
          <circle cx="6" cy="6" r="4.5" />
        </svg>
        <span className="visually-hidden">No rule found it</span>
      </span>
      <Link href={deed.to} title={visible(`${deed.who} ${words}`)}>
        <b>{visible(short(deed.who))}</b> {visible(words)}
      </Link>
      <span className={`stage${part ? " strong" : ""}`}>{part}</span>
    </li>
  );
}

/** What the open circles are, and how many calls are not told. */
function Rest({ asked, deeds, byAddress }: { asked: { data: Unfound | undefined; isFetching: boolean; error: unknown }; deeds: Deed[]; byAddress: boolean }) {
  const { data, isFetching, error } = asked;
  if (data === undefined) return isFetching ? <>Asking what the same sessions did besides…</> : error ? <>What the same sessions did besides is not known: the lake did not answer.</> : null;
  const told = deeds.reduce((sum, deed) => sum + (deed.kind === "call" ? deed.events : 0), 0);
  const tie = byAddress ? "from the same address or with its keys" : "by the same sessions";
  if (data.calls === 0 && deeds.length === 0) return <>Nothing else was done {tie}.</>;
  return (
    <>
      {deeds.length > 0 ? <>○ no rule found it; done {tie}. </> : null}
      {data.calls > told ? (
        <Link href={data.to}>
          {data.isCut ? "More than " : ""}
          {counted(data.calls - told, deeds.length > 0 ? "more such call" : "call")}
          {deeds.length > 0 ? "" : ` ${tie} that no rule found`}
        </Link>
      ) : null}
    </>
  );
}
