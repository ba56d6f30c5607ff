import { expect, it } from "vitest";
import type { Finding } from "../../api/client";
import { merged } from "./order";
import { inOrder, peopleOf, stageOf, told, worstGroup } from "./story";

const finding = (uid: string, principal: string, severity_id: number, first_seen: string, rule = uid) => ({ uid, principal, severity_id, first_seen, rule, account: "111122223333" }) as Finding;
const all = [
  finding("a", "user/mara", 3, "2026-11-23T01:43:00Z"),
  finding("b", "role/org (session s)", 5, "2026-11-23T02:09:00Z"),
  finding("c", "role/org (session s)", 4, "2026-11-23T02:41:00Z"),
  finding("d", "eni-1", 2, "2026-11-22T00:00:00Z"),
  finding("e", "user/other", 4, "2026-11-20T00:00:00Z"),
];

it("takes the principal with the greatest sum of severities", () => {
  expect(worstGroup(all).map((one) => one.uid)).toEqual(["b", "c"]);
  expect(worstGroup([all[3] as Finding])).toEqual([]);
});

it("tells in order of time, each once", () => {
  expect(inOrder([all[2], all[0], all[1], all[0]] as Finding[]).map((one) => one.uid)).toEqual(["a", "b", "c"]);
  expect(peopleOf(inOrder(all)).map((one) => one.principal)).toEqual(["user/other", "eni-1", "user/mara", "role/org (session s)"]);
});

it("keeps the first and the damage when it is too long", () => {
  const tactics = new Map([["loss", ["Exfiltration"]]]);
  const steps = [all[0] as Finding, ...Array.from({ length: 9 }, (_, at) => finding(`n${at}`, "user/mara", 4, `2026-11-23T02:0${at}:00Z`, "noise")), finding("z", "user/mara", 3, "2026-11-23T03:00:00Z", "loss")];
  const chosen = told(steps, 4, tactics).map((one) => one.uid);
  expect(chosen[0]).toBe("a");
  expect(chosen).toContain("z");
  expect(chosen).toHaveLength(4);
});

it("names stages, and none where the rule serves too many tactics", () => {
  expect(stageOf(0, ["Discovery"])).toBe("First finding");
  expect(stageOf(3, ["Impact"], "role/a failed to start p4d.24xlarge")).toBe("Attempt");
  expect(stageOf(3, ["Exfiltration"])).toBe("Damage");
  expect(stageOf(3, ["Persistence", "Privilege Escalation"])).toBe("Privilege Escalation");
  expect(stageOf(3, ["Initial Access", "Persistence", "Privilege Escalation"])).toBe("");
});

it("puts tactics in the one order that the lists agree on", () => {
  expect(merged([["Initial Access", "Persistence"], ["Persistence", "Impact"], ["Initial Access", "Impact"]])).toEqual(["Initial Access", "Persistence", "Impact"]);
});
