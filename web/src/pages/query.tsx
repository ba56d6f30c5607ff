// Asking all logs: a text, a time range, and the rows as they come.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { call, type Schema, type Fault } from "../api/client";
import type { Row } from "../api/query";
import { useMay } from "../api/session";
import { useShell } from "../app/shell";
import { link, useUrl } from "../app/url";
import { ActButton } from "../parts/act";
import { Editor, type Mark, type Suggestion } from "../parts/editor";
import { useKeys } from "../parts/keys";
import { EventPanel } from "./query/event";
import { fieldsOf } from "./query/events";
import { Examples } from "./query/examples";
import { csv, download, jsonl } from "./query/give";
import { Histogram, RowsHistogram } from "./query/histogram";
import { CommandModal, ExplainModal, RuleModal } from "./query/modals";
import { RangePicker, resolved, type Range } from "./query/range";
import { Results } from "./query/results";
import { IDLE, useRun, type Question, type Run } from "./query/run";
import { LibraryModal, SaveModal } from "./query/saved";
import { NothingYet, useIsNothing } from "./sources/nothing";
import { Fields } from "./query/sidebar";
import { StatusLine } from "./query/status";
import { DEFAULT_QUERY, DEFAULT_SQL, makesGroups, patternsText, unitAt, withFilter, type Lang } from "./query/text";
import { kinds, Visual } from "./query/visual";
import { Empty } from "../parts/states";
import "./query/query.css";

type Dialog = "save" | "library" | "rule" | "command" | "explain" | null;

export default function QueryPage() {
  const [, go] = useLocation();
  const [params] = useSearchParams();
  const asked = useMemo(
    () => ({ q: params.get("q"), lang: (params.get("lang") === "sql" ? "sql" : "ql") as Lang, from: params.get("from") ?? "", to: params.get("to") ?? "", isRun: params.get("run") === "1" }),
    [params.get("q"), params.get("lang"), params.get("from"), params.get("to"), params.get("run")],
  );
  const [view, setView] = useUrl("view", "rows");
  const { say, setPanel } = useShell();
  const [text, setText] = useState(asked.q ?? DEFAULT_QUERY);
  const [dialog, setDialog] = useState<Dialog>(null);
  const [at, setAt] = useState(-1);
  const { run, start, cancel, reset } = useRun();
  const fields = useFields(run);
  const leaveTo = useRef<HTMLDivElement>(null);
  const mayReadRules = useMay("rules:read");
  const { lang } = asked;

  const begin = useCallback(
    (question: Question) => {
      setAt(-1);
      setPanel(null);
      start(question);
    },
    [start, setPanel],
  );
  // The address is what is asked: whoever leads here, or goes back, asks by it.
  useEffect(() => {
    setText(asked.q ?? (asked.lang === "sql" ? DEFAULT_SQL : DEFAULT_QUERY));
    if (asked.isRun && asked.q) begin({ text: asked.q, lang: asked.lang, ...resolved(asked, Date.now()) });
    else reset();
  }, [asked, begin, reset]);

  const open = useCallback(
    (change: { q?: string; lang?: Lang } & Partial<Range>) => {
      const next = { q: text, lang, from: asked.from, to: asked.to, ...change };
      if (next.q.trim() === "") next.q = next.lang === "sql" ? DEFAULT_SQL : DEFAULT_QUERY;
      const isSame = asked.isRun && next.q === asked.q && next.lang === lang && next.from === asked.from && next.to === asked.to;
      if (isSame) begin({ text: next.q, lang: next.lang, ...resolved(next, Date.now()) });
      else go(link("/query", { q: next.q, lang: next.lang === "sql" ? "sql" : null, from: next.from, to: next.to, run: 1, view: view === "rows" ? null : view }));
    },
    [text, lang, asked, view, begin, go],
  );
  const change = (to: Lang) => {
    const isUntouched = text.trim() === "" || text === DEFAULT_QUERY || text === DEFAULT_SQL;
    const q = isUntouched ? (to === "sql" ? DEFAULT_SQL : DEFAULT_QUERY) : text;
    go(link("/query", { q, lang: to === "sql" ? "sql" : null, from: asked.from, to: asked.to }));
  };
  const setRange = (range: Range) => {
    if (asked.isRun) open(range);
    else go(link("/query", { q: text === DEFAULT_QUERY ? null : text, lang: lang === "sql" ? "sql" : null, ...range }));
  };
  const narrow = useCallback((from: string, to: string) => open({ from, to }), [open]);
  const filter = useCallback((field: string, value: unknown, is: boolean) => open({ q: withFilter(text, field, value, is, lang) }), [open, text, lang]);
  const show = useCallback(
    (row: Row) => run.question && setPanel(<EventPanel row={row} question={run.question} onFilter={filter} />),
    [run.question, filter, setPanel],
  );
  useKeys([{ key: "e", does: "Write in the editor", act: () => document.querySelector<HTMLElement>("#question .cm-content")?.focus() }]);

  const marks = useMemo(() => marksOf(run, text), [run.problem, run.job?.warnings, text]);
  const question = run.question;
  const isRunning = run.phase === "running";
  const isShown = run.rows.length > 0 || run.phase === "done";
  const act = (id: string) => {
    if (id === "csv") download("answer.csv", "text/csv", csv(run.columns, run.rows));
    else if (id === "jsonl") download("answer.jsonl", "application/x-ndjson", jsonl(run.rows));
    else if (id === "patterns") open({ q: patternsText(text) });
    else if (id === "diff") open({ q: `${patternsText(text)}\n| diff` });
    else if (id === "link")
      void navigator.clipboard.writeText(location.href).then(
        () => say({ type: "success", content: "The link is copied. Who opens it asks the same." }),
        () => say({ type: "warning", content: "The browser did not allow it. Copy the address instead." }),
      );
    else setDialog(id as Dialog);
  };
  const none = run.rows.length === 0 ? "There are no rows" : undefined;
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          actions={
            <SpaceBetween size="xs" direction="horizontal">
              <Button onClick={() => setDialog("library")}>Saved and history</Button>
              <ActButton onClick={() => setDialog("save")}>Save</ActButton>
              <ButtonDropdown
                onItemClick={({ detail }) => act(detail.id)}
                items={[
                  { id: "link", text: "Copy link" },
                  { id: "command", text: "As CLI command" },
                  ...(mayReadRules ? [{ id: "rule", text: "Make a rule of this", disabled: lang === "sql", disabledReason: "A rule is made of filters of Logs Insights QL" }] : []),
                  { id: "patterns", text: "Patterns of these events", disabled: lang === "sql", disabledReason: "Patterns are asked in Logs Insights QL" },
                  { id: "diff", text: "Compare with the time before", disabled: lang === "sql" || asked.from === "", disabledReason: lang === "sql" ? "It is asked in Logs Insights QL" : "Choose a time range first; it is compared with as long a time before" },
                  { id: "explain", text: "Explain", disabled: !run.job?.statistics, disabledReason: "Run the query first" },
                  { id: "csv", text: "Download CSV", disabled: none !== undefined, disabledReason: none },
                  { id: "jsonl", text: "Download JSONL", disabled: none !== undefined, disabledReason: none },
                ]}
              >
                Actions
              </ButtonDropdown>
            </SpaceBetween>
          }
        >
          Query
        </Header>
      }
    >
      <div className="query-page">
        <Container>
          <SpaceBetween size="s">
            <div className="ask-bar">
              <SegmentedControl
                selectedId={lang}
                label="Language"
                onChange={({ detail }) => change(detail.selectedId as Lang)}
                options={[
                  { id: "ql", text: "Logs Insights" },
                  { id: "sql", text: "SQL" },
                ]}
              />
              <RangePicker range={asked} onChange={setRange} />
              <div ref={leaveTo} className="run">
                {isRunning ? (
                  <ActButton onClick={cancel} iconName="status-stopped">
                    Cancel
                  </ActButton>
                ) : (
                  <ActButton variant="primary" iconName="caret-right-filled" onClick={() => open({})}>
                    Run
                  </ActButton>
                )}
              </div>
              <span className="muted small" id="editor-keys">
                <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs, <kbd>Esc</kbd> leaves the editor
              </span>
            </div>
            <div id="question">
              <Editor
                value={text}
                lang={lang}
                label={lang === "sql" ? "Query in SQL" : "Query in Logs Insights QL"}
                describedBy="editor-keys"
                hint={lang === "sql" ? DEFAULT_SQL : DEFAULT_QUERY}
                onChange={setText}
                onRun={() => open({})}
                onLeave={() => leaveTo.current?.querySelector("button")?.focus()}
                marks={marks}
                fields={fields}
                minHeight={84}
                maxHeight={320}
              />
            </div>
            <Told run={run} text={text} />
            <StatusLine run={run} onExplain={() => setDialog("explain")} />
          </SpaceBetween>
        </Container>
        {run.phase === "idle" ? (
          <Container>
            <Examples />
          </Container>
        ) : null}
        {question && run.phase !== "failed" && (run.rows.length > 0 || (question.lang === "ql" && (isShown || isRunning))) ? (
          <Container>
            {question.lang === "ql" ? (
              <Histogram question={question} onRange={narrow} />
            ) : (
              <RowsHistogram rows={run.rows} columns={run.columns} onRange={narrow} />
            )}
          </Container>
        ) : null}
        {question && isShown ? (
          <div className="answer">
            <Container>
              <Fields rows={run.rows} question={question} onFilter={filter} />
            </Container>
            <Container>
              <SpaceBetween size="s">
                <SegmentedControl
                  selectedId={view}
                  label="View"
                  onChange={({ detail }) => setView(detail.selectedId)}
                  options={[
                    { id: "rows", text: "Rows" },
                    { id: "chart", text: "Chart" },
                  ]}
                />
                <Answer run={run} view={view} at={at} onAt={setAt} onOpen={show} onAll={() => open({ from: "", to: "" })} />
              </SpaceBetween>
            </Container>
          </div>
        ) : null}
      </div>
      {dialog === "save" ? (
        <SaveModal
          shown={{ text, lang, from: asked.from, to: asked.to }}
          onDone={(said) => {
            setDialog(null);
            if (said) say({ type: "success", content: said });
          }}
        />
      ) : null}
      {dialog === "library" ? <LibraryModal onClose={() => setDialog(null)} /> : null}
      {dialog === "rule" ? <RuleModal text={text} onClose={() => setDialog(null)} /> : null}
      {dialog === "command" ? <CommandModal question={{ text, lang, ...resolved(asked, Date.now()) }} onClose={() => setDialog(null)} /> : null}
      {dialog === "explain" ? <ExplainModal run={run} onClose={() => setDialog(null)} /> : null}
    </ContentLayout>
  );
}

function Answer({ run, view, at, onAt, onOpen, onAll }: { run: Run; view: string; at: number; onAt: (at: number) => void; onOpen: (row: Row) => void; onAll: () => void }) {
  const isWindowed = run.question?.from !== null || run.question.to !== null;
  const isNothing = useIsNothing();
  if (run.rows.length === 0) {
    if (isNothing) return <NothingYet />;
    return (
      <Empty title="No event matches" action={isWindowed ? <Button onClick={onAll}>Ask over all time</Button> : undefined}>
        {run.job?.statistics ? `${run.job.statistics.rows_scanned.toLocaleString("en")} rows were looked at.` : ""} Take a filter out, or choose a longer time range.
      </Empty>
    );
  }
  if (view === "chart") return <Visual columns={run.columns} rows={run.rows} onRow={onOpen} />;
  const isPicture = run.question?.lang === "ql" && makesGroups(run.question.text) && kinds(run.columns, run.rows.slice(0, 50)).numbers.length > 0;
  return (
    <>
      {isPicture ? <Box variant="small" color="text-body-secondary">The chart shows these numbers as a picture.</Box> : null}
      <Results columns={run.columns} rows={run.rows} at={at} onAt={onAt} onOpen={onOpen} />
    </>
  );
}

/** What is wrong or odd, in words under the editor too. */
function Told({ run, text }: { run: Run; text: string }) {
  const faults = run.problem ? run.problem.faults : (run.job?.warnings ?? []);
  if (run.phase === "idle" || (!run.problem && faults.length === 0)) return null;
  const isOurs = text === run.question?.text;
  return (
    <Alert type={run.problem ? "error" : "warning"} header={run.problem ? "The query cannot be run" : undefined}>
      {faults.length === 0 ? sentence(run.problem?.detail ?? "") : null}
      {faults.map((fault, at) => (
        <div key={at}>
          {sentence(fault.detail)}
          {fault.help ? <span>. {sentence(fault.help)}</span> : null}
          {isOurs && typeof fault.start === "number" ? <span className="muted"> ({place(text, fault)})</span> : null}
        </div>
      ))}
    </Alert>
  );
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function place(text: string, fault: Fault): string {
  const before = text.slice(0, unitAt(text, fault.start ?? 0));
  return `line ${before.split("\n").length}, column ${before.length - before.lastIndexOf("\n")}`;
}

function marksOf(run: Run, text: string): Mark[] {
  // A text that was changed since is not what was judged.
  if (run.question?.text !== text) return [];
  const of = (faults: Fault[], severity: Mark["severity"]) =>
    faults
      .filter((fault) => typeof fault.start === "number")
      .map((fault) => ({
        from: unitAt(text, fault.start as number),
        to: unitAt(text, fault.end ?? (fault.start as number) + 1),
        severity,
        message: fault.help ? `${fault.detail}\n${fault.help}` : fault.detail,
      }));
  return [...of(run.problem?.faults ?? [], "error"), ...of(run.job?.warnings ?? [], "warning")];
}

/** Names that can be typed: those of the server's logs, and those of the rows at hand. */
function useFields(run: Run): Suggestion[] {
  const known = useQuery({
    queryKey: ["fields"],
    staleTime: 300_000,
    queryFn: () => call<Schema<"QueryField">[]>("/api/v1/fields"),
  });
  const rows = run.phase === "done" ? run.rows : IDLE.rows;
  return useMemo(() => {
    const names = new Map<string, string | undefined>((known.data ?? []).map((field) => [field.name, [field.type, ...field.sources].join(", ")]));
    for (const row of rows.slice(0, 100)) for (const name of fieldsOf(row).keys()) if (!names.has(name)) names.set(name, undefined);
    return [...names].map(([name, detail]) => ({ name, detail }));
  }, [known.data, rows]);
}
