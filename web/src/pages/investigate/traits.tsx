// What it is seen with: what is new against the 30 days before, and where it comes from.
import { useMemo } from "react";
import { Link } from "wouter";
import { placeName, usePlaces } from "../../api/places";
import { queryLink, entityLink } from "../../app/url";
import { quoted, type Answer, type Question, type Row, useAnswer } from "../../api/query";
import { Panel, Thin } from "../../parts/panel";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { utc } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { count, counted } from "../../parts/words";
import type { WhoRow } from "./entity";
import { whoEntity, whoWords } from "./entity";
import { Credit, LoginMap, NoDatabase } from "./map";
import type { Predicate } from "./predicate";
import { rarityText } from "./texts";
import { USUAL_DAYS, type Window } from "./time";

const text = (value: unknown) => (typeof value === "string" ? value : "");

export interface Trait {
  value: string;
  /** The service of an API. */
  more: string;
  events: number;
  before: number;
  errors: number;
  first: string;
  last: string;
}
export interface Traits {
  apis: Trait[];
  regions: Trait[];
  accounts: Trait[];
  addresses: (Trait & { agents: string[] })[];
  agents: Trait[];
  keys: (Trait & { who: WhoRow })[];
  /** Events of the 30 days before. */
  before: number;
}

function read(row: Row, value: unknown, more = ""): Trait {
  return { value: text(value), more, events: Number(row.events), before: Number(row.before), errors: Number(row.errors), first: text(row.first), last: text(row.last) };
}

function merge<T extends Trait>(all: Map<string, T>, one: T): T {
  const known = all.get(one.value);
  if (!known) {
    all.set(one.value, one);
    return one;
  }
  known.events += one.events;
  known.before += one.before;
  known.errors += one.errors;
  if (one.first && (!known.first || one.first < known.first)) known.first = one.first;
  if (one.last > known.last) known.last = one.last;
  return known;
}

export function traitsOf(rows: Row[]): Traits {
  const of = (facet: string) => rows.filter((row) => row.facet === facet);
  const addresses = new Map<string, Trait & { agents: string[] }>();
  const agents = new Map<string, Trait>();
  for (const row of of("from")) {
    const agent = text(row.agent);
    if (text(row.address)) {
      const at = merge(addresses, { ...read(row, row.address), agents: [] as string[] });
      if (agent && Number(row.events) > 0 && !at.agents.includes(agent)) at.agents.push(agent);
    }
    if (agent) merge(agents, read(row, agent));
  }
  const named = (facet: string, column: string) => of(facet).map((row) => read(row, row[column])).filter((trait) => trait.value);
  return {
    apis: of("api").map((row) => read(row, row.api, text(row.service).replace(".amazonaws.com", ""))).filter((trait) => trait.value),
    regions: named("region", "region"),
    accounts: named("account", "recipient"),
    addresses: [...addresses.values()].sort((a, b) => b.events - a.events),
    agents: [...agents.values()],
    keys: of("key").map((row) => ({ ...read(row, row.access_key), who: row as WhoRow })),
    before: of("region").reduce((all, row) => all + Number(row.before), 0),
  };
}

interface Fresh {
  kind: "API" | "Region" | "Address" | "User agent";
  trait: Trait;
  principals: number | null;
}

/** New ones, the rarest among all principals first. */
export function freshOf(traits: Traits, rarity: Row[], withoutAddresses: boolean): Fresh[] {
  const known = new Map<string, number>();
  for (const row of rarity) {
    for (const name of ["api", "region", "address", "agent"]) if (text(row[name])) known.set(`${name} ${text(row[name])}`, Number(row.principals));
  }
  const isNew = (trait: Trait) => trait.before === 0 && trait.events > 0;
  const of = (kind: Fresh["kind"], name: string, all: Trait[]): Fresh[] =>
    all.filter(isNew).map((trait) => ({ kind, trait, principals: known.get(`${name} ${trait.value}`) ?? null }));
  return [
    ...of("API", "api", traits.apis), ...of("Region", "region", traits.regions),
    ...(withoutAddresses ? [] : of("Address", "address", traits.addresses)), ...of("User agent", "agent", traits.agents),
  ].sort((a, b) => (a.principals ?? 1e9) - (b.principals ?? 1e9) || a.trait.events - b.trait.events || a.trait.value.localeCompare(b.trait.value));
}

const SHOWN = 100;

export function News({ traits, window, usualFrom, isAddress, its, query }: { traits: Traits; window: Window; usualFrom: string; isAddress: boolean; its: string; query: string }) {
  const names = useMemo(() => {
    const isNew = (trait: Trait) => trait.before === 0 && trait.events > 0;
    const of = (all: Trait[]) => [...new Set(all.filter(isNew).map((trait) => trait.value))];
    return { apis: of(traits.apis), regions: of(traits.regions), addresses: isAddress ? [] : of(traits.addresses), agents: of(traits.agents) };
  }, [traits, isAddress]);
  const rarityQuestion = useMemo((): Question | null => {
    const asked = rarityText(names);
    return asked && asked.length < 9000 ? { text: asked, lang: "sql", from: usualFrom, to: window.to, rows: 5000 } : null;
  }, [names, usualFrom, window.to]);
  const rarity = useAnswer(rarityQuestion);
  const fresh = useMemo(() => freshOf(traits, rarity.data?.rows ?? [], isAddress), [traits, rarity.data, isAddress]);
  const span = `against the ${USUAL_DAYS} days ${utc(usualFrom).slice(0, 10)} to ${utc(window.from).slice(0, 16)}`;
  return (
    <Panel id="news" title="New against usual" note={span} query={query}>
      {traits.before === 0 ? (
        <p className="hint">No event of it is known from the {USUAL_DAYS} days before, so all of this is new. The rarest comes first.</p>
      ) : null}
      {fresh.length === 0 ? (
        <Empty title="Nothing new">All of its APIs, Regions, addresses and user agents were seen in the {USUAL_DAYS} days before.</Empty>
      ) : (
        <Thin
          label="New against usual"
          height={260}
          heads={[{ label: "What" }, { label: "Value", grows: true }, { label: "Events", isNumber: true }, { label: "Errors", isNumber: true, isMinor: true }, { label: "Used by", isNumber: true }, { label: "First", isMinor: true }]}
          rows={fresh.slice(0, SHOWN).map(({ kind, trait, principals }) => ({
            key: `${kind} ${trait.more} ${trait.value}`,
            cells: [
              kind,
              kind === "Address" ? <Value text={trait.value} to={entityLink("ip", trait.value)} /> : kind === "API" ? <span className="mono">{visible(`${trait.more}:${trait.value}`)}</span> : <Value text={trait.value} />,
              <Link href={queryLink(`${its}\n| filter ${filterOf(kind, trait.value)}\n| sort @timestamp desc`, "ql", window)}>{count(trait.events)}</Link>,
              trait.errors > 0 ? count(trait.errors) : "",
              rarityQuestion === null || principals === null ? "…" : principals === 1 ? "nobody else" : counted(principals, "principal"),
              trait.first ? <Time at={trait.first} /> : "",
            ],
          }))}
        />
      )}
      {fresh.length > SHOWN ? <p className="hint">The first {SHOWN} of {fresh.length}.</p> : null}
    </Panel>
  );
}

function filterOf(kind: Fresh["kind"], value: string): string {
  const said = quoted(value);
  return kind === "User agent" ? `userAgent like ${said}` : `${{ API: "eventName", Region: "awsRegion", Address: "sourceIPAddress" }[kind]} = ${said}`;
}

interface WhenceProps {
  traits: Traits;
  its: string;
  window: Window;
  query: string;
  /** Whose travels are looked at; nothing if the events are of many. */
  calls?: Predicate;
}

export function Whence({ traits, its, window, query, calls }: WhenceProps) {
  const seen = useMemo(() => traits.addresses.filter((one) => one.events > 0), [traits]);
  const asked = usePlaces(seen.map((one) => one.value));
  const places = new Map((asked.data?.places ?? []).map((place) => [place.address, place]));
  const hasPlaces = Boolean(asked.data?.database);
  return (
    <Panel id="whence" wide title="Where from" note={counted(seen.length, "address", "addresses")} query={query}>
      {seen.length === 0 ? (
        <Empty title="No address">No event of this time names one.</Empty>
      ) : (
        <>
          <LoginMap label="Map of where it came from" asked={asked} from={seen} its={its} window={window} calls={calls} />
          <Thin
            label="Addresses"
            height={260}
            heads={[{ label: "Address" }, ...(hasPlaces ? [{ label: "Place" }] : []), { label: "Events", isNumber: true }, { label: "Errors", isNumber: true, isMinor: true }, { label: "First", isMinor: true }, { label: "Last", isMinor: hasPlaces }, { label: "User agents", grows: true, isMinor: true }]}
            rows={seen.slice(0, SHOWN).map((one) => ({
              key: one.value,
              cells: [
                <span className="with-tag">
                  <Value text={one.value} to={/^[0-9a-f.:]+$/i.test(one.value) ? entityLink("ip", one.value) : entityLink("principal", `service ${one.value}`)} />
                  {one.before === 0 ? <span className="tag new">new</span> : null}
                </span>,
                ...(hasPlaces ? [<span className="two-lines" title={visible(places.get(one.value)?.organisation ?? "")}>{visible(placeName(places.get(one.value)))}</span>] : []),
                <Link href={queryLink(`${its}\n| filter ${filterOf("Address", one.value)}\n| sort @timestamp desc`, "ql", window)}>{count(one.events)}</Link>,
                one.errors > 0 ? count(one.errors) : "",
                <Time at={one.first} />,
                <Time at={one.last} />,
                <span title={one.agents.map(visible).join("\n")}>{visible(one.agents[0] ?? "")}{one.agents.length > 1 ? ` and ${one.agents.length - 1} more` : ""}</span>,
              ],
            }))}
          />
        </>
      )}
      {seen.length > SHOWN ? <p className="hint">The first {SHOWN} of {seen.length}.</p> : null}
    </Panel>
  );
}

/** Where an address is, and whose it is. */
export function Whereabouts({ address }: { address: string }) {
  const asked = usePlaces([address]);
  if (!asked.data) return null;
  if (!asked.data.database) return <NoDatabase />;
  const place = asked.data.places.find((one) => one.address === address);
  const name = placeName(place);
  return (
    <p className="whereabouts">
      {name ? <b>{place?.is_approximate ? `Somewhere in ${visible(name)}` : visible(name)}</b> : "Its place is not known"}
      {place?.organisation ? <>, {visible(place.organisation)}{place.asn ? ` (AS${place.asn})` : ""}</> : null}
      <span className="hint"> <Credit places={asked.data} /></span>
    </p>
  );
}

/** Who is behind an address, a resource or an account. */
export function Whom({ traits, query, address }: { traits: Traits; query: string; address?: string }) {
  const all = new Map<string, Trait & { who: WhoRow; keys: string[] }>();
  for (const key of traits.keys) {
    if (key.events === 0) continue;
    const words = whoWords(key.who);
    const one = merge(all, { ...key, value: `${words}\n${text(key.who.arn)}`, keys: [] as string[] });
    if (key.value) one.keys.push(key.value);
  }
  const rows = [...all.values()].sort((a, b) => b.events - a.events);
  return (
    <Panel id="whom" wide title="Who" note={counted(rows.length, "principal")} query={query}>
      {address ? <Whereabouts address={address} /> : null}
      {rows.length === 0 ? (
        <Empty title="Nobody">No event of this time names who acted.</Empty>
      ) : (
        <Thin
          label="Who acted"
          height={260}
          heads={[{ label: "Principal", grows: true }, { label: "Account", isMinor: true }, { label: "Events", isNumber: true }, { label: "Errors", isNumber: true, isMinor: true }, { label: "First" }, { label: "Key", isMinor: true }]}
          rows={rows.slice(0, SHOWN).map((one) => {
            const { kind, value } = whoEntity(one.who);
            return {
              key: one.value,
              cells: [
                <span className="with-tag">
                  <Value text={whoWords(one.who)} to={entityLink(kind, value)} />
                  {one.before === 0 ? <span className="tag new">new</span> : null}
                </span>,
                text(one.who.account) ? <Value text={text(one.who.account)} to={entityLink("account", text(one.who.account))} /> : "",
                count(one.events),
                one.errors > 0 ? count(one.errors) : "",
                <Time at={one.first} />,
                <span className="nowrap">
                  {one.keys[0] ? <Value text={one.keys[0]} to={entityLink("key", one.keys[0])} /> : ""}
                  {one.keys.length > 1 ? ` and ${one.keys.length - 1} more` : ""}
                </span>,
              ],
            };
          })}
        />
      )}
      {rows.length > SHOWN ? <p className="hint">The first {SHOWN} of {rows.length}.</p> : null}
    </Panel>
  );
}

/** A panel while its answer is not there yet. */
export function Pending({ id, title, what, asked }: { id: string; title: string; what: string; asked: { data: Answer | undefined; error: unknown; isPending: boolean; refetch: () => unknown } }) {
  return (
    <Panel id={id} title={title}>
      <Asked what={what} asked={asked}>
        {() => null}
      </Asked>
    </Panel>
  );
}
