// All rules: what they look for, what they found, and how often they were right.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Toggle from "@cloudscape-design/components/toggle";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { call, type Schema } from "../api/client";
import { useCan, useMay } from "../api/session";
import { link, queryLink, useUrl } from "../app/url";
import { Grid, type Column } from "../parts/grid";
import { Severity, severityWord } from "../parts/severity";
import { Asked, Empty } from "../parts/states";
import { visible } from "../parts/value";
import { count, counted, JUDGED_MIN, percent } from "../parts/words";
import { DAYS, NOTHING, precision, useHits, useTally, type RuleTally, type Tally } from "./detections/tally";
import { SwitchOff, useSwitchOn } from "./rule/acts";
import { ORIGIN_WORDS, type ToldRule } from "./rule/api";
import "./detections/detections.css";

interface Line {
  rule: ToldRule;
  tactics: string[];
  tally: RuleTally | null;
  hits: number | null;
}
const SORTS = ["severity", "title", "findings", "events", "precision"] as const;
type Sort = (typeof SORTS)[number];

export default function Detections() {
  const [, go] = useLocation();
  const rules = useQuery({ queryKey: ["rules"], queryFn: () => call<ToldRule[]>("/api/v1/rules") });
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description="A rule is tried on each event as it comes in; what it matches becomes a finding."
          actions={<Button onClick={() => go("/detections/new")}>Write a rule</Button>}
        >
          Detections
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Broken />
        <Asked what="the rules" asked={rules}>
          {(all) => <RuleList rules={all} />}
        </Asked>
      </SpaceBetween>
    </ContentLayout>
  );
}

function Broken() {
  const problems = useQuery({ queryKey: ["rule-problems"], queryFn: () => call<Schema<"Broken">[]>("/api/v1/rule-problems") });
  if (!problems.data || problems.data.length === 0) return null;
  return (
    <Alert type="error" header={`${counted(problems.data.length, "rule")} cannot be used, and ${problems.data.length === 1 ? "finds" : "find"} nothing`}>
      {problems.data.map(({ file, why }) => (
        <ExpandableSection key={file + why} headerText={visible(file)} defaultExpanded={problems.data.length === 1}>
          <pre className="drawn" tabIndex={0} aria-label={`What is wrong with ${visible(file)}`}>{visible(why)}</pre>
        </ExpandableSection>
      ))}
    </Alert>
  );
}

function RuleList({ rules }: { rules: ToldRule[] }) {
  const [, go] = useLocation();
  const [text, setText] = useUrl("text");
  const [severity, setSeverity] = useUrl("severity");
  const [tactic, setTactic] = useUrl("tactic");
  const [technique, setTechnique] = useUrl("technique");
  const [has, setHas] = useUrl("has");
  const [state, setState] = useUrl("state");
  const [order, setOrder] = useUrl("sort", "severity");
  const [turning, setTurning] = useState<ToldRule | null>(null);
  const switchOn = useSwitchOn();
  const mayWrite = useCan("rules:write");
  const turn = (rule: ToldRule) => (rule.enabled === false ? void switchOn(rule, null) : setTurning(rule));
  const [at, setAt] = useState(-1);
  const mayReadFindings = useMay("findings:read");
  const mayAsk = useMay("query:run");
  const tally = useTally(mayReadFindings);
  const hits = useHits(mayAsk);

  const lines = useMemo(() => {
    const byRule = hits.data ? new Map(hits.data.rows.map((row) => [String(row.rule_uid), Number(row.n)])) : null;
    return rules.map((rule): Line => ({
      rule,
      tactics: rule.tactics ?? [],
      tally: tally.data ? (tally.data.rules.get(rule.id) ?? NOTHING) : null,
      hits: byRule ? (byRule.get(rule.id) ?? 0) : null,
    }));
  }, [rules, tally.data, hits.data]);
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const isWanted = ({ rule, tactics, tally: found }: Line) =>
      words.every((word) => `${rule.title} ${rule.id} ${rule.file} ${rule.techniques.join(" ")} ${tactics.join(" ")}`.toLowerCase().includes(word)) &&
      (severity === "" || rule.severity_id === Number(severity)) &&
      (tactic === "" || tactics.includes(tactic)) &&
      // A technique stands for its sub-techniques too.
      (technique === "" || rule.techniques.some((one) => one === technique || one.startsWith(`${technique}.`))) &&
      (state === "" || (state === "off" ? rule.enabled === false : rule.origin === state)) &&
      (has === "" || (found !== null && found.open + found.closed + found.suppressed > 0));
    return lines.filter(isWanted).sort(sorting((SORTS as readonly string[]).includes(order) ? (order as Sort) : "severity"));
  }, [lines, text, severity, tactic, technique, has, state, order]);

  const tactics = [...new Set(lines.flatMap((line) => line.tactics))].sort();
  const techniques = [...new Set([...lines.flatMap((line) => line.rule.techniques), ...(technique ? [technique] : [])])].sort();
  const isFiltered = text + severity + tactic + technique + has + state !== "";
  const isKeeping = rules.some((rule) => rule.origin !== undefined);
  const clear = () => go("/detections");
  const open = (line: Line) => go(`/detections/${encodeURIComponent(line.rule.id)}`);
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={isFiltered ? `(${shown.length} of ${rules.length})` : `(${rules.length})`}
          description={said(tally.data ?? null, mayReadFindings)}
        >
          Rules
        </Header>
      }
    >
      <SpaceBetween size="s">
        <div className="rule-filters">
          <Input type="search" value={text} onChange={({ detail }) => setText(detail.value)} placeholder="Words of title, file, technique or id" ariaLabel="Filter rules by text" spellcheck={false} />
          <Select
            ariaLabel="Severity"
            selectedOption={severity === "" ? { value: "", label: "Any severity" } : { value: severity, label: severityWord(Number(severity)) }}
            options={[{ value: "", label: "Any severity" }, ...[5, 4, 3, 2, 1].map((level) => ({ value: String(level), label: severityWord(level) }))]}
            onChange={({ detail }) => setSeverity(detail.selectedOption.value ?? "")}
          />
          {tactics.length > 0 ? (
            <Select
              ariaLabel="Tactic"
              selectedOption={{ value: tactic, label: tactic === "" ? "Any tactic" : tactic }}
              options={[{ value: "", label: "Any tactic" }, ...tactics.map((value) => ({ value, label: value }))]}
              onChange={({ detail }) => setTactic(detail.selectedOption.value ?? "")}
            />
          ) : null}
          <Select
            ariaLabel="Technique"
            filteringType="auto"
            selectedOption={{ value: technique, label: technique === "" ? "Any technique" : visible(technique) }}
            options={[{ value: "", label: "Any technique" }, ...techniques.map((value) => ({ value, label: visible(value) }))]}
            onChange={({ detail }) => setTechnique(detail.selectedOption.value ?? "")}
          />
          {isKeeping ? (
            <Select
              ariaLabel="Whose, and whether on"
              selectedOption={STATES.find((one) => one.value === state) ?? STATES[0] ?? null}
              options={STATES}
              onChange={({ detail }) => setState(detail.selectedOption.value ?? "")}
            />
          ) : null}
          <Toggle checked={has !== ""} onChange={({ detail }) => setHas(detail.checked ? "findings" : "")} disabled={!mayReadFindings}>
            Has findings
          </Toggle>
        </div>
        {shown.length === 0 ? (
          <Empty title={rules.length === 0 ? "No rule is loaded" : "No rule is like that"} action={isFiltered ? <Button onClick={clear}>Show all rules</Button> : undefined}>
            {rules.length === 0 ? "The server reads rules from the folder that its configuration names, and brings some of its own." : "Take a filter out."}
          </Empty>
        ) : (
          <Grid
            label="Rules"
            columns={columns(order, setOrder, tally.isLoading, mayAsk, tally.data?.since, isKeeping ? { turn, may: mayWrite } : null)}
            rows={shown}
            rowKey={(line) => line.rule.id}
            height={Math.min(720, 38 + shown.length * ROW_PX)}
            rowHeight={ROW_PX}
            at={at}
            onAt={setAt}
            onOpen={open}
          />
        )}
        {turning ? <SwitchOff rule={turning} tag={null} close={() => setTurning(null)} /> : null}
        {hits.error && mayAsk ? <Box color="text-status-warning" variant="small">Matched events are not known: {hits.error.message}</Box> : null}
        {tally.error ? <Box color="text-status-warning" variant="small">Findings are not known: {tally.error.message}</Box> : null}
      </SpaceBetween>
    </Container>
  );
}

function said(tally: Tally | null, mayRead: boolean): ReactNode {
  if (!mayRead) return "Your role may not see findings, so they are not counted here.";
  if (!tally) return `Findings and verdicts are of the last ${DAYS} days.`;
  if (tally.isCut) return `Findings and verdicts are of the latest ${count(tally.findings)} findings of the last ${DAYS} days; there are more.`;
  return (
    <>
      Findings and verdicts are of the last {DAYS} days, <Link href={link("/findings", { status: "all", from: tally.since })} className="linked">{counted(tally.findings, "finding")}</Link> in all.
    </>
  );
}

function sorting(order: Sort): (a: Line, b: Line) => number {
  const found = ({ tally }: Line) => (tally ? tally.open + tally.closed + tally.suppressed : 0);
  const byTitle = (a: Line, b: Line) => a.rule.title.localeCompare(b.rule.title, "en");
  const bySeverity = (a: Line, b: Line) => b.rule.severity_id - a.rule.severity_id || found(b) - found(a) || byTitle(a, b);
  if (order === "title") return byTitle;
  if (order === "findings") return (a, b) => found(b) - found(a) || bySeverity(a, b);
  if (order === "events") return (a, b) => (b.hits ?? 0) - (a.hits ?? 0) || bySeverity(a, b);
  // Those that were wrong most often come first: they want work.
  if (order === "precision") return (a, b) => (a.tally ? (precision(a.tally) ?? 2) : 2) - (b.tally ? (precision(b.tally) ?? 2) : 2) || bySeverity(a, b);
  return bySeverity;
}

const TACTICS_TOLD = 3;

/** Whole names; what is more than fits is counted. */
function tacticWords(tactics: string[]): string {
  const told = tactics.slice(0, TACTICS_TOLD).map(visible).join(", ");
  return tactics.length > TACTICS_TOLD ? `${told} and ${tactics.length - TACTICS_TOLD} more` : told;
}

const ROW_PX = 58;

const STATES = [
  { value: "", label: "All, on and off" },
  { value: "off", label: "Switched off" },
  { value: "server", label: "Kept by this server" },
  { value: "folder", label: "Of folders" },
  { value: "skywarden", label: "Of Skywarden" },
];

/** Switches rules, where the server can. */
interface Turning {
  turn: (rule: ToldRule) => void;
  may: boolean;
}

function columns(order: string, setOrder: (order: string) => void, isLoading: boolean, mayAsk: boolean, since: string | undefined, turning: Turning | null): Column<Line>[] {
  const head = (sort: Sort, words: string, title: string) => (
    <button type="button" onClick={() => setOrder(sort)} title={title} aria-pressed={order === sort}>
      {words}
      {order === sort ? <span aria-hidden="true"> ▾</span> : null}
    </button>
  );
  const unknown = <span className="muted">{isLoading ? "…" : "–"}</span>;
  return [
    { id: "severity", width: 98, head: head("severity", "Severity", "Worst first"), cell: ({ rule }) => <Severity level={rule.severity_id} /> },
    {
      id: "title",
      width: 176,
      grows: true,
      head: head("title", "Rule", "By title"),
      cell: ({ rule }) => (
        <Link href={`/detections/${encodeURIComponent(rule.id)}`} className="rule-title" title={visible(rule.title)}>
          {visible(rule.title)}
        </Link>
      ),
    },
    {
      id: "techniques",
      width: 230,
      head: "ATT&CK",
      cell: ({ rule, tactics }) => (
        <span className="attack" title={[...tactics, ...rule.techniques].map(visible).join(", ")}>
          {rule.techniques.map((one) => (
            <Link key={one} href={link("/detections", { technique: one })} className="technique" aria-label={`Rules for ${visible(one)}`}>
              {visible(one)}
            </Link>
          ))}
          <span className="muted">{tacticWords(tactics)}</span>
        </span>
      ),
    },
    {
      id: "findings",
      name: "Findings",
      width: 98,
      head: head("findings", "Findings", `Of the last ${DAYS} days, most first`),
      cell: ({ rule, tally }) => {
        if (!tally) return unknown;
        const all = tally.open + tally.closed + tally.suppressed;
        if (all === 0) return <span className="muted">none</span>;
        const parts = [tally.open > 0 ? `${count(tally.open)} open` : "", tally.closed > 0 ? `${count(tally.closed)} closed` : "", tally.suppressed > 0 ? `${count(tally.suppressed)} held back` : ""];
        return (
          <Link href={link("/findings", { rule: rule.id, from: since })} className="rule-title">
            {parts.filter(Boolean).join(", ")}
          </Link>
        );
      },
    },
    {
      id: "events",
      name: "Events",
      width: 66,
      head: head("events", "Events", `Events that it matched in the last ${DAYS} days, most first`),
      cell: ({ rule, hits }) => {
        if (hits === null) return mayAsk ? unknown : <span className="muted">–</span>;
        if (hits === 0) return <span className="muted">0</span>;
        return (
          <Link href={queryLink(`SELECT time_dt, event_account, event_source, raw\nFROM hits\nWHERE rule_uid = '${rule.id.replaceAll("'", "''")}'\nORDER BY time_dt DESC\nLIMIT 1000`, "sql")} className="rule-title number">
            {count(hits)}
          </Link>
        );
      },
    },
    {
      id: "precision",
      name: "Precision",
      width: 112,
      head: head("precision", "Precision", `True among those judged true or false, worst first; a share from ${JUDGED_MIN} verdicts on`),
      cell: ({ tally }) => {
        if (!tally) return unknown;
        const share = precision(tally);
        const judged = tally.right + tally.wrong;
        return share === null ? <span className="muted">not judged yet</span> : judged < JUDGED_MIN ? <span className="muted">{count(tally.right)} true of {count(judged)}</span> : <span className="number">{percent(share)} <span className="muted">of {count(judged)}</span></span>;
      },
    },
    ...(turning
      ? [
          {
            id: "on",
            width: 64,
            head: "On",
            cell: ({ rule }: Line) => (
              <button type="button" role="switch" className="turn" aria-checked={rule.enabled !== false} aria-label={`${visible(rule.title)} is tried on events`} disabled={!turning.may} title={rule.off ? visible(rule.off.why) : undefined} onClick={() => turning.turn(rule)}>
                {rule.enabled === false ? "off" : "on"}
              </button>
            ),
          },
        ]
      : []),
    {
      id: "from",
      width: 122,
      grows: true,
      head: "From",
      cell: ({ rule }) => (
        <span className="from muted" title={visible(rule.file)}>
          {rule.origin ? ORIGIN_WORDS[rule.origin] : ""}
          <span className="mono one-line">{visible(rule.file)}</span>
        </span>
      ),
    },
  ];
}
