// One rule: what it looks for and why, its text, and what it says of events. At `/detections/new` a draft of one.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { Link, useParams, useSearchParams } from "wouter";
import { call } from "../api/client";
import { link, useUrl } from "../app/url";
import { Editor, type Mark } from "../parts/editor";
import { Severity } from "../parts/severity";
import { Asked, Failed } from "../parts/states";
import { Value, visible } from "../parts/value";
import { counted } from "../parts/words";
import { download } from "./query/give";
import { Activity } from "./rule/activity";
import { placeIn, tested, type RuleProblem, type RuleRef, type ToldRule } from "./rule/api";
import { Backtest } from "./rule/backtest";
import { kept, keep } from "./rule/draft";
import { STARTER } from "./rule/starter";
import { LiveTest, useSettled } from "./rule/test";
import "./detections/detections.css";
import "./rule/rule.css";

const WAIT_MS = 450;
const URL_DRAFT_MAX = 6000;

export default function RulePage() {
  const { id = "" } = useParams<{ id: string }>();
  return id === "new" ? <NewRule key="new" /> : <KnownRule key={id} id={id} />;
}

function NewRule() {
  const [params, setParams] = useSearchParams();
  const [draft, setDraft] = useState(() => params.get("draft") ?? kept("new") ?? STARTER);
  const settled = useSettled(draft, WAIT_MS);
  // The link holds the draft, as long as links may be; the tab keeps it anyway.
  useEffect(() => {
    keep("new", settled);
    const wanted = settled === STARTER || settled.length > URL_DRAFT_MAX ? null : settled;
    if (params.get("draft") === wanted) return;
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (wanted === null) next.delete("draft");
        else next.set("draft", wanted);
        return next;
      },
      { replace: true },
    );
  }, [settled]);
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description="A draft in your browser. The server reads rules from files: download it and put it into the rules’ folder."
          actions={<Button iconName="download" onClick={() => download("new_rule.yml", "application/yaml", draft)}>Download YAML</Button>}
        >
          New rule
        </Header>
      }
    >
      <Workbench text={draft} onText={setDraft} rule={{ rule: settled }} ruleId={null} isDraft bar={<SizeNote length={draft.length} />} />
    </ContentLayout>
  );
}

function SizeNote({ length }: { length: number }) {
  if (length <= URL_DRAFT_MAX) return null;
  return <Box variant="small" color="text-status-warning">The draft is too long for a link; it is kept in this tab only.</Box>;
}

function KnownRule({ id }: { id: string }) {
  const rule = useQuery({ queryKey: ["rule", id], queryFn: () => call<ToldRule>(`/api/v1/rules/${encodeURIComponent(id)}`) });
  const title = rule.data?.title;
  useEffect(() => {
    if (title) document.title = `${visible(title)} · Skywarden`;
  }, [title]);
  if (!rule.data) {
    return (
      <ContentLayout header={<Header variant="h1">Rule</Header>}>
        <Asked what="the rule" asked={rule}>{() => null}</Asked>
      </ContentLayout>
    );
  }
  return <Shown rule={rule.data} />;
}

function Shown({ rule }: { rule: ToldRule }) {
  const [draft, setDraft] = useState<string | null>(() => kept(rule.id));
  const settled = useSettled(draft, WAIT_MS);
  useEffect(() => keep(rule.id, settled), [rule.id, settled]);
  const source = rule.source ?? null;
  const text = draft ?? source ?? "";
  const isDraft = draft !== null && draft !== source;
  const asked: RuleRef = settled !== null && isDraft ? { rule: settled } : { rule_id: rule.id };
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description={rule.description ? visible(rule.description) : undefined}
          actions={
            <SpaceBetween size="xs" direction="horizontal">
              {draft !== null ? (
                <Button onClick={() => setDraft(null)}>Discard the draft</Button>
              ) : (
                <Button onClick={() => setDraft(source)} disabled={source === null} disabledReason="This server does not tell the rule’s document">
                  Edit as a draft
                </Button>
              )}
              <Button iconName="download" disabled={text === ""} onClick={() => download(rule.file.split("/").at(-1) ?? "rule.yml", "application/yaml", text)}>
                Download YAML
              </Button>
            </SpaceBetween>
          }
        >
          {visible(rule.title)}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Facts rule={rule} />
        {draft !== null ? (
          <Alert type="info" header="You look at a draft">
            Nothing changes on the server. To use it, download it and put it in the place of <code>{visible(rule.file)}</code>.
          </Alert>
        ) : null}
        <Workbench
          text={text}
          onText={draft === null ? undefined : setDraft}
          rule={asked}
          ruleId={rule.id}
          isDraft={isDraft}
          missing={source === null && draft === null ? "This server does not tell the rule’s document yet; its predicate stands below." : undefined}
          predicate={isDraft ? undefined : (rule.predicate ?? undefined)}
        />
      </SpaceBetween>
    </ContentLayout>
  );
}

function Facts({ rule }: { rule: ToldRule }) {
  const facts: [string, ReactNode][] = [
    ["Severity", <Severity key="s" level={rule.severity_id} />],
    ...((rule.tactics ?? []).length > 0
      ? [["Tactics", <span key="t" className="attack wraps">{(rule.tactics ?? []).map((one) => <Link key={one} href={link("/detections", { tactic: one })} className="rule-title">{visible(one)}</Link>)}</span>] as [string, ReactNode]]
      : []),
    [
      "Techniques",
      rule.techniques.length === 0 ? <span className="muted">none told</span> : <span className="attack wraps">{rule.techniques.map((one) => <Link key={one} href={link("/detections", { technique: one })} className="technique">{visible(one)}</Link>)}</span>,
    ],
    ["File", <Value key="f" text={rule.file} />],
    ["Id", <Value key="i" text={rule.id} />],
  ];
  return (
    <Container>
      <div className="facts">
        <dl>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {(rule.triage ?? []).length > 0 ? (
          <div>
            <Box variant="h2" fontSize="heading-s">When it fires</Box>
            <ol>
              {(rule.triage ?? []).map((step) => (
                <li key={step}>{visible(step)}</li>
              ))}
            </ol>
          </div>
        ) : null}
      </div>
    </Container>
  );
}

interface Bench {
  text: string;
  onText?: (text: string) => void;
  rule: RuleRef;
  ruleId: string | null;
  isDraft: boolean;
  missing?: string;
  predicate?: string;
  bar?: ReactNode;
}

/** The text beside what it says of events. */
function Workbench({ text, onText, rule, ruleId, isDraft, missing, predicate, bar }: Bench) {
  const [tab, setTab] = useUrl("tab", "test");
  const [event, setEvent] = useState("");
  const checked = useQuery({
    queryKey: ["rule-check", rule],
    queryFn: ({ signal }) => tested(rule, undefined, signal),
    placeholderData: (before) => before,
    retry: false,
  });
  const problems = checked.data?.problems ?? [];
  const marks = useMemo(() => problems.map((problem): Mark => markOf(text, problem)), [checked.data, text]);
  const isFlow = /^\s*service:\s*["']?vpc/m.test(text) || /^all \{\s*~?srcaddr/.test(predicate ?? "");
  const tabs = [
    { id: "test", label: "Live test", content: <LiveTest rule={rule} ruleId={ruleId} isFlow={isFlow} event={event} onEvent={setEvent} /> },
    { id: "backtest", label: "Backtest", content: <Backtest rule={rule} isDraft={isDraft} /> },
    ...(ruleId === null ? [] : [{ id: "activity", label: "Activity", content: <Activity ruleId={ruleId} /> }]),
  ];
  return (
    <div className="workbench">
      <Container header={<Header variant="h2">{isDraft ? "Draft" : "Text"}</Header>}>
        <SpaceBetween size="s">
          {bar}
          {missing ? <Box color="text-body-secondary">{missing}</Box> : <Editor value={text} lang="yaml" label={onText ? "Text of the draft" : "Text of the rule"} onChange={onText} readOnly={!onText} marks={marks} minHeight={260} maxHeight={620} />}
          {checked.error ? <Failed what="check the rule" error={checked.error} /> : null}
          <Problems problems={problems} isKnown={checked.data !== undefined && checked.data !== null} isDraft={isDraft} />
          {(predicate ?? checked.data?.predicate) ? (
            <ExpandableSection headerText="What it means, word for word" defaultExpanded={missing !== undefined}>
              <pre className="drawn" tabIndex={0} aria-label="Canonical predicate">{visible(predicate ?? checked.data?.predicate ?? "")}</pre>
            </ExpandableSection>
          ) : null}
        </SpaceBetween>
      </Container>
      <Container>
        <Tabs activeTabId={tabs.some((one) => one.id === tab) ? tab : "test"} onChange={({ detail }) => setTab(detail.activeTabId)} tabs={tabs} ariaLabel="What the rule says of events" />
      </Container>
    </div>
  );
}

function Problems({ problems, isKnown, isDraft }: { problems: RuleProblem[]; isKnown: boolean; isDraft: boolean }) {
  if (problems.length === 0) return isKnown && isDraft ? <Box color="text-status-success" variant="small">The rule can be read.</Box> : null;
  const isBroken = problems.some((problem) => problem.level !== "warning");
  return (
    <Alert type={isBroken ? "error" : "warning"} header={isBroken ? `${counted(problems.length, "problem")}: the rule cannot be used like this` : "It may not mean what you think"}>
      {problems.map((problem, at) => (
        <pre key={at} className="drawn" tabIndex={0} aria-label={`Line ${problem.line}: ${visible(problem.detail)}`}>{visible(problem.drawn)}</pre>
      ))}
    </Alert>
  );
}

function markOf(text: string, problem: RuleProblem): Mark {
  const from = placeIn(text, problem.line, problem.column);
  const end = problem.end_line && problem.end_column ? placeIn(text, problem.end_line, problem.end_column) : from;
  const line = text.indexOf("\n", from);
  return {
    from,
    to: end > from ? end : Math.max(from + 1, Math.min(line < 0 ? text.length : line, from + 40)),
    severity: problem.level ?? "error",
    message: problem.help ? `${problem.detail}\n${problem.help}` : problem.detail,
  };
}
