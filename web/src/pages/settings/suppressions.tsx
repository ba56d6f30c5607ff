// What is held back, why, by whom, and until when.
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Toggle from "@cloudscape-design/components/toggle";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { call, type Rule, type Schema } from "../../api/client";
import { useMay } from "../../api/session";
import { useShell } from "../../app/shell";
import { link, useUrl } from "../../app/url";
import { ActButton } from "../../parts/act";
import { Grid, type Column } from "../../parts/grid";
import { Asked, Empty } from "../../parts/states";
import { asDate, Time, useNow } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { Ask } from "./ask";

type Suppression = Schema<"Suppression">;

const WORDS: Record<string, string> = { account: "Account", principal: "Principal", region: "Region", resource: "Resource", rule: "Rule", source_ip: "Address" };

export function Suppressions() {
  const mayEnd = useMay("suppressions:write");
  const mayRules = useMay("rules:read");
  const { say } = useShell();
  const cache = useQueryClient();
  const [shows, setShows] = useUrl("ended");
  const now = useNow();
  const asked = useQuery({ queryKey: ["suppressions"], queryFn: () => call<Suppression[]>("/api/v1/suppressions") });
  const rules = useQuery({ queryKey: ["rules"], queryFn: () => call<Rule[]>("/api/v1/rules"), enabled: mayRules });
  const [ending, setEnding] = useState<Suppression | null>(null);
  const title = (id: string) => rules.data?.find((rule) => rule.id === id)?.title ?? id;
  const holds = (one: Suppression) => !one.ended && (asDate(one.until)?.getTime() ?? 0) > now;
  const columns: Column<Suppression>[] = [
    { id: "id", head: "No.", width: 60, cell: (one) => one.id },
    { id: "what", head: "Holds back", width: 320, grows: true, cell: (one) => <Dimensions of={one.dimensions} title={title} /> },
    { id: "reason", head: "Reason", width: 240, grows: true, cell: (one) => <span title={visible(one.reason)}>{visible(one.reason)}</span> },
    { id: "owner", head: "Owner", width: 120, cell: (one) => <Value text={one.owner} /> },
    { id: "until", head: "Until (UTC)", width: 170, cell: (one) => <Time at={one.ended ?? one.until} /> },
    {
      id: "state",
      head: "State",
      width: 110,
      cell: (one) => <StatusIndicator type={holds(one) ? "success" : "stopped"}>{holds(one) ? "Holds" : "Ended"}</StatusIndicator>,
    },
    {
      id: "act",
      head: "End",
      width: 80,
      cell: (one) =>
        holds(one) && mayEnd ? (
          <ActButton variant="inline-link" ariaLabel={`End suppression ${one.id}`} onClick={() => setEnding(one)}>
            End
          </ActButton>
        ) : null,
    },
  ];
  return (
    <SpaceBetween size="m">
      <Asked what="suppressions" asked={asked}>
        {(all) => {
          const shown = shows === "1" ? all : all.filter(holds);
          return (
            <SpaceBetween size="m">
              <Header
                variant="h2"
                counter={`(${shown.length})`}
                description="What they hold back is kept, and new again when they end"
                actions={
                  <SpaceBetween direction="horizontal" size="m" alignItems="center">
                    <Toggle checked={shows === "1"} onChange={({ detail }) => setShows(detail.checked ? "1" : "")}>
                      Ended ones too
                    </Toggle>
                    <Link className="linked" href={link("/findings", { status: "suppressed" })}>
                      What is held back now
                    </Link>
                  </SpaceBetween>
                }
              >
                Suppressions
              </Header>
              {shown.length === 0 ? (
                <Empty title={all.length === 0 ? "Nothing was suppressed yet" : "No suppression holds"}>They are made from findings: select some, then suppress.</Empty>
              ) : (
                <Grid label="Suppressions" columns={columns} rows={shown} rowKey={(one) => String(one.id)} rowHeight={36} height={Math.min(600, 52 + 36 * shown.length)} />
              )}
            </SpaceBetween>
          );
        }}
      </Asked>
      {ending ? (
        <Ask
          title={`End suppression ${ending.id}`}
          does="End it"
          close={() => setEnding(null)}
          act={async () => {
            await call(`/api/v1/suppressions/${ending.id}`, { method: "DELETE" });
            await cache.invalidateQueries({ queryKey: ["suppressions"] });
            await cache.invalidateQueries({ queryKey: ["findings"] });
            say({ type: "success", content: `Suppression ${ending.id} has ended.` });
          }}
        >
          <span>What it held back is new again, and shows in the queue at once.</span>
          <span className="muted wraps">{visible(ending.reason)}</span>
        </Ask>
      ) : null}
    </SpaceBetween>
  );
}

function Dimensions({ of, title }: { of: Suppression["dimensions"]; title: (id: string) => string }) {
  const parts = Object.entries(of).filter(([, value]) => typeof value === "string") as [string, string][];
  return (
    <span title={parts.map(([name, value]) => `${WORDS[name] ?? name}: ${visible(value)}`).join(", ")}>
      {parts.map(([name, value], at) => (
        <span key={name}>
          {at > 0 ? ", " : ""}
          <span className="muted">{WORDS[name] ?? name}</span>{" "}
          {name === "rule" ? (
            <Link className="linked" href={`/detections/${encodeURIComponent(value)}`}>
              {visible(title(value))}
            </Link>
          ) : (
            <span className="mono">{visible(value)}</span>
          )}
        </span>
      ))}
    </span>
  );
}
