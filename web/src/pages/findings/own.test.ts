import { expect, test } from "vitest";
import type { Finding } from "../../api/client";
import { factsOf } from "./facts";
import { ownOf } from "./own";

test("what the server finds of itself says why it matters and what to do", () => {
  const facts = factsOf({ rule: "skywarden.silent-source", principal: "skywarden", region: "", document: { finding_info: {} } } as unknown as Finding);
  expect(facts.ruleTitle).toBe("A log source is silent");
  expect(facts.why).toMatch(/seen by no rule/);
  expect(facts.todo.length).toBeGreaterThan(1);
  expect(ownOf("b43ca50a")).toBeUndefined();
  expect(ownOf("constructor")).toBeUndefined();
});
