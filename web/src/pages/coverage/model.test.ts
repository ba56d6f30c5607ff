import { describe, expect, it } from "vitest";
import { columns, layer, passes, totals, type Coverage } from "./model";

const rule = (id: string, severity_id = 3) => ({ id, title: `Rule ${id}`, severity_id });
const coverage: Coverage = {
  attack_version: "18.1",
  tactics: [
    {
      name: "Defense Evasion",
      techniques: [
        { id: "T1562.008", name: "Disable Cloud Logs", rules: [rule("a", 5), rule("b")], findings: 4 },
        { id: "T1562", name: "Impair Defenses", rules: [], findings: 0 },
        { id: "T1562.001", name: "Disable Tools", rules: [rule("b")], findings: 1 },
        { id: "T1078", name: "Valid Accounts", rules: [], findings: 0 },
      ],
    },
    { name: "Persistence", techniques: [{ id: "T1078", name: "Valid Accounts", rules: [], findings: 0 }] },
  ],
};

describe("the matrix", () => {
  const [evasion] = columns(coverage);
  const impair = evasion?.cells.find((cell) => cell.id === "T1562");
  it("puts parts inside their technique, each rule once", () => {
    expect(evasion?.cells.map((cell) => cell.id)).toEqual(["T1078", "T1562"]);
    expect(impair?.state).toBe("partly");
    expect(impair?.rules.map((one) => one.id)).toEqual(["a", "b"]);
    expect(impair?.subs.map((one) => one.state)).toEqual(["covered", "covered"]);
  });
  it("does not add findings of one rule twice", () => {
    expect(impair?.findings).toBe(4);
    expect(impair?.isLeast).toBe(true);
  });
  it("is filtered", () => {
    expect(evasion?.cells.filter((cell) => passes(cell, "blind")).map((cell) => cell.id)).toEqual(["T1078"]);
    expect(evasion?.cells.filter((cell) => passes(cell, "findings")).map((cell) => cell.id)).toEqual(["T1562"]);
  });
  it("counts a technique once, whatever tactics it serves", () => {
    expect(totals(coverage)).toEqual({ all: 4, covered: 2, blind: 2, findings: 2 });
  });
});

it("a layer of the Navigator has each technique under each of its tactics", () => {
  const made = JSON.parse(layer(coverage));
  expect(made.versions).toEqual({ attack: "18", navigator: "5.1.0", layer: "4.5" });
  expect(made.techniques.map((one: { techniqueID: string; tactic: string; score: number }) => [one.techniqueID, one.tactic, one.score])).toContainEqual(["T1562.008", "defense-evasion", 2]);
  expect(made.techniques.filter((one: { techniqueID: string }) => one.techniqueID === "T1078")).toHaveLength(2);
});
