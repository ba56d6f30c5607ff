// A map of where it came from, its table, and whose word that is.
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import { lazy, Suspense, useMemo, useState } from "react";
import { Link } from "wouter";
import { placeName, type Place, type Places } from "../../api/places";
import { useAnswer, type Question } from "../../api/query";
import { entityLink } from "../../app/url";
import { Thin } from "../../parts/panel";
import { Loading } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { count, counted, span } from "../../parts/words";
import { impossible, spotsOf, waysOf, type From, type Move, type Spot } from "./places";
import type { Predicate } from "./predicate";
import { movesText } from "./texts";
import type { Window } from "./time";

const World = lazy(() => import("../../parts/world"));
const SHOWN = 100;

interface Props {
  label: string;
  asked: { data: Places | undefined; error: unknown; isPending: boolean; fetchStatus: string };
  from: From[];
  its: string;
  window: Window;
  /** Whose travels are looked at; nothing if they are many people's. */
  calls?: Predicate;
}

export function LoginMap({ label, asked, from, its, window, calls }: Props) {
  const places = asked.data?.places ?? [];
  const spots = useMemo(() => spotsOf(from, places, its, window), [from, asked.data, its, window]);
  const ways = useMemo(() => waysOf(spots), [spots]);
  const [isTable, setTable] = useState(false);
  if (asked.isPending && asked.fetchStatus !== "idle") return <Loading what="places" />;
  if (asked.error) return <p className="hint">Places are not known: {asked.error instanceof Error ? asked.error.message : String(asked.error)}</p>;
  if (asked.data && asked.data.database === null) return <NoDatabase />;
  if (spots.length === 0) return asked.data ? <p className="hint">None of these addresses has a known place. <Credit places={asked.data} /></p> : null;
  const without = from.filter((one) => one.events > 0).length - spots.reduce((sum, spot) => sum + spot.addresses.length, 0);
  return (
    <div className="logins">
      {calls ? <Travels calls={calls} window={window} places={places} /> : null}
      {isTable ? (
        <Twin label={label} spots={spots} />
      ) : (
        <Suspense fallback={<Loading what="the map" />}>
          <World label={label} marks={spots} lines={ways} />
        </Suspense>
      )}
      <Box textAlign="right">
        <Button variant="inline-link" onClick={() => setTable(!isTable)} ariaLabel={`${label}: ${isTable ? "show as map" : "show as table"}`}>
          {isTable ? "Show as map" : "Show as table"}
        </Button>
      </Box>
      <p className="hint">
        {spots.some((spot) => spot.isNew) && spots.some((spot) => !spot.isNew) ? "Ringed: not seen in the 30 days before; the line comes from where it usually is. " : ""}
        {spots.some((spot) => spot.isApproximate) ? "Dashed: the middle of the country, nothing closer is known. " : ""}
        {without > 0 ? `${counted(without, "address", "addresses")} of no known place ${without === 1 ? "is" : "are"} not on the map. ` : ""}
        {asked.data ? <Credit places={asked.data} /> : null}
      </p>
    </div>
  );
}

export function NoDatabase() {
  return (
    <p className="hint">
      This server has no database of places: run <code className="mono">make geoip</code>, and addresses have countries and a map here.
    </p>
  );
}

/** Whose word it is. Its licence asks for it. */
export function Credit({ places: { database } }: { places: Places }) {
  if (!database) return null;
  return (
    <span className="credit">
      {database.is_made_up ? <b>Places are made up for the demo. </b> : null}
      Places: {visible(database.attribution)} ({visible(database.name)}, {visible(database.date)})
    </span>
  );
}

function Twin({ label, spots }: { label: string; spots: Spot[] }) {
  return (
    <>
      <Thin
        label={label}
        height={320}
        heads={[{ label: "Place", grows: true }, { label: "Events", isNumber: true }, { label: "Before", isNumber: true, isMinor: true }, { label: "Errors", isNumber: true, isMinor: true }, { label: "Addresses" }, { label: "Organisation", isMinor: true }]}
        rows={spots.slice(0, SHOWN).map((spot) => ({
          key: spot.key,
          cells: [
            <span className="with-tag">
              <Link href={spot.to}>{visible(spot.label)}</Link>
              {spot.isNew ? <span className="tag new">new</span> : null}
            </span>,
            count(spot.events),
            count(spot.before),
            spot.errors > 0 ? count(spot.errors) : "",
            <span className="nowrap">
              <Value text={spot.addresses[0] ?? ""} to={entityLink("ip", spot.addresses[0] ?? "")} />
              {spot.addresses.length > 1 ? ` and ${spot.addresses.length - 1} more` : ""}
            </span>,
            <span title={visible(spot.organisations.join("\n"))}>{visible(spot.organisations[0] ?? "")}{spot.organisations.length > 1 ? ` and ${spot.organisations.length - 1} more` : ""}</span>,
          ],
        }))}
      />
      {spots.length > SHOWN ? <p className="hint">The first {SHOWN} of {spots.length}.</p> : null}
    </>
  );
}

/** Two calls after another from places too far apart. */
function Travels({ calls, window, places }: { calls: Predicate; window: Window; places: Place[] }) {
  const question = useMemo((): Question => ({ text: movesText(calls), lang: "sql", ...window, rows: 2000 }), [calls, window]);
  const asked = useAnswer(question);
  const travel = useMemo(() => impossible((asked.data?.rows ?? []) as unknown as Move[], places), [asked.data, places]);
  if (!travel) return null;
  return (
    <p className="travel">
      <b>Impossible travel:</b> {visible(placeName(travel.from))} to {visible(placeName(travel.to))}, {count(Math.round(travel.km))} km in {span(travel.seconds)}, <Time at={travel.at} /> UTC.
    </p>
  );
}
