import { expect, test } from "vitest";
import { layout } from "./layout";
import type { Net, Node } from "./links";

const node = (kind: Node["kind"], n: number): Node => ({ id: `${kind} ${n}`, kind, value: String(n), label: String(n), events: 1, holds: 1 });

test("200 nodes stand still within half a second, none on another", () => {
  const nodes = Array.from({ length: 200 }, (_, at) => node((["ip", "key", "principal", "api", "resource"] as const)[at % 5] ?? "ip", at));
  const edges = Array.from({ length: 400 }, (_, at) => ({ from: (nodes[at % 200] as Node).id, to: (nodes[(at * 7 + 1) % 200] as Node).id, what: "called", events: 1 }));
  const net: Net = { nodes, edges, clustered: 0 };
  const begun = performance.now();
  const placed = layout(net, 1000);
  expect(performance.now() - begun).toBeLessThan(500);
  const spots = [...placed.at.values()].map(({ x, y }) => `${Math.round(x)} ${Math.round(y / 10)}`);
  expect(new Set(spots).size).toBe(200);
  for (const { x, y } of placed.at.values()) expect(x >= 0 && x <= placed.width && y >= 0 && y <= placed.height).toBe(true);
});
