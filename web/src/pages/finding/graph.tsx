// The graph of a finding, and its edges as a table.
import Button from "@cloudscape-design/components/button";
import Table from "@cloudscape-design/components/table";
import Toggle from "@cloudscape-design/components/toggle";
import { useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { entityLink, queryLink, useUrl } from "../../app/url";
import { quoted } from "../../api/query";
import { Empty } from "../../parts/states";
import { visible } from "../../parts/value";
import { counted } from "../../parts/words";
import type { Seen } from "./events";
import { useWidth } from "../../parts/width";
import { cut } from "./lanes";
import type { Placed } from "./layout";
import { KIND_WORDS, LABEL_MAX, netOf, type Net, type Node, type NodeKind } from "./links";

const SHAPES: Record<NodeKind, string> = {
  ip: "M0 -9L9 0L0 9L-9 0Z",
  key: "M-8 -4.5L0 -9L8 -4.5V4.5L0 9L-8 4.5Z",
  principal: "M-8 0A8 8 0 1 0 8 0A8 8 0 1 0 -8 0Z",
  session: "M-8 0A8 8 0 1 0 8 0A8 8 0 1 0 -8 0ZM-3.4 0A3.4 3.4 0 1 1 3.4 0A3.4 3.4 0 1 1 -3.4 0Z",
  account: "M-8 8V-4L0 -9L8 -4V8Z",
  api: "M-8 -7L9 0L-8 7Z",
  resource: "M-7.5 -7.5H7.5V7.5H-7.5Z",
};
const TONES: Record<NodeKind, string> = { ip: "--high", key: "--medium", principal: "--accent", session: "--accent", account: "--low", api: "--info", resource: "--critical" };
const EDGES_MAX = 100;
const SCALE_MIN = 0.78;

function toOf(node: Node): string | null {
  if (node.value === "") return null;
  if (node.kind !== "api") return entityLink(node.kind, node.value);
  const name = node.value.slice(node.value.indexOf(":") + 1);
  return node.value.startsWith("flow:") ? null : queryLink(`filter eventName = ${quoted(name)} | sort @timestamp desc | limit 100`);
}

interface Props {
  events: Seen[];
  isLoading: boolean;
  /** Events of other findings with the same addresses, once they were asked for. */
  wider: { events: Seen[] | undefined; isOn: boolean; isBusy: boolean; setOn: (isOn: boolean) => void; words: string } | null;
}

export function Graph({ events, isLoading, wider }: Props) {
  const [view, setView] = useUrl("graph", "picture");
  const shown = wider?.isOn && wider.events ? wider.events : events;
  const net = useMemo(() => netOf(shown), [shown]);
  if (events.length === 0 && !isLoading) return <Empty title="No events to draw">The graph is made of the events of the finding.</Empty>;
  return (
    <div>
      <div className="tools">
        {wider ? (
          <Toggle checked={wider.isOn} disabled={wider.isBusy} onChange={({ detail }) => wider.setOn(detail.checked)}>
            {wider.words}
          </Toggle>
        ) : null}
        <span className="muted">
          {counted(net.nodes.length, "node")} of {counted(shown.length, "event")}
          {net.clustered > 0 ? `; ${net.clustered} rarer nodes are put together` : ""}
          {shown.length >= 200 ? "; the first 200 events" : ""}
        </span>
        <span className="grows" />
        <Button variant="inline-link" onClick={() => setView(view === "table" ? "picture" : "table")}>
          {view === "table" ? "Show as picture" : "Show as table"}
        </Button>
      </div>
      {view === "table" ? <Edges net={net} /> : <Picture net={net} isLoading={events.length === 0} />}
    </div>
  );
}

function Picture({ net, isLoading }: { net: Net; isLoading: boolean }) {
  const [box, width] = useWidth();
  const [placed, setPlaced] = useState<Placed | null>(null);
  const [near, setNear] = useState<string | null>(null);
  const [, go] = useLocation();
  useEffect(() => {
    if (width === 0) return;
    let isGone = false;
    void import("./layout").then(({ layout }) => isGone || setPlaced(layout(net, width - 4)));
    return () => {
      isGone = true;
    };
  }, [net, width]);
  const lit = useMemo(() => {
    if (near === null) return null;
    const all = new Set([near]);
    for (const edge of net.edges) {
      if (edge.from === near) all.add(edge.to);
      if (edge.to === near) all.add(edge.from);
    }
    return all;
  }, [near, net]);
  const kinds = [...new Set(net.nodes.map((node) => node.kind))];
  // It is made smaller until it fits, as long as names can be read; then it scrolls.
  const scale = placed && width > 0 ? Math.min(1, Math.max(SCALE_MIN, (width - 4) / placed.width)) : 1;
  const spot = (id: string) => placed?.at.get(id);
  return (
    <div>
      <div ref={box} className="graph" tabIndex={0} role="group" aria-label="Graph of who is connected with what. Show as table has the same.">
        {placed === null || isLoading ? (
          <div className="drawing">{isLoading ? "Loading events…" : "Drawing…"}</div>
        ) : (
          <svg width={placed.width * scale} height={placed.height * scale} viewBox={`0 0 ${placed.width} ${placed.height}`}>
            <defs>
              <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
                <path d="M0 0L8 4L0 8Z" className="tip" />
              </marker>
            </defs>
            {net.edges.map((edge) => {
              const [a, b] = [spot(edge.from), spot(edge.to)];
              if (!a || !b) return null;
              const isBack = b.x <= a.x;
              const bend = isBack ? -46 : (b.x - a.x) / 2;
              const end = isBack ? b.x + 11 : b.x - 12;
              const start = a.x + 11;
              const d = isBack ? `M${start} ${a.y}C${start + 46} ${a.y} ${end + 46} ${b.y} ${end} ${b.y}` : `M${start} ${a.y}C${a.x + bend} ${a.y} ${b.x - bend} ${b.y} ${end} ${b.y}`;
              const isLit = near !== null && (edge.from === near || edge.to === near);
              return (
                <path key={`${edge.from}\n${edge.to}\n${edge.what}`} d={d} className="edge" data-lit={isLit} data-dim={near !== null && !isLit} data-refused={edge.what === "was refused"} strokeWidth={Math.min(4, 1 + Math.log2(edge.events) / 2)} markerEnd="url(#tip)">
                  <title>{`${edge.what}, ${counted(edge.events, "time")}`}</title>
                </path>
              );
            })}
            {net.nodes.map((node) => {
              const at = spot(node.id);
              if (!at) return null;
              const to = toOf(node);
              const name = `${KIND_WORDS[node.kind]} ${visible(node.value || node.label)}, ${counted(node.events, "event")}`;
              const body = (
                <g transform={`translate(${at.x} ${at.y})`} className="node" data-dim={lit !== null && !lit.has(node.id)} onMouseEnter={() => setNear(node.id)} onMouseLeave={() => setNear(null)}>
                  <title>{name}</title>
                  <path d={SHAPES[node.kind]} fillRule="evenodd" style={{ color: `var(${TONES[node.kind]})` }} />
                  <text x={14} y={4}>{cut(visible(node.label), LABEL_MAX)}</text>
                </g>
              );
              return to === null ? (
                <g key={node.id}>{body}</g>
              ) : (
                <a
                  key={node.id}
                  href={to}
                  onFocus={() => setNear(node.id)}
                  onBlur={() => setNear(null)}
                  onClick={(event) => {
                    event.preventDefault();
                    go(to);
                  }}
                >
                  {body}
                </a>
              );
            })}
          </svg>
        )}
      </div>
      <ul className="legend">
        {kinds.map((kind) => (
          <li key={kind}>
            <svg width="20" height="20" viewBox="-10 -10 20 20" aria-hidden="true" style={{ color: `var(${TONES[kind]})` }}>
              <path d={SHAPES[kind]} fillRule="evenodd" fill="currentColor" />
            </svg>
            {KIND_WORDS[kind]}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Edges({ net }: { net: Net }) {
  const names = new Map(net.nodes.map((node) => [node.id, node]));
  const end = (id: string) => {
    const node = names.get(id);
    return node ? (
      <>
        <span className="muted">{KIND_WORDS[node.kind]}</span> <span className="mono">{visible(node.value || node.label)}</span>
      </>
    ) : null;
  };
  const rows = [...net.edges].sort((a, b) => b.events - a.events);
  return (
    <Table
      variant="embedded"
      ariaLabels={{ tableLabel: "Edges of the graph" }}
      wrapLines
      items={rows.slice(0, EDGES_MAX)}
      footer={rows.length > EDGES_MAX ? `The ${EDGES_MAX} with most events of ${rows.length}` : undefined}
      columnDefinitions={[
        { id: "from", header: "From", cell: (edge) => end(edge.from) },
        { id: "what", header: "What", cell: (edge) => edge.what },
        { id: "to", header: "To", cell: (edge) => end(edge.to) },
        { id: "events", header: "Events", cell: (edge) => edge.events },
      ]}
    />
  );
}
