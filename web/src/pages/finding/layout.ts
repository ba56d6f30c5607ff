// Where the nodes of a graph stand: columns from who to what, so that a path reads from left to right.
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY, type SimulationLinkDatum, type SimulationNodeDatum } from "d3-force";
import { LABEL_MAX, type Net, type NodeKind } from "./links";

export interface Placed {
  width: number;
  height: number;
  at: Map<string, { x: number; y: number }>;
}
interface Body extends SimulationNodeDatum {
  id: string;
  column: number;
}

const COLUMN: Record<NodeKind, number> = { ip: 0, key: 1, account: 1.6, principal: 2, session: 3, api: 4, resource: 5 };
const CHAR_PX = 7.3;
const GAP_PX = 44;
const ROW_PX = 30;
const BUDGET_MS = 350;
const TICKS = 300;

/** Ends after a third of a second, however large the graph is. */
export function layout(net: Net, atLeast: number): Placed {
  const used = [...new Set(net.nodes.map((node) => COLUMN[node.kind]))].sort((a, b) => a - b);
  const needs = used.map((column) => {
    const longest = Math.max(...net.nodes.filter((node) => COLUMN[node.kind] === column).map((node) => Math.min(LABEL_MAX, node.label.length)));
    return longest * CHAR_PX + GAP_PX;
  });
  const spare = Math.max(0, atLeast - needs.reduce((sum, need) => sum + need, 24)) / Math.max(1, used.length);
  const lefts = needs.map((_, at) => 24 + needs.slice(0, at).reduce((sum, need) => sum + need + spare, 0));
  const width = Math.ceil(24 + needs.reduce((sum, need) => sum + need + spare, 0));
  const step = width / Math.max(1, used.length);
  const bodies: Body[] = net.nodes.map((node) => ({ id: node.id, column: lefts[used.indexOf(COLUMN[node.kind])] ?? 24 }));
  const tallest = Math.max(...used.map((column) => net.nodes.filter((node) => COLUMN[node.kind] === column).length), 1);
  const height = Math.max(200, tallest * ROW_PX + 60);
  bodies.forEach((body, at) => {
    body.x = body.column;
    // The same graph always looks the same.
    body.y = height / 2 + (((at * 0.618034) % 1) - 0.5) * height * 0.8;
  });
  const links: SimulationLinkDatum<Body>[] = net.edges.map((edge) => ({ source: edge.from, target: edge.to }));
  const simulation = forceSimulation(bodies)
    .force("link", forceLink<Body, SimulationLinkDatum<Body>>(links).id((body) => body.id).distance(step || 80).strength(0.35))
    .force("charge", forceManyBody().strength(-60).distanceMax(260))
    .force("collide", forceCollide(ROW_PX / 2))
    .force("x", forceX<Body>((body) => body.column).strength(1.2))
    .force("y", forceY(height / 2).strength(0.03))
    .stop();
  const begun = performance.now();
  for (let tick = 0; tick < TICKS && performance.now() - begun < BUDGET_MS; tick += 1) simulation.tick();
  spread(bodies, height);
  return { width, height, at: new Map(bodies.map((body) => [body.id, { x: body.column, y: body.y ?? 0 }])) };
}

/** In a column each has its row, in the order that the forces found. */
function spread(bodies: Body[], height: number): void {
  const columns = new Map<number, Body[]>();
  for (const body of bodies) columns.set(body.column, [...(columns.get(body.column) ?? []), body]);
  for (const column of columns.values()) {
    column.sort((a, b) => (a.y ?? 0) - (b.y ?? 0));
    const mean = column.reduce((sum, body) => sum + (body.y ?? 0), 0) / column.length;
    const tall = (column.length - 1) * ROW_PX;
    let y = Math.min(Math.max(24, mean - tall / 2), Math.max(24, height - 30 - tall));
    for (const body of column) {
      // Free room is kept where the forces wanted it, as long as those beneath still fit.
      const left = column.length - 1 - column.indexOf(body);
      const wanted = Math.max(y, body.y ?? y);
      body.y = Math.min(wanted, height - 30 - left * ROW_PX);
      y = body.y + ROW_PX;
    }
  }
}
