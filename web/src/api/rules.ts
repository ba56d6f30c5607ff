// The rules, asked for once for every page that names them.
import { useQuery } from "@tanstack/react-query";
import { call, type Rule } from "./client";
import { useMay } from "./session";

const NONE: Rule[] = [];

/** All rules; none for who may not see them, and nothing while they are on their way. */
export function useRules(): Rule[] | undefined {
  const may = useMay("rules:read");
  const { data, error } = useQuery({ queryKey: ["rules"], queryFn: ({ signal }) => call<Rule[]>("/api/v1/rules", { signal }), enabled: may, staleTime: 300_000 });
  return data ?? (may && !error ? undefined : NONE);
}
