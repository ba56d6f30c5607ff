// Who is logged in.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiProblem, call, setCsrf, type Me } from "./client";
import { entered, goesOn, left } from "./ended";
import { useAway } from "./reach";
import { forgetDrafts } from "../parts/draft";

async function whoAmI(): Promise<Me | null> {
  try {
    const me = await call<Me>("/api/v1/session");
    setCsrf(me.csrf);
    goesOn(Date.now());
    return me;
  } catch (err) {
    if (err instanceof ApiProblem && err.status === 401) return null;
    throw err;
  }
}

/** The caller; null if nobody is logged in. */
export function useSession() {
  return useQuery({ queryKey: ["session"], queryFn: whoAmI, staleTime: 60_000, retry: false });
}

/** Whether the caller may. */
export function useMay(permission: string): boolean {
  return useSession().data?.permissions.includes(permission) ?? false;
}

/** Whether the caller may, and the server is there to do it. */
export function useCan(permission: string): boolean {
  const may = useMay(permission);
  return useAway() === null && may;
}

export function useLogin() {
  const cache = useQueryClient();
  return async (name: string, password: string) => {
    const me = await call<Me>("/api/v1/session", { method: "POST", body: { name, password } });
    setCsrf(me.csrf);
    entered(Date.now());
    cache.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
    cache.setQueryData(["session"], me);
  };
}

export function useLogout() {
  const cache = useQueryClient();
  return async () => {
    await call("/api/v1/session", { method: "DELETE" });
    setCsrf("");
    left(Date.now());
    forgetDrafts();
    cache.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
    cache.setQueryData(["session"], null);
  };
}
