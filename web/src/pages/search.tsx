// What a name is the name of: every kind is tried, and what is known of it is listed. If the first guess is right, it leads there at once.
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { call, type Schema } from "../api/client";
import { runQuery, type Question, type Row } from "../api/query";
import { useMay } from "../api/session";
import { ENTITY_WORDS, networkOf } from "../app/entity";
import { entityLink, link, queryLink, useUrl, type EntityKind } from "../app/url";
import { Panel, Thin } from "../parts/panel";
import { Severity } from "../parts/severity";
import { Asked, Empty, Failed, Loading } from "../parts/states";
import { Time } from "../parts/time";
import { Value, visible } from "../parts/value";
import { count, counted } from "../parts/words";
import { whoEntity, whoWords } from "./investigate/entity";
import "./investigate/investigate.css";
import { NothingYet, useIsNothing } from "./sources/nothing";
import { countQuestions, DAYS, kindsOf, namesQuestion, networkQuestions, sumOf, type Found } from "./search/asks";

const MINUTE_MS = 60_000;
const FINDINGS = 8;

function useFrom(): string {
  return useMemo(() => new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - DAYS * 86_400_000).toISOString(), []);
}

function found(row: Row | undefined): Found {
  return { n: Number(row?.n ?? 0), first: String(row?.first ?? ""), last: String(row?.last ?? "") };
}

function ask(question: Question) {
  return { queryKey: ["answer", question], queryFn: ({ signal }: { signal: AbortSignal }) => runQuery(question, signal), staleTime: 60_000, retry: false };
}

export default function SearchPage() {
  const [text, setText] = useUrl("q");
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  const wanted = text.trim();
  const network = networkOf(wanted);
  const isNothing = useIsNothing();
  return (
    <ContentLayout header={<Header variant="h1" description="What is known under a name, whatever it names">Search</Header>}>
      <SpaceBetween size="m">
        <form
          className="seek"
          onSubmit={(event) => {
            event.preventDefault();
            setText(typed.trim(), { push: true });
          }}
        >
          <Input type="search" value={typed} onChange={({ detail }) => setTyped(detail.value)} ariaLabel="What to look for" placeholder="ARN, user name, address, network, access key, resource, account" spellcheck={false} />
          <Button formAction="submit" disabled={typed.trim() === ""}>Look</Button>
        </form>
        {isNothing ? <NothingYet /> : wanted === "" ? <Empty title="Nothing to look for">Type a name, an address, a network like 198.51.100.0/24 or the beginning of its addresses like 198.51.100., a key, a resource or an account.</Empty> : network !== null ? <Network key={network} network={network} /> : <Kinds key={wanted} text={wanted} />}
        {/* A network is in no finding as such; how its addresses begin is. */}
        {isNothing || wanted === "" || wanted === network ? null : <Findings text={wanted} />}
      </SpaceBetween>
    </ContentLayout>
  );
}

function Kinds({ text }: { text: string }) {
  const [wanted] = useUrl("kind");
  const [, go] = useLocation();
  const mayAsk = useMay("query:run");
  const from = useFrom();
  const kinds = useMemo(() => kindsOf(text, wanted), [text, wanted]);
  const asked = useQueries({ queries: kinds.map((kind) => ({ ...tried(kind, text, from), enabled: mayAsk })) });
  const names = useQuery({ ...ask(namesQuestion(text, from)), enabled: mayAsk });
  // Only what was chosen in the search leads on by itself: whoever comes back is not sent away again.
  const isFirstRight = wanted !== "" && (asked[0]?.data?.n ?? 0) > 0;
  useEffect(() => {
    if (isFirstRight) go(entityLink(kinds[0] as EntityKind, text), { replace: true });
  }, [isFirstRight, go, kinds, text]);
  if (!mayAsk) return null;
  const known = kinds.flatMap((kind, at) => ((asked[at]?.data?.n ?? 0) > 0 ? [{ kind, ...(asked[at]?.data as Found) }] : []));
  const isBusy = asked.some((one) => one.isPending);
  const failed = asked.find((one) => one.error);
  const none = kinds.filter((_, at) => asked[at]?.data?.n === 0).map((kind) => ENTITY_WORDS[kind].toLowerCase());
  return (
    <SpaceBetween size="m">
      {failed ? <Failed what="look at every kind" error={failed.error} retry={() => void failed.refetch()} /> : null}
      <Panel id="kinds" title="Known as" note={`of the last ${DAYS} days`}>
        {known.length > 0 ? (
          <Thin
            label="Known as"
            heads={[{ label: "Kind" }, { label: "Name", grows: true }, { label: "Events", isNumber: true }, { label: "First", isMinor: true }, { label: "Last" }]}
            rows={known.map(({ kind, n, first, last }) => ({
              key: kind,
              cells: [ENTITY_WORDS[kind], <Value text={text} to={entityLink(kind, text)} />, count(n), <Time at={first} />, <Time at={last} />],
            }))}
          />
        ) : isBusy ? null : (
          <Empty title="No event names it">Names are case-sensitive here. What has it as a part of its name stands below.</Empty>
        )}
        {isBusy ? <Loading what="every kind" /> : none.length > 0 ? <p className="hint">No event of it as {none.join(", ")}.</p> : null}
      </Panel>
      <Panel id="names" title="Names with it" query={queryLink(namesQuestion(text, from).text, "sql", { from })}>
        <Asked what="names" asked={names}>
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title="Nobody is called like it" />
            ) : (
              <Thin
                label="Names with it"
                heads={[{ label: "Kind", isMinor: true }, { label: "Name", grows: true }, { label: "Account", isMinor: true }, { label: "Events", isNumber: true }, { label: "Last" }]}
                rows={rows.map((row, at) => {
                  const { kind, value } = whoEntity(row);
                  return { key: String(at), cells: [ENTITY_WORDS[kind], <Value text={whoWords(row)} to={entityLink(kind, value)} />, visible(String(row.account ?? "")), count(Number(row.n)), <Time at={String(row.last)} />] };
                })}
              />
            )
          }
        </Asked>
      </Panel>
    </SpaceBetween>
  );
}

function tried(kind: EntityKind, text: string, from: string) {
  const questions = countQuestions(kind, text, from);
  return {
    queryKey: ["search", kind, text, from],
    queryFn: async ({ signal }: { signal: AbortSignal }) => sumOf((await Promise.all(questions.map((one) => runQuery(one, signal)))).map(({ rows }) => found(rows[0]))),
    staleTime: MINUTE_MS,
    retry: false,
  };
}

function Network({ network }: { network: string }) {
  const mayAsk = useMay("query:run");
  const from = useFrom();
  const questions = useMemo(() => networkQuestions(network, from), [network, from]);
  const asked = useQuery({
    queryKey: ["search", "network", network, from],
    queryFn: async ({ signal }) => {
      const [trail, flows] = await Promise.all(questions.map((one) => runQuery(one, signal)));
      const all = new Map<string, { calls: Found; flows: Found }>();
      for (const [name, answer] of [["calls", trail], ["flows", flows]] as const) {
        for (const row of answer?.rows ?? []) {
          const address = String(row.address ?? "");
          const one = all.get(address) ?? { calls: found(undefined), flows: found(undefined) };
          one[name] = found(row);
          all.set(address, one);
        }
      }
      return [...all].map(([address, { calls, flows: flow }]) => ({ address, calls: calls.n, flows: flow.n, ...sumOf([calls, flow]) })).sort((a, b) => b.calls - a.calls || b.n - a.n);
    },
    enabled: mayAsk,
    staleTime: MINUTE_MS,
    retry: false,
  });
  if (!mayAsk) return null;
  return (
    <Panel id="network" title={`Addresses in ${network}`} note={`of the last ${DAYS} days`} query={queryLink(questions[0]?.text ?? "", "ql", { from })}>
      <Asked what="addresses of the network" asked={asked}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No event comes from it">Neither a call nor a flow of the last {DAYS} days has an address of this network as its source.</Empty>
          ) : (
            <Thin
              label="Addresses of the network"
              heads={[{ label: "Address", grows: true }, { label: "Calls", isNumber: true }, { label: "Flow records", isNumber: true }, { label: "First", isMinor: true }, { label: "Last", isMinor: true }]}
              rows={all.map((one) => ({ key: one.address, cells: [<Value text={one.address} to={entityLink("ip", one.address)} />, count(one.calls), count(one.flows), <Time at={one.first} />, <Time at={one.last} />] }))}
            />
          )
        }
      </Asked>
    </Panel>
  );
}

function Findings({ text }: { text: string }) {
  const may = useMay("findings:read");
  const asked = useQuery({
    queryKey: ["findings", "search", text],
    queryFn: ({ signal }) => call<Schema<"Page">>("/api/v1/findings", { query: { text, sort: "worst", limit: 200 }, signal }),
    enabled: may,
  });
  if (!may) return null;
  return (
    <Panel id="found" title="Findings with it" actions={<Link href={link("/findings", { text, status: "all" })} className="door">Open in Findings</Link>}>
      <Asked what="findings" asked={asked}>
        {({ findings, next }) =>
          findings.length === 0 ? (
            <Empty title="No finding names it" />
          ) : (
            <>
              <Thin
                label="Findings with it"
                heads={[{ label: "Severity" }, { label: "What", grows: true }, { label: "Last" }]}
                rows={findings.slice(0, FINDINGS).map((one) => ({
                  key: one.uid,
                  cells: [<Severity level={one.severity_id} />, <Link href={`/findings/${encodeURIComponent(one.uid)}`}>{visible(one.title.slice(0, 300))}</Link>, <Time at={one.last_seen} />],
                }))}
              />
              {findings.length > FINDINGS ? <p className="hint">The worst {FINDINGS} of {next ? "more than " : ""}{counted(findings.length, "finding")}.</p> : null}
            </>
          )
        }
      </Asked>
    </Panel>
  );
}
