// A finding: who did what to what, why it matters, the evidence, and the decision.
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Link, useLocation, useParams } from "wouter";
import { call, type Finding, type Verdict } from "../api/client";
import { useLive } from "../api/live";
import { AWAY_WHY, useAway } from "../api/reach";
import { useCan, useMay, useSession } from "../api/session";
import { useShell } from "../app/shell";
import { useUrl } from "../app/url";
import { ActButton } from "../parts/act";
import { Json, Raw } from "../parts/json";
import { useKeys } from "../parts/keys";
import { Severity } from "../parts/severity";
import { Asked, Empty } from "../parts/states";
import { Ago } from "../parts/time";
import { visible } from "../parts/value";
import { count, STATUS_WORDS, VERDICT_WORDS } from "../parts/words";
import { fieldsOf } from "./finding/events";
import { Evidence } from "./finding/evidence";
import { Graph } from "./finding/graph";
import { useEvents, useHitsOf } from "./finding/load";
import { leadsOf } from "./finding/leads";
import { aroundOf, Path, useAround } from "./finding/path";
import { RuleTab, useRule } from "./finding/rule";
import { History, Notes, Similar, Todo } from "./finding/side";
import { useDecide, type Decision } from "./findings/decide";
import { FactList } from "./findings/factlist";
import { factsOf } from "./findings/facts";
import { BegunSuppression, SuppressModal } from "./findings/suppress";
import { lookAt, placeOf } from "./findings/trail";
import { closedWords, VerdictMenu } from "./findings/verdict";
import "./findings/findings.css";
import "./finding/finding.css";

const TITLE_MAX = 400;

export default function View() {
  const { uid = "" } = useParams<{ uid: string }>();
  const cache = useQueryClient();
  const asked = useQuery({
    queryKey: ["finding", uid],
    queryFn: () => call<Finding>(`/api/v1/findings/${encodeURIComponent(uid)}`),
    // The stream does not tell what colleagues decide.
    refetchInterval: 15_000,
  });
  const version = asked.data?.version;
  useEffect(() => {
    for (const what of ["history", "notes"]) void cache.invalidateQueries({ queryKey: [what, uid] });
  }, [cache, uid, version]);
  useLive((finding) => {
    if (finding.uid !== uid) return;
    for (const what of ["finding", "history", "notes"]) void cache.invalidateQueries({ queryKey: [what, uid] });
  });
  return (
    <Asked what="the finding" asked={asked}>
      {(finding) => <Whole key={finding.uid} finding={finding} onNow={(now) => now.uid === uid && cache.setQueryData(["finding", uid], now)} />}
    </Asked>
  );
}

function pageOf(uid: string): string {
  return `/findings/${encodeURIComponent(uid)}`;
}

function download(name: string, value: unknown): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function Whole({ finding, onNow }: { finding: Finding; onNow: (finding: Finding) => void }) {
  const [, go] = useLocation();
  const { data: me } = useSession();
  const { say } = useShell();
  const may = useCan("findings:write");
  const isAway = useAway() !== null;
  const mayAsk = useMay("query:run");
  const maySuppress = useMay("suppressions:write");
  const mayRules = useMay("rules:read");
  const load = () => void call<Finding>(`/api/v1/findings/${encodeURIComponent(finding.uid)}`).then(onNow, () => undefined);
  const { decide, takeBack, did } = useDecide(onNow, load);
  const [tab, setTab] = useUrl("tab", "evidence");
  const [chosen] = useUrl("event");
  const [isClosing, setClosing] = useState(false);
  const [isSuppressing, setSuppressing] = useState(false);
  const [isWide, setWide] = useState(false);
  const facts = useMemo(() => factsOf(finding), [finding]);
  const events = useEvents(finding, facts.events, mayAsk);
  const rule = useRule(finding.rule, mayRules);
  const [leadKey, setLead] = useUrl("lead");
  const leads = useMemo(() => leadsOf(events.data ?? [], facts.ips), [events.data, facts.ips]);
  const lead = leads.find((one) => one.key === leadKey) ?? leads[0];
  const around = useAround(finding, lead ? [lead.ip] : facts.ips);
  const wider = useHitsOf(facts.ips.slice(0, 3), aroundOf(finding), mayAsk && isWide && tab === "graph");
  const marks = useMemo(() => fieldsOf(rule.data?.predicate ?? ""), [rule.data]);
  const isClosed = finding.status === "resolved";

  const act = (decision: Decision, words: string) => void (may && decide([finding], decision, words));
  const close = (verdict: Verdict) => {
    setClosing(false);
    act({ status: "resolved", verdict }, closedWords(verdict));
  };
  const assign = () => me && act({ assignee: me.name }, "assigned to you");
  const start = () => me && act({ status: "in_progress", assignee: me.name }, "in progress, yours");
  const copy = () =>
    navigator.clipboard.writeText(location.href).then(
      () => say({ type: "success", content: "The link is copied." }),
      () => say({ type: "warning", content: "The browser does not allow copying here. The address bar has the link." }),
    );
  const save = async () => {
    try {
      const path = `/api/v1/findings/${encodeURIComponent(finding.uid)}`;
      const [notes, history] = await Promise.all([call(`${path}/notes`), call(`${path}/history`)]);
      download(`finding-${finding.uid}.json`, { finding, notes, history });
    } catch (err) {
      say({ type: "error", header: "Not exported", content: err instanceof Error ? err.message : String(err) });
    }
  };
  const place = placeOf(finding.uid);
  const follow = (uid: string | undefined) => uid && go(pageOf(uid));
  useEffect(() => lookAt(finding.uid), [finding.uid]);
  useKeys([
    { key: "j", does: "Next finding of the queue", act: () => void follow(place?.after) },
    { key: "k", does: "Finding of the queue before", act: () => void follow(place?.before) },
    { key: "a", does: "Assign to me", act: () => void assign() },
    { key: "e", does: "Close with a verdict, then 1, 2 or 3", act: () => may && setClosing(true) },
    { key: "s", does: "Suppress", act: () => maySuppress && !isAway && setSuppressing(true) },
    { key: "u", does: "Take back the last decision", act: takeBack },
  ]);

  const title = visible(finding.title);
  const n = around.data?.findings.length ?? 0;
  const event = events.data?.find((one) => one.uid === chosen) ?? events.data?.[0];
  return (
    <SpaceBetween size="m">
      <div className="finding-top">
        <BreadcrumbGroup
          items={[
            { text: "Findings", href: place?.queue ?? "/findings" },
            { text: facts.ruleTitle, href: "" },
          ]}
          onFollow={(step) => {
            step.preventDefault();
            if (step.detail.href) go(step.detail.href);
          }}
        />
        {place ? (
          <nav className="trail" aria-label="Findings of the queue">
            {place.before ? <Link href={pageOf(place.before)} title="k">Before</Link> : null}
            <span className="muted">{`${count(place.number)} of ${count(place.of)}`}</span>
            {place.after ? <Link href={pageOf(place.after)} title="j">Next</Link> : null}
          </nav>
        ) : null}
      </div>
      {isSuppressing || !maySuppress ? null : <BegunSuppression uid={finding.uid} onOpen={() => setSuppressing(true)} />}
      <header className="finding-head">
        <div>
          <h1 title={title}>{title.length > TITLE_MAX ? `${title.slice(0, TITLE_MAX)}…` : title}</h1>
          <div className="badges">
            <Severity level={finding.severity_id} />
            <span className="status" data-status={finding.status}>
              {STATUS_WORDS[finding.status]}
              {finding.verdict ? `, ${VERDICT_WORDS[finding.verdict].toLowerCase()}` : ""}
            </span>
            <span className="muted">{finding.assignee ? `Assigned to ${visible(finding.assignee)}` : "Assigned to nobody"}</span>
            <span className="muted">
              Last seen <Ago at={finding.last_seen} />
            </span>
            {facts.tactics.map((tactic) => (
              <Badge key={tactic}>{visible(tactic)}</Badge>
            ))}
          </div>
        </div>
        <div className="finding-acts">
          <ActButton disabled={!may || finding.assignee === me?.name} onClick={() => void assign()}>Assign to me</ActButton>
          {isClosed ? (
            <ActButton disabled={!may} onClick={() => act({ status: "in_progress", verdict: null }, "open again")}>Reopen</ActButton>
          ) : (
            <>
              <ActButton disabled={!may || finding.status === "in_progress"} onClick={() => void start()}>Start</ActButton>
              <ActButton variant="primary" disabled={!may} onClick={() => setClosing(true)}>Close</ActButton>
            </>
          )}
          <ButtonDropdown
            ariaLabel="More"
            items={[
              { id: "suppress", text: "Suppress findings like this", disabled: isAway || !maySuppress, disabledReason: isAway ? AWAY_WHY : undefined },
              { id: "copy", text: "Copy link" },
              { id: "save", text: "Export as JSON", disabled: isAway, disabledReason: isAway ? AWAY_WHY : undefined },
            ]}
            onItemClick={({ detail }) => {
              if (detail.id === "suppress") setSuppressing(true);
              else if (detail.id === "copy") void copy();
              else void save();
            }}
          >
            More
          </ButtonDropdown>
        </div>
      </header>
      <div className="finding-body" data-wide={tab === "graph"}>
        <div className="finding-main">
          <Container>
            <SpaceBetween size="m">
              <div>
                <Box variant="h2">Why it matters</Box>
                <p className="lead">{facts.why === "" ? "The rule does not say." : visible(facts.why)}</p>
              </div>
              <Tabs
                ariaLabel="Evidence"
                activeTabId={tab}
                onChange={({ detail }) => setTab(detail.activeTabId)}
                tabs={[
                  { id: "evidence", label: "Evidence", content: <Evidence finding={finding} facts={facts} asked={events} marks={marks} mayAsk={mayAsk} /> },
                  { id: "path", label: n > 1 ? `Path (${n})` : "Path", content: <Path finding={finding} leads={leads} lead={lead} onLead={setLead} around={around} mayAsk={mayAsk} /> },
                  {
                    id: "graph",
                    label: "Graph",
                    content: (
                      <Graph
                        events={events.data ?? []}
                        isLoading={events.isFetching && !events.data}
                        wider={
                          n > 1 && mayAsk
                            ? { events: wider.data, isOn: isWide, isBusy: wider.isFetching, setOn: setWide, words: `All that ${facts.ips.length === 1 ? visible(facts.ips[0] as string) : "these addresses"} set off` }
                            : null
                        }
                      />
                    ),
                  },
                  { id: "rule", label: "Rule", content: <RuleTab finding={finding} events={events.data ?? []} rule={rule} /> },
                  {
                    id: "raw",
                    label: "Raw event",
                    content: event ? <Raw text={event.raw} marks={marks} /> : <Empty title="No event is loaded">Evidence says why.</Empty>,
                  },
                  { id: "ocsf", label: "OCSF document", content: <Json value={finding.document ?? null} /> },
                ]}
              />
            </SpaceBetween>
          </Container>
          <Container header={<Header variant="h2">Others like it</Header>}>
            <Similar finding={finding} />
          </Container>
        </div>
        <div className="finding-side">
          {facts.todo.length > 0 ? (
            <Container header={<Header variant="h2">What to do</Header>}>
              <Todo uid={finding.uid} todo={facts.todo} />
            </Container>
          ) : null}
          <Container header={<Header variant="h2">Facts</Header>}>
            <FactList finding={finding} facts={facts} />
          </Container>
          <Container header={<Header variant="h2">Notes</Header>}>
            <Notes uid={finding.uid} />
          </Container>
          <Container header={<Header variant="h2">History</Header>}>
            <History finding={finding} />
          </Container>
        </div>
      </div>
      {isClosing ? <VerdictMenu what="the finding" onChoose={close} onCancel={() => setClosing(false)} /> : null}
      {isSuppressing ? (
        <SuppressModal
          findings={[finding]}
          onDone={(act, words) => {
            setSuppressing(false);
            load();
            did(act, words);
          }}
          onCancel={() => setSuppressing(false)}
        />
      ) : null}
    </SpaceBetween>
  );
}
