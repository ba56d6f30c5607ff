// The rule of a finding, and which of its conditions an event meets, with which values.
import Alert from "@cloudscape-design/components/alert";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { ApiProblem, call, type Finding, type Rule } from "../../api/client";
import { useUrl } from "../../app/url";
import { Asked, Empty, Failed, Loading } from "../../parts/states";
import { Severity } from "../../parts/severity";
import { utc } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { ownOf } from "../findings/own";
import type { Seen } from "./events";

interface Node {
  kind: "all" | "any" | "not" | "condition";
  text: string;
  matched: boolean;
  values: string[];
  children: Node[];
}
interface Tested {
  problems: { detail: string; help?: string | null }[];
  matched?: boolean | null;
  explanation?: Node | null;
}

export function useRule(id: string, may: boolean) {
  return useQuery({ queryKey: ["rule", id], queryFn: () => call<Rule & { source?: string }>(`/api/v1/rules/${encodeURIComponent(id)}`), enabled: may, staleTime: 60_000, retry: false });
}

export function RuleTab({ finding, events, rule }: { finding: Finding; events: Seen[]; rule: ReturnType<typeof useRule> }) {
  const [chosen, setChosen] = useUrl("event");
  const event = events.find((one) => one.uid === chosen) ?? events[0];
  const own = ownOf(finding.rule);
  if (own) return <Empty title="No rule found it">The server watches itself and its sources. <Link href={own.to} className="linked">See how it stands now</Link>.</Empty>;
  if (rule.error instanceof ApiProblem && rule.error.status === 404) {
    return <Alert type="warning" header="The rule is gone">It made this finding, and was removed or renamed since. Its id is {finding.rule}.</Alert>;
  }
  return (
    <Asked what="the rule" asked={rule}>
      {(rule) => (
        <SpaceBetween size="m">
          <div>
            <Box variant="h2">
              <Link href={`/detections/${encodeURIComponent(rule.id)}`} className="plain">
                {rule.title}
              </Link>
            </Box>
            <Severity level={rule.severity_id} /> <span className="badges">{rule.techniques.map((technique) => <Badge key={technique}>{technique}</Badge>)}</span>
            <p>{rule.description}</p>
          </div>
          <div>
            <Box variant="h3">Which conditions matched</Box>
            {events.length > 1 ? (
              <Select
                ariaLabel="Event to explain"
                selectedOption={event ? { value: event.uid, label: `${utc(event.ms)} ${visible(event.name)}` } : null}
                options={events.map((one) => ({ value: one.uid, label: `${utc(one.ms)} ${visible(one.name)}`, description: visible(one.ip) }))}
                onChange={({ detail }) => setChosen(detail.selectedOption.value ?? "")}
              />
            ) : null}
            {event ? <Explained rule={rule} event={event} /> : <p className="muted">No event of the finding is loaded.</p>}
          </div>
          {rule.source ? (
            <ExpandableSection headerText="As written" headingTagOverride="h3">
              <pre className="json" tabIndex={0} aria-label="Rule as YAML">{rule.source}</pre>
            </ExpandableSection>
          ) : null}
        </SpaceBetween>
      )}
    </Asked>
  );
}

function Explained({ rule, event }: { rule: Rule; event: Seen }) {
  const tested = useQuery({
    queryKey: ["explained", rule.id, event.uid],
    queryFn: ({ signal }) => call<Tested>("/api/v1/rule-tests", { method: "POST", body: { rule_id: rule.id, event: event.tried }, signal }),
    retry: false,
    staleTime: 300_000,
  });
  if (tested.data && !tested.data.explanation) {
    return (
      <SpaceBetween size="xs">
        <p className="muted">
          {tested.data.problems[0]?.detail ?? "Its conditions are not told apart."} The predicate as a whole:
        </p>
        <pre className="json" tabIndex={0} aria-label="Predicate of the rule">{rule.predicate}</pre>
      </SpaceBetween>
    );
  }
  if (tested.error) return <Failed what="try the rule on the event" error={tested.error} retry={() => void tested.refetch()} />;
  if (!tested.data?.explanation) return <Loading what="conditions" />;
  return (
    <>
      {tested.data.matched === false ? (
        <Alert type="info">
          Tried alone, this event does not match. The rule may have been changed since{event.service === "flow" ? ", or it looks at fields beyond the usual 14 of a flow record, which are not tried here" : ""}.
        </Alert>
      ) : null}
      <ul className="conditions">
        <Condition node={tested.data.explanation} />
      </ul>
    </>
  );
}

const VALUES_SHOWN = 5;
const JOINS: Record<Node["kind"], string> = { all: "all of", any: "any of", not: "none of", condition: "" };

function Condition({ node }: { node: Node }) {
  const [isAll, setAll] = useState(false);
  // Of alternatives the one that holds is the answer; the others are a click away.
  const others = node.kind === "any" && node.matched ? node.children.filter((child) => !child.matched) : [];
  const shown = isAll || others.length < 2 ? node.children : node.children.filter((child) => child.matched);
  return (
    <li data-matched={node.matched}>
      <div>
        <svg viewBox="0 0 16 16" width="14" height="14" role="img" aria-label={node.matched ? "holds" : "does not hold"}>
          <path d={node.matched ? "M3 8.5 6.5 12 13 4.5" : "M4 4 12 12M12 4 4 12"} />
        </svg>
        {node.kind === "condition" ? <code className="mono">{visible(node.text.slice(0, 2000))}</code> : <b>{JOINS[node.kind]}</b>}
        {node.values.slice(0, VALUES_SHOWN).map((value, at) => (
          <span key={at} className="found">
            <Value text={value} />
          </span>
        ))}
        {node.values.length > VALUES_SHOWN ? <span className="muted">and {node.values.length - VALUES_SHOWN} more</span> : null}
        {node.kind === "condition" && node.values.length === 0 ? <span className="muted">the event has no such field</span> : null}
      </div>
      {node.children.length > 0 ? (
        <ul>
          {shown.map((child, at) => (
            <Condition key={`${isAll} ${at}`} node={child} />
          ))}
          {others.length >= 2 ? (
            <li>
              <button type="button" className="plain-link" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
                {isAll ? "Only what holds" : `${others.length} others do not hold`}
              </button>
            </li>
          ) : null}
        </ul>
      ) : null}
    </li>
  );
}
