// What else came from the same addresses around the same time: the way in, the path, the damage.
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useLocation } from "wouter";
import { call, type Finding, type Rule, type Schema } from "../../api/client";
import { entityLink, link, useUrl } from "../../app/url";
import { Asked, Empty } from "../../parts/states";
import { Severity, SEVERITY_VARS } from "../../parts/severity";
import { Time, utc } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { counted, span } from "../../parts/words";
import { Lanes, type Mark } from "./lanes";

const AROUND_MS = 24 * 3_600_000;
const SHAPES: Mark["shape"][] = ["ring", "ring", "dot", "square", "triangle", "diamond"];
const ADDRESSES_MAX = 3;
type Page = Schema<"Page">;

export function aroundOf(finding: Finding): { from: string; to: string } {
  return {
    from: new Date(Date.parse(finding.first_seen) - AROUND_MS).toISOString(),
    to: new Date(Date.parse(finding.last_seen) + AROUND_MS).toISOString(),
  };
}

/** Findings with one of the addresses within a day of this one, first one first. */
export function useAround(finding: Finding, ips: string[]) {
  const some = ips.slice(0, ADDRESSES_MAX);
  const window = aroundOf(finding);
  return useQuery({
    queryKey: ["around", finding.uid, some, window],
    queryFn: async () => {
      const pages = await Promise.all(some.map((text) => call<Page>("/api/v1/findings", { query: { text, ...window, limit: 200 } })));
      const all = new Map([finding, ...pages.flatMap((page) => page.findings)].map((one) => [one.uid, one]));
      const findings = [...all.values()].sort((a, b) => a.first_seen.localeCompare(b.first_seen) || b.severity_id - a.severity_id);
      return { findings, isMore: pages.some((page) => page.next) };
    },
    enabled: some.length > 0,
    staleTime: 15_000,
  });
}

/** Tactics of rules, where the server tells them. */
function useTactics(): Map<string, string[]> {
  const { data } = useQuery({ queryKey: ["rule-titles"], queryFn: () => call<(Rule & { tactics?: string[] })[]>("/api/v1/rules"), staleTime: 300_000, retry: false });
  return useMemo(() => new Map((data ?? []).flatMap((rule) => (rule.tactics?.length ? [[rule.id, rule.tactics] as [string, string[]]] : []))), [data]);
}

export function Path({ finding, ips, around }: { finding: Finding; ips: string[]; around: ReturnType<typeof useAround> }) {
  const [by, setBy] = useUrl("path", "principal");
  const [, go] = useLocation();
  const tactics = useTactics();
  if (ips.length === 0) return <Empty title="No address to follow">The events of this finding name none. Look at what the principal did instead.</Empty>;
  return (
    <Asked what="findings of the same address" asked={around}>
      {({ findings, isMore }) => {
        const marks = findings.map(
          (one): Mark => ({
            id: one.uid,
            ms: Date.parse(one.first_seen),
            end: Date.parse(one.last_seen),
            lane: by === "tactic" ? (tactics.get(one.rule)?.[0] ?? "No tactic told") : by === "account" ? one.account : one.principal,
            title: one.title,
            tone: SEVERITY_VARS[one.severity_id] ?? "--info",
            shape: SHAPES[one.severity_id] ?? "ring",
          }),
        );
        const first = findings[0] as Finding;
        const last = Math.max(...findings.map((one) => Date.parse(one.last_seen)));
        const principals = new Set(findings.map((one) => one.principal)).size;
        const accounts = new Set(findings.map((one) => one.account)).size;
        return (
          <SpaceBetween size="s">
            <p className="lead">
              {ips.slice(0, ADDRESSES_MAX).map((ip) => (
                <Value key={ip} text={ip} to={entityLink("ip", ip)} />
              ))}{" "}
              {findings.length === 1 ? "has no other finding" : `${ips.length > 1 ? "have" : "has"} ${isMore ? "at least " : ""}${counted(findings.length, "finding")} of ${counted(principals, "principal")} in ${counted(accounts, "account")}`} within a day of this one
              {findings.length > 1 ? `, over ${span((last - Date.parse(first.first_seen)) / 1000)}. It begins at ${utc(first.first_seen)}:` : "."}{" "}
              {findings.length > 1 ? <Link href={`/findings/${encodeURIComponent(first.uid)}?tab=path`}>{visible(first.title.slice(0, 240))}</Link> : null}
            </p>
            {findings.length > 1 ? (
              <>
                <div className="tools">
                  <SegmentedControl
                    label="A lane for each"
                    selectedId={["tactic", "account"].includes(by) ? by : "principal"}
                    options={[
                      { id: "principal", text: "By principal" },
                      ...(tactics.size > 0 ? [{ id: "tactic", text: "By tactic" }] : []),
                      { id: "account", text: "By account" },
                    ]}
                    onChange={({ detail }) => setBy(detail.selectedId)}
                  />
                  <span className="grows" />
                  <Link href={link("/findings", { text: ips[0], status: "all", sort: "latest" })}>As a list</Link>
                </div>
                <Lanes label={`Findings of ${ips[0]} over time`} marks={marks} chosen={finding.uid} onChoose={(uid) => go(`/findings/${encodeURIComponent(uid)}?tab=path`)} />
              </>
            ) : null}
            <ol className="story">
              {findings.map((one) => (
                <li key={one.uid} aria-current={one.uid === finding.uid ? "true" : undefined}>
                  <Time at={one.first_seen} />
                  <Severity level={one.severity_id} />
                  <span>
                    {one.uid === finding.uid ? <b>{visible(one.title.slice(0, 400))}</b> : <Link href={`/findings/${encodeURIComponent(one.uid)}?tab=path`}>{visible(one.title.slice(0, 400))}</Link>}
                    <span className="muted"> {[...(one.count > 1 ? [counted(one.count, "event")] : []), ...(tactics.get(one.rule) ?? [])].join(", ")}</span>
                  </span>
                </li>
              ))}
            </ol>
          </SpaceBetween>
        );
      }}
    </Asked>
  );
}
