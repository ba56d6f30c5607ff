// ATT&CK as the rules cover it. Pure.
import type { Schema } from "../../api/client";

export type Coverage = Schema<"Coverage">;
export type Technique = Schema<"CoveredTechnique">;
export type CoveringRule = Schema<"CoveringRule">;

/** `partly`: it has no rule itself, and some of its parts have. */
export type State = "covered" | "partly" | "blind";
export const STATE_WORDS: Record<State, string> = { covered: "covered", partly: "in parts", blind: "blind" };
export type Filter = "all" | "covered" | "blind" | "findings";

/** A technique with its sub-techniques, in one tactic. */
export interface Cell {
  tactic: string;
  id: string;
  name: string;
  state: State;
  /** Its rules and those of its parts, each once, worst first. */
  rules: CoveringRule[];
  findings: number | null;
  /** Findings are this many at least: rules are of several parts. */
  isLeast: boolean;
  subs: Cell[];
  isSub: boolean;
}

const worstFirst = (a: CoveringRule, b: CoveringRule) => b.severity_id - a.severity_id || a.title.localeCompare(b.title);

function leaf(tactic: string, technique: Technique, isSub: boolean): Cell {
  const rules = [...technique.rules].sort(worstFirst);
  return { tactic, id: technique.id, name: technique.name, state: rules.length > 0 ? "covered" : "blind", rules, findings: technique.findings, isLeast: false, subs: [], isSub };
}

/** The columns of the matrix: techniques by id, with their parts inside. */
export function columns(coverage: Coverage): { tactic: string; cells: Cell[] }[] {
  return coverage.tactics.map(({ name, techniques }) => {
    const parents = new Map<string, Cell>();
    const sorted = [...techniques].sort((a, b) => a.id.localeCompare(b.id));
    for (const technique of sorted) if (!technique.id.includes(".")) parents.set(technique.id, leaf(name, technique, false));
    for (const technique of sorted) {
      if (!technique.id.includes(".")) continue;
      const of = parents.get(technique.id.split(".")[0] ?? "");
      if (of) of.subs.push(leaf(name, technique, true));
      else parents.set(technique.id, leaf(name, technique, false));
    }
    return { tactic: name, cells: [...parents.values()].map(gathered) };
  });
}

/** A technique with what its parts have. */
function gathered(cell: Cell): Cell {
  if (cell.subs.length === 0) return cell;
  const all = [cell, ...cell.subs];
  const rules = new Map(all.flatMap((one) => one.rules).map((rule) => [rule.id, rule]));
  const named = all.reduce((sum, one) => sum + one.rules.length, 0);
  const isLeast = named > rules.size;
  const counts = all.map((one) => one.findings);
  const known = counts.filter((n) => n !== null);
  const findings = known.length < counts.length ? null : isLeast ? Math.max(...known) : known.reduce((sum, n) => sum + n, 0);
  const state: State = cell.state === "covered" ? "covered" : rules.size > 0 ? "partly" : "blind";
  return { ...cell, state, rules: [...rules.values()].sort(worstFirst), findings, isLeast: isLeast && (findings ?? 0) > 0 };
}

export function passes(cell: Cell, filter: Filter): boolean {
  if (filter === "covered") return cell.state !== "blind";
  if (filter === "blind") return cell.state === "blind";
  if (filter === "findings") return (cell.findings ?? 0) > 0;
  return true;
}

/** Each technique once, however many tactics it serves. Parts count for themselves. */
export function totals(coverage: Coverage): Record<Filter, number> {
  const each = new Map(coverage.tactics.flatMap((tactic) => tactic.techniques).map((technique) => [technique.id, technique]));
  const all = [...each.values()];
  return {
    all: all.length,
    covered: all.filter((one) => one.rules.length > 0).length,
    blind: all.filter((one) => one.rules.length === 0).length,
    findings: all.filter((one) => (one.findings ?? 0) > 0).length,
  };
}

/** A layer of the ATT&CK Navigator, format 4.5. A technique's score is how many rules it has. */
export function layer(coverage: Coverage): string {
  const slug = (tactic: string) => tactic.toLowerCase().replaceAll(" ", "-");
  const techniques = coverage.tactics.flatMap((tactic) =>
    tactic.techniques.map((technique) => ({
      techniqueID: technique.id,
      tactic: slug(tactic.name),
      score: technique.rules.length,
      comment: technique.rules.map((rule) => rule.title).join("\n"),
      enabled: true,
      metadata: technique.findings ? [{ name: "findings", value: String(technique.findings) }] : [],
      links: [],
      showSubtechniques: technique.id.includes("."),
    })),
  );
  const most = Math.max(1, ...techniques.map((one) => one.score));
  const made = {
    name: "Skywarden coverage",
    versions: { ...(coverage.attack_version ? { attack: coverage.attack_version.split(".")[0] } : {}), navigator: "5.1.0", layer: "4.5" },
    domain: "enterprise-attack",
    description: "Rules of Skywarden for each technique. A score of 0 is blind.",
    filters: { platforms: ["IaaS", "Identity Provider", "SaaS"] },
    sorting: 3,
    layout: { layout: "side", aggregateFunction: "max", showID: true, showName: true, showAggregateScores: false, countUnscored: false, expandedSubtechniques: "annotated" },
    hideDisabled: false,
    techniques,
    gradient: { colors: ["#fdeef2", "#bfe3dc", "#0a6a60"], minValue: 0, maxValue: most },
    legendItems: [{ label: "No rule", color: "#fdeef2" }],
    metadata: [],
    links: [],
    showTacticRowBackground: false,
    tacticRowBackground: "#dddddd",
    selectTechniquesAcrossTactics: true,
    selectSubtechniquesWithParent: false,
  };
  return `${JSON.stringify(made, null, 2)}\n`;
}
