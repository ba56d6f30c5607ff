// Who is connected with what, by events: address, key, principal, call, resource.
import { ENTITY_WORDS } from "../../app/entity";
import type { EntityKind } from "../../app/url";
import { short, type Seen } from "./events";

export type NodeKind = EntityKind | "api";
export interface Node {
  id: string;
  kind: NodeKind;
  /** What it is looked up by; nothing for a cluster. */
  value: string;
  label: string;
  events: number;
  /** How many it stands for, if it is a cluster. */
  holds: number;
}
export interface Edge {
  from: string;
  to: string;
  what: string;
  events: number;
}
export interface Net {
  nodes: Node[];
  edges: Edge[];
  /** How many were put together, so that no more than the bound are drawn. */
  clustered: number;
}

export const NODES_MAX = 200;
/** Longer names are cut in the middle. */
export const LABEL_MAX = 26;

export function netOf(events: Seen[], most = NODES_MAX): Net {
  const nodes = new Map<string, Node>();
  const edges = new Map<string, Edge>();
  const put = (kind: NodeKind, value: string, label = short(value)): string => {
    if (value === "") return "";
    const id = `${kind} ${value}`;
    const node = nodes.get(id) ?? { id, kind, value, label, events: 0, holds: 1 };
    node.events += 1;
    nodes.set(id, node);
    return id;
  };
  const tie = (from: string, to: string, what: string) => {
    if (from === "" || to === "" || from === to) return;
    const id = `${from}\n${to}\n${what}`;
    const edge = edges.get(id) ?? { from, to, what, events: 0 };
    edge.events += 1;
    edges.set(id, edge);
  };
  for (const event of events) {
    const ip = put("ip", event.ip);
    const key = put("key", event.key);
    const isAccount = /^account \d{12}$/.test(event.principal);
    const principal = isAccount ? put("account", event.principal.slice(8), event.principal) : put(event.service === "flow" ? "resource" : "principal", event.principal);
    const session = put("session", event.session);
    const actor = session || principal;
    const api = event.name === "" ? "" : put("api", `${event.service}:${event.name}`, event.name);
    if (event.service === "flow") {
      tie(ip, api, "sent");
      for (const resource of event.resources) if (resource !== event.principal) tie(api, put("resource", resource), "to");
      tie(api, principal, "at");
      continue;
    }
    tie(principal, session, "as session");
    if (key) {
      tie(ip, key, "used");
      tie(key, actor, "of");
    } else tie(ip, actor, "from");
    tie(actor, api, event.error === "" ? "called" : "was refused");
    for (const resource of event.resources) if (resource !== event.opened) tie(api, put("resource", resource), event.isRead ? "read" : "changed");
    if (event.opened) tie(api, put("session", event.opened), "opened");
    if (event.madeKey) tie(api, put("key", event.madeKey), "made");
  }
  return cluster([...nodes.values()], [...edges.values()], most);
}

/** Leaves of one kind at the same neighbour become one, the largest heaps first, until few enough are left. */
function cluster(nodes: Node[], edges: Edge[], most: number): Net {
  if (nodes.length <= most) return { nodes, edges, clustered: 0 };
  const near = new Map<string, Set<string>>();
  for (const edge of edges) {
    near.set(edge.from, (near.get(edge.from) ?? new Set()).add(edge.to));
    near.set(edge.to, (near.get(edge.to) ?? new Set()).add(edge.from));
  }
  const heaps = new Map<string, Node[]>();
  for (const node of nodes) {
    const key = `${node.kind}\n${[...(near.get(node.id) ?? [])].sort().join("\n")}`;
    heaps.set(key, [...(heaps.get(key) ?? []), node]);
  }
  const into = new Map<string, Node>();
  let left = nodes.length;
  const join = (members: Node[], id: string) => {
    const kind = members[0]?.kind ?? "resource";
    const holds = members.reduce((sum, one) => sum + one.holds, 0);
    const heap: Node = { id, kind, value: "", label: `${holds} ${PLURALS[kind]}`, events: members.reduce((sum, one) => sum + one.events, 0), holds };
    for (const member of members) into.set(member.id, heap);
    left -= members.length - 1;
  };
  for (const [key, members] of [...heaps].sort((a, b) => b[1].length - a[1].length)) {
    if (left <= most || members.length < 2) break;
    join(members, `heap ${key}`);
  }
  // No shared neighbours: the rarest of each kind are put together.
  if (left > most) {
    const single = nodes.filter((node) => !into.has(node.id)).sort((a, b) => a.events - b.events);
    const spare = single.slice(0, left - most + Object.keys(PLURALS).length);
    for (const kind of Object.keys(PLURALS) as NodeKind[]) {
      const members = spare.filter((node) => node.kind === kind);
      if (members.length > 1) join(members, `rest ${kind}`);
    }
  }
  const kept = [...new Set(nodes.map((node) => into.get(node.id) ?? node))];
  const tied = new Map<string, Edge>();
  for (const edge of edges) {
    const from = into.get(edge.from)?.id ?? edge.from;
    const to = into.get(edge.to)?.id ?? edge.to;
    if (from === to) continue;
    const id = `${from}\n${to}\n${edge.what}`;
    const old = tied.get(id);
    if (old) old.events += edge.events;
    else tied.set(id, { ...edge, from, to });
  }
  return { nodes: kept, edges: [...tied.values()], clustered: nodes.length - kept.length + new Set(into.values()).size };
}

export const PLURALS: Record<NodeKind, string> = {
  principal: "principals",
  session: "role sessions",
  key: "access keys",
  ip: "addresses",
  resource: "resources",
  account: "accounts",
  api: "calls",
};
export const KIND_WORDS: Record<NodeKind, string> = { ...ENTITY_WORDS, api: "Call" };
