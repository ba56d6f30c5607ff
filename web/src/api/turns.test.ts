import { expect, test } from "vitest";
import { ApiProblem } from "./client";
import { inTurn, whenFree } from "./turns";

function held() {
  let open = () => {};
  const gate = new Promise<void>((ready) => (open = ready));
  return { gate, open };
}

test("two run at a time, the first goes before those in line, and who gives up leaves the line", async () => {
  const [a, b] = [held(), held()];
  const order: string[] = [];
  const does = (name: string, gate?: Promise<void>) => async () => {
    order.push(name);
    await gate;
  };
  const stop = new AbortController();
  const all = [inTurn(does("a", a.gate)), inTurn(does("b", b.gate)), inTurn(does("c")), inTurn(does("gone"), { signal: stop.signal }).catch(() => undefined), inTurn(does("editor"), { isFirst: true })];
  await Promise.resolve();
  expect(order).toEqual(["a", "b"]);
  stop.abort();
  a.open();
  b.open();
  await Promise.all(all);
  expect(order).toEqual(["a", "b", "editor", "c"]);
});

test("a server that is busy is asked again", async () => {
  let times = 0;
  const said = await whenFree(async () => {
    times += 1;
    if (times < 3) throw new ApiProblem(429, "two queries of yours run already");
    return "yes";
  });
  expect([said, times]).toEqual(["yes", 3]);
  await expect(whenFree(() => Promise.reject(new ApiProblem(422, "no")))).rejects.toThrow("no");
});
