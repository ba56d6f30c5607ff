// Where to begin: who matters most now.
import Button from "@cloudscape-design/components/button";
import Input from "@cloudscape-design/components/input";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { call, type Finding, type Schema } from "../../api/client";
import { useAnswer, type Question, type Row } from "../../api/query";
import { usePlaces } from "../../api/places";
import { guess } from "../../app/entity";
import { entityLink, queryLink, type EntityKind } from "../../app/url";
import { Panel, Thin } from "../../parts/panel";
import { Severity } from "../../parts/severity";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value } from "../../parts/value";
import { count, counted } from "../../parts/words";
import { addressesOf } from "./addresses";
import { WHO_COLUMNS, whoEntity, whoWords } from "./entity";
import { LoginMap } from "./map";
import { listed } from "./predicate";
import { loginsText } from "./texts";
import { DAY_MS, HOUR_MS, iso, ms, USUAL_DAYS } from "./time";

const DETAILS = 12;
const text = (value: unknown) => (typeof value === "string" ? value : "");

export function Begin() {
  const [typed, setTyped] = useState("");
  const [, go] = useLocation();
  const kinds = useMemo(() => guess(typed.trim()), [typed]);
  const open = (kind: EntityKind | undefined) => kind && go(entityLink(kind, typed.trim()));
  const findings = useQuery({
    queryKey: ["findings", "worst open"],
    queryFn: ({ signal }) =>
      call<Schema<"Page">>("/api/v1/findings", { query: { status: "new,notified,in_progress", severity_min: 2, sort: "worst", limit: 200 }, signal }),
  });
  return (
    <div className="room">
      <div className="profile">
        <form
          className="seek"
          onSubmit={(event) => {
            event.preventDefault();
            open(kinds[0]?.kind);
          }}
        >
          <Input
            value={typed}
            onChange={({ detail }) => setTyped(detail.value)}
            type="search"
            ariaLabel="Principal, address, key, resource or account"
            placeholder="ARN, user name, address, access key, resource id or account number"
          />
          {kinds.length === 0 ? <Button disabled>Investigate</Button> : kinds.map(({ kind, label }, at) => (
            <Button key={kind} variant={at === 0 ? "primary" : "normal"} formAction={at === 0 ? "submit" : "none"} onClick={at === 0 ? undefined : () => open(kind)}>
              As {label.toLowerCase()}
            </Button>
          ))}
        </form>
        <Asked what="open findings" asked={findings}>
          {(page) =>
            page.findings.length === 0 ? (
              <Panel id="begin" title="Begin here" wide>
                <Empty title="No open finding">Nothing asks for attention. Search for whom you want to look at, or <Link href="/start">send logs</Link> if none come yet.</Empty>
              </Panel>
            ) : (
              <Starts findings={page.findings} isCut={Boolean(page.next)} />
            )
          }
        </Asked>
      </div>
    </div>
  );
}

interface Heap {
  value: string;
  level: number;
  n: number;
  score: number;
  last: string;
}

/** Findings by what they have in common, the worst first. */
export function heaps(findings: Finding[], of: (finding: Finding) => string): Heap[] {
  const all = new Map<string, Heap>();
  for (const finding of findings) {
    const value = of(finding);
    if (!value) continue;
    const heap = all.get(value) ?? { value, level: 0, n: 0, score: 0, last: "" };
    heap.level = Math.max(heap.level, finding.severity_id);
    heap.n += 1;
    heap.score += 4 ** finding.severity_id;
    if (finding.last_seen > heap.last) heap.last = finding.last_seen;
    all.set(value, heap);
  }
  return [...all.values()].sort((a, b) => b.level - a.level || b.score - a.score);
}

function Starts({ findings, isCut }: { findings: Finding[]; isCut: boolean }) {
  const note = isCut ? `of the worst ${findings.length} open findings` : `of ${counted(findings.length, "open finding")}, low and above`;
  const table = (label: string, kind: EntityKind, all: Heap[]) => (
    <Thin
      label={label}
      height={300}
      heads={[{ label: "Worst" }, { label, grows: true }, { label: "Findings", isNumber: true }, { label: "Last", isMinor: true }]}
      rows={all.slice(0, 12).map((heap) => ({
        key: heap.value,
        cells: [<Severity level={heap.level} />, <Value text={heap.value} to={entityLink(kind, heap.value)} />, count(heap.n), <Time at={heap.last} />],
      }))}
    />
  );
  // An interface that is scanned from outside is not who does something.
  const people = heaps(findings, (finding) => (finding.principal.startsWith("eni-") ? "" : finding.principal));
  return (
    <>
      <Panel id="principals" title="Principals" note={note}>
        {table("Principal", "principal", people)}
      </Panel>
      <Addresses findings={findings} />
      <Panel id="accounts" title="Accounts" note={note}>
        {table("Account", "account", heaps(findings, (finding) => finding.account))}
      </Panel>
      <Logins />
    </>
  );
}

const LOGINS = "SOURCE 'cloudtrail'\n| filter eventName = 'ConsoleLogin'";

/** Where people logged in to the console from, in the last 30 days against the 30 before. */
function Logins() {
  const window = useMemo(() => {
    const to = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
    return { from: iso(to - USUAL_DAYS * DAY_MS), to: iso(to) };
  }, []);
  const question = useMemo((): Question => ({ text: loginsText(window.from), lang: "sql", from: iso(ms(window.from) - USUAL_DAYS * DAY_MS), to: window.to, rows: 1000 }), [window]);
  const asked = useAnswer(question);
  const from = useMemo(
    () => (asked.data?.rows ?? []).map((row) => ({ value: text(row.value), events: Number(row.events), before: Number(row.before), errors: Number(row.errors) })).filter((one) => one.events > 0),
    [asked.data],
  );
  const places = usePlaces(from.map((one) => one.value));
  const n = from.reduce((sum, one) => sum + one.events, 0);
  return (
    <Panel id="logins" title="Console logins" wide note={asked.data ? `${counted(n, "login")} from ${counted(from.length, "address", "addresses")} in ${USUAL_DAYS} days` : undefined} query={queryLink(`${LOGINS}\n| stats count(*) as logins by sourceIPAddress, responseElements.ConsoleLogin\n| sort logins desc`, "ql", window)}>
      <Asked what="logins" asked={asked}>
        {() => (from.length === 0 ? <Empty title="No login">Nobody logged in to the AWS console in these days, or the logs of that are not collected.</Empty> : <LoginMap label="Map of console logins" asked={places} from={from} its={LOGINS} window={window} />)}
      </Asked>
    </Panel>
  );
}

/** Lists name no addresses, so the worst findings are read. */
function Addresses({ findings }: { findings: Finding[] }) {
  const worst = findings.slice(0, DETAILS);
  const details = useQuery({
    queryKey: ["findings", "addresses of", worst.map((finding) => finding.uid)],
    queryFn: ({ signal }) => Promise.all(worst.map((finding) => call<Finding>(`/api/v1/findings/${finding.uid}`, { signal }))),
  });
  const all = useMemo(() => (details.data ?? []).flatMap((finding) => addressesOf(finding).map((address) => ({ ...finding, principal: address }))), [details.data]);
  const addresses = useMemo(() => heaps(all, (finding) => finding.principal), [all]);
  const question = useMemo((): Question | null => {
    if (addresses.length === 0) return null;
    const since = worst.map((finding) => finding.first_seen).sort()[0];
    return {
      text: `SELECT userIdentity.accessKeyId AS access_key, ${WHO_COLUMNS}, sourceIPAddress, count(*) AS events, max(time_dt) AS last
FROM cloudtrail
WHERE userIdentity.accessKeyId IS NOT NULL AND sourceIPAddress IN (${listed(addresses.slice(0, 20).map((heap) => heap.value), "sql")})
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY events DESC
LIMIT 500`,
      lang: "sql",
      from: since,
    };
  }, [addresses, worst]);
  const keys = useAnswer(question);
  const rank = (row: Row) => addresses.findIndex((heap) => heap.value === row.sourceIPAddress);
  return (
    <>
      <Panel id="addresses" title="Addresses" note={`of the worst ${worst.length} findings`}>
        <Asked what="addresses" asked={details}>
          {() =>
            addresses.length === 0 ? (
              <Empty title="No address">The worst findings name none.</Empty>
            ) : (
              <Thin
                label="Address"
                height={300}
                heads={[{ label: "Worst" }, { label: "Address", grows: true }, { label: "Findings", isNumber: true }, { label: "Last", isMinor: true }]}
                rows={addresses.slice(0, 12).map((heap) => ({
                  key: heap.value,
                  cells: [<Severity level={heap.level} />, <Value text={heap.value} to={entityLink("ip", heap.value)} />, count(heap.n), <Time at={heap.last} />],
                }))}
              />
            )
          }
        </Asked>
      </Panel>
      <Panel id="keys" title="Keys used from these addresses" note="since the first of these findings">
        {question === null ? (
          <Empty title="No key">Keys are looked for by the addresses of the worst findings.</Empty>
        ) : (
          <Asked what="keys" asked={keys}>
            {({ rows }) => (
              <Thin
                label="Key"
                height={300}
                heads={[{ label: "Key" }, { label: "Of", grows: true }, { label: "From", isMinor: true }, { label: "Events", isNumber: true, isMinor: true }]}
                rows={[...rows].sort((a, b) => rank(a) - rank(b)).slice(0, 12).map((row, at) => ({
                  key: String(at),
                  cells: [
                    <Value text={text(row.access_key)} to={entityLink("key", text(row.access_key))} />,
                    <Value text={whoWords(row)} to={entityLink(whoEntity(row).kind, whoEntity(row).value)} />,
                    <Value text={text(row.sourceIPAddress)} to={entityLink("ip", text(row.sourceIPAddress))} />,
                    count(Number(row.events)),
                  ],
                }))}
              />
            )}
          </Asked>
        )}
      </Panel>
    </>
  );
}
