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
import { Link, useLocation, useParams, useSearchParams } from "wouter";
import { ApiProblem } from "../api/client";
import { useMay } from "../api/session";
import { useShell } from "../app/shell";
import { link, useUrl } from "../app/url";
import { ActButton } from "../parts/act";
import { Editor, type Mark } from "../parts/editor";
import { Severity } from "../parts/severity";
import { Asked, Failed } from "../parts/states";
import { Time, utc } from "../parts/time";
import { Value, visible } from "../parts/value";
import { counted } from "../parts/words";
import { whoWords } from "./findings/decide";
import { download } from "./query/give";
import { Activity } from "./rule/activity";
import { Delete, OffAlert, SwitchOff, useRulesAgain } from "./rule/acts";
import { ORIGIN_WORDS, placeIn, tested, type RuleProblem, type RuleRef, type ToldRule } from "./rule/api";
import { Backtest } from "./rule/backtest";
import { kept, keep } from "./rule/draft";
import { idIn, load, newId, problemsOf, refusal, save, withId, type KeptRule } from "./rule/keep";
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

/** Saves a text under the id that stands in it, and tells what is wrong with it. */
function useSave() {
  const again = useRulesAgain();
  const { say } = useShell();
  const [, go] = useLocation();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  /** `tag` is that of the rule that is replaced; nothing for a new one. */
  const act = async (text: string, tag: string | null, draftId: string): Promise<boolean> => {
    const id = idIn(text);
    setError(null);
    if (id === null) {
      setError(new Error("The rule has no id. It wants a line “id:” with a UUID."));
      return false;
    }
    setBusy(true);
    try {
      const { rule } = await save(id, text, tag);
      keep(draftId, null);
      keep(id, null);
      await again();
      const odd = rule.problems ?? [];
      say({ type: odd.length > 0 ? "warning" : "success", header: odd.length > 0 ? "Saved, but it may not mean what you think" : undefined, content: odd[0] ? visible(odd[0].detail) : `Saved: events are tried on “${visible(rule.title)}” within a second.` });
      if (draftId !== id) go(`/detections/${encodeURIComponent(id)}`);
      return true;
    } catch (err) {
      setError(err);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, error, act, clear: () => setError(null) };
}

/** Why a draft was not saved. */
function NotSaved({ error, onLoad, onNewId }: { error: unknown; onLoad?: () => void; onNewId?: () => void }) {
  if (!error) return null;
  const status = error instanceof ApiProblem ? error.status : -1;
  const action =
    status === 412 && onLoad ? <Button onClick={onLoad}>Show what it is now</Button> : (status === 428 || status === 409 || status === -1) && onNewId ? <Button onClick={onNewId}>New id</Button> : undefined;
  return (
    <Alert type="error" header="Not saved" action={action}>
      {visible(refusal(error))}
    </Alert>
  );
}

/** What somebody else made of the rule since the draft was begun. */
function Theirs({ theirs: { rule }, onTake, onKeep }: { theirs: KeptRule; onTake: () => void; onKeep: () => void }) {
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={rule.changed ? `${visible(whoWords(rule.changed_by ?? "somebody"))}, ${utc(rule.changed)} UTC` : undefined}
          actions={
            <SpaceBetween size="xs" direction="horizontal">
              <Button onClick={onTake}>Drop my draft</Button>
              <ActButton onClick={onKeep}>Mine goes over it</ActButton>
            </SpaceBetween>
          }
        >
          What the rule is now
        </Header>
      }
    >
      <Editor value={rule.source ?? ""} lang="yaml" label="Text of the rule as it is now" readOnly maxHeight={300} />
    </Container>
  );
}

const UNSET = "00000000-0000-4000-8000-000000000000";

function NewRule() {
  const [params, setParams] = useSearchParams();
  const [begun] = useState(() => STARTER.replace(UNSET, newId()));
  const [draft, setDraft] = useState(() => params.get("draft") ?? kept("new") ?? begun);
  const may = useMay("rules:write");
  const saving = useSave();
  const settled = useSettled(draft, WAIT_MS);
  // The link holds the draft, as long as links may be; the tab keeps it anyway.
  useEffect(() => {
    keep("new", settled === begun ? null : settled);
    const wanted = settled === begun || settled.length > URL_DRAFT_MAX ? null : settled;
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
          description={may ? "A draft in your browser, until you save it on the server." : "A draft in your browser. Your role may not save rules (rules:write): download it for somebody who may, or for the rules’ folder of the server."}
          actions={
            <SpaceBetween size="xs" direction="horizontal">
              <Button iconName="download" onClick={() => download("new_rule.yml", "application/yaml", draft)}>Download YAML</Button>
              {may ? <ActButton variant="primary" loading={saving.isBusy} onClick={() => void saving.act(draft, null, "new")}>Save on the server</ActButton> : null}
            </SpaceBetween>
          }
        >
          New rule
        </Header>
      }
    >
      <SpaceBetween size="m">
        <NotSaved error={saving.error} onNewId={() => { setDraft(withId(draft, newId())); saving.clear(); }} />
        <Workbench text={draft} onText={(text) => { setDraft(text); saving.clear(); }} rule={{ rule: settled }} ruleId={null} isDraft refused={problemsOf(saving.error)} bar={<SizeNote length={draft.length} />} />
      </SpaceBetween>
    </ContentLayout>
  );
}

function SizeNote({ length }: { length: number }) {
  if (length <= URL_DRAFT_MAX) return null;
  return <Box variant="small" color="text-status-warning">The draft is too long for a link; it is kept in this tab only.</Box>;
}

function KnownRule({ id }: { id: string }) {
  const rule = useQuery({ queryKey: ["kept-rule", id], queryFn: ({ signal }) => load(id, signal) });
  const title = rule.data?.rule.title;
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
  return <Shown kept={rule.data} />;
}

function Shown({ kept: { rule, tag } }: { kept: KeptRule }) {
  const [draft, setDraft] = useState<string | null>(() => kept(rule.id));
  const [asking, setAsking] = useState<"off" | "delete" | null>(null);
  const [, go] = useLocation();
  const may = useMay("rules:write") && rule.origin !== undefined;
  const saving = useSave();
  const again = useRulesAgain();
  const isOwn = rule.origin === "server";
  // The draft was made of this version: what somebody saves meanwhile is not written over.
  const [base, setBase] = useState(tag);
  const [theirs, setTheirs] = useState<KeptRule | null>(null);
  useEffect(() => {
    if (draft === null) setBase(tag);
  }, [draft, tag]);
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
                <Button onClick={() => { setDraft(null); saving.clear(); }}>Discard the draft</Button>
              ) : (
                <Button onClick={() => setDraft(source)} disabled={source === null} disabledReason="This server does not tell the rule’s document">
                  Edit as a draft
                </Button>
              )}
              {may && rule.enabled !== false && draft === null ? <ActButton onClick={() => setAsking("off")}>Switch off</ActButton> : null}
              {may && isOwn && draft === null ? <ActButton onClick={() => setAsking("delete")}>Delete</ActButton> : null}
              {may && draft !== null ? (
                isOwn ? (
                  <ActButton variant="primary" loading={saving.isBusy} disabled={!isDraft} onClick={() => void saving.act(draft, base, rule.id).then((isSaved) => isSaved && setDraft(null))}>Save</ActButton>
                ) : (
                  <ActButton variant="primary" loading={saving.isBusy} onClick={() => void saving.act(withId(draft, newId()), null, rule.id)}>Save as a rule of your own</ActButton>
                )
              ) : null}
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
        <NotSaved
          error={saving.error}
          onLoad={() => void load(rule.id).then(setTheirs, () => undefined)}
        />
        {theirs && draft !== null ? (
          <Theirs
            theirs={theirs}
            onTake={() => {
              setDraft(null);
              setTheirs(null);
              saving.clear();
              void again();
            }}
            onKeep={() => {
              setBase(theirs.tag);
              setTheirs(null);
              saving.clear();
            }}
          />
        ) : null}
        <OffAlert rule={rule} tag={tag} may={may} />
        <Facts rule={rule} />
        {draft !== null ? (
          <Alert type="info" header="You look at a draft">
            {may && isOwn ? (
              "Nothing changes on the server until you save it."
            ) : may ? (
              "This rule is not the server’s to change. Saving makes a rule of your own of the draft; then switch this one off, or both will find the same."
            ) : (
              <>
                Nothing changes on the server, and your role may not save rules. To use the draft, download it and put it in the place of <code>{visible(rule.file)}</code>.
              </>
            )}
          </Alert>
        ) : null}
        <Workbench
          text={text}
          onText={draft === null ? undefined : (next) => { setDraft(next); saving.clear(); }}
          refused={problemsOf(saving.error)}
          rule={asked}
          ruleId={rule.id}
          isDraft={isDraft}
          missing={source === null && draft === null ? "This server does not tell the rule’s document yet; its predicate stands below." : undefined}
          predicate={isDraft ? undefined : (rule.predicate ?? undefined)}
        />
      </SpaceBetween>
      {asking === "off" ? <SwitchOff rule={rule} tag={tag} close={() => setAsking(null)} /> : null}
      {asking === "delete" ? (
        <Delete
          rule={rule}
          tag={tag}
          onGone={() => {
            keep(rule.id, null);
            go("/detections");
          }}
          close={() => setAsking(null)}
        />
      ) : null}
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
    ...(rule.origin ? [["From", <span key="o">{ORIGIN_WORDS[rule.origin]}{rule.changed ? <>, changed <Time at={rule.changed} /> UTC by {visible(whoWords(rule.changed_by ?? "somebody"))}</> : null}</span>] as [string, ReactNode]] : []),
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
  /** What the server found wrong when it was to keep the text. */
  refused: RuleProblem[];
  missing?: string;
  predicate?: string;
  bar?: ReactNode;
}

/** The text beside what it says of events. */
function Workbench({ text, onText, rule, ruleId, isDraft, refused, missing, predicate, bar }: Bench) {
  const [tab, setTab] = useUrl("tab", "test");
  const [event, setEvent] = useState("");
  const checked = useQuery({
    queryKey: ["rule-check", rule],
    queryFn: ({ signal }) => tested(rule, undefined, signal),
    placeholderData: (before) => before,
    retry: false,
  });
  const problems = refused.length > 0 ? refused : (checked.data?.problems ?? []);
  const marks = useMemo(() => problems.map((problem): Mark => markOf(text, problem)), [checked.data, refused.length, text]);
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
          <Problems problems={problems} isKnown={checked.data !== undefined} isDraft={isDraft} />
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
