// The story: the worst that is open, in order of time.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { entityLink, link } from "../../app/url";
import { Panel } from "../../parts/panel";
import { SeverityShape, severityWord } from "../../parts/severity";
import { Asked, Empty } from "../../parts/states";
import { utc } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { counted } from "../../parts/words";
import { bareTitle, short } from "../investigate/addresses";
import type { Findings } from "./load";
import { follow, stageOf, told, worstGroup, type Story } from "./story";

const SHOWN = 9;

export function Told({ open, tactics }: { open: Findings; tactics: Map<string, string[]> }) {
  const group = worstGroup(open.findings);
  const asked = useQuery({
    queryKey: ["overview", "story", group.map((finding) => `${finding.uid} ${finding.version}`)],
    queryFn: ({ signal }) => follow(group, signal),
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
      {(story) => <Shown story={story} tactics={tactics} />}
    </Asked>
  );
}

function Shown({ story, tactics }: { story: Story; tactics: Map<string, string[]> }) {
  const [isAll, setAll] = useState(false);
  const steps = isAll ? story.steps : told(story.steps, SHOWN, tactics);
  const first = story.steps[0];
  const last = story.steps.reduce((latest, step) => (step.last_seen > latest ? step.last_seen : latest), "");
  const address = story.addresses[0];
  const rest = story.steps.length - steps.length;
  const all = address ? link("/findings", { text: address, severity_min: 3 }) : link("/findings", { principal: first?.principal, severity_min: 3 });
  return (
    <Panel
      id="story"
      title="The story"
      note={`${counted(story.steps.length, "open finding")}, medium and above, ${utc(first?.first_seen ?? "").slice(5, 16)} to ${utc(last).slice(5, 16)} UTC`}
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
        {steps.map((step) => {
          const stage = stageOf(story.steps.indexOf(step), tactics.get(step.rule) ?? [], step.title);
          return (
            <li key={step.uid}>
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
        })}
      </ol>
      {rest > 0 || story.isCut ? (
        <p className="hint">
          {rest > 0 ? (
            <button type="button" className="plain" onClick={() => setAll(true)}>{counted(rest, "more step")} between</button>
          ) : (
            <Link href={all}>There is more</Link>
          )}
          {story.addresses.length > 0 ? ": findings that share an address with the worst principal." : "."}
        </p>
      ) : null}
    </Panel>
  );
}
