// Where public addresses are, as the server's database of places says. Made of others' words: text, whatever it holds.
import { useQuery } from "@tanstack/react-query";
import { call, type Schema } from "./client";

export type Place = Schema<"KnownPlace">;
export type Places = Schema<"KnownPlaces">;

const AT_ONCE = 200;
const ADDRESSES_MAX = 1000;

async function ask(addresses: string[], signal: AbortSignal): Promise<Places> {
  const all: Places = { database: null, places: [] };
  for (let at = 0; at < addresses.length; at += AT_ONCE) {
    const part = await call<Places>("/api/v1/places", { query: { addresses: addresses.slice(at, at + AT_ONCE).join(",") }, signal });
    all.database = part.database;
    all.places.push(...part.places);
    if (part.database === null) break;
  }
  return all;
}

/** The places of these addresses, of the first thousand. */
export function usePlaces(addresses: string[]) {
  // Names of services stand where addresses do, and are nowhere.
  const real = [...new Set(addresses.filter((address) => /^[0-9a-f.:]+$/i.test(address)))].slice(0, ADDRESSES_MAX);
  return useQuery({
    queryKey: ["places", real],
    queryFn: ({ signal }) => ask(real, signal),
    enabled: real.length > 0,
    staleTime: 600_000,
    retry: false,
  });
}

/** `Leeds, United Kingdom`, and nothing if it is not known. */
export function placeName(place: Place | undefined): string {
  return [place?.city, place?.country_name ?? place?.country].filter(Boolean).join(", ");
}
