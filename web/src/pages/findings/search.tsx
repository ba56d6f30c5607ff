// The filter field: a token for each thing that the API can filter by, and words.
import PropertyFilter, { type PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import { useMemo } from "react";
import type { Finding } from "../../api/client";
import { useRules } from "../../api/rules";
import { useSession } from "../../api/session";
import { visible } from "../../parts/value";
import { VERDICT_WORDS } from "../../parts/words";
import { FIELDS, type Field, type Filters } from "./filters";

const WORDS: Record<Field, string> = {
  rule: "Rule",
  principal: "Principal",
  account: "Account",
  assignee: "Assignee",
  verdict: "Verdict",
  tactic: "Tactic",
  from: "Events since",
  to: "Events before",
};
const PROPERTIES: PropertyFilterProps.FilteringProperty[] = FIELDS.map((key) => ({
  key,
  propertyLabel: WORDS[key],
  groupValuesLabel: `${WORDS[key]}: values`,
  operators: [key === "principal" ? ":" : "="],
  defaultOperator: key === "principal" ? ":" : "=",
}));
const OPTIONS_MAX = 60;

interface Props {
  filters: Filters;
  put: (change: Record<string, string>) => void;
  rows: Finding[];
  titles: Map<string, string>;
}

export function Search({ filters, put, rows, titles }: Props) {
  const { data: me } = useSession();
  const rules = useRules();
  const options = useMemo(() => {
    const all: PropertyFilterProps.FilteringOption[] = [];
    const of = (field: "rule" | "principal" | "account") => [...new Set(rows.map((one) => one[field]))].filter(Boolean).slice(0, OPTIONS_MAX);
    for (const value of of("account")) all.push({ propertyKey: "account", value });
    for (const value of of("principal")) all.push({ propertyKey: "principal", value });
    for (const [value, label] of titles) all.push({ propertyKey: "rule", value, label });
    all.push({ propertyKey: "assignee", value: "-", label: "Nobody" });
    for (const value of new Set([...(me ? [me.name] : []), ...rows.flatMap((one) => (one.assignee ? [one.assignee] : []))])) {
      all.push({ propertyKey: "assignee", value, label: value === me?.name ? `${value} (me)` : value });
    }
    for (const [value, label] of Object.entries(VERDICT_WORDS)) all.push({ propertyKey: "verdict", value, label });
    for (const value of [...new Set((rules ?? []).flatMap((rule) => rule.tactics))].sort()) all.push({ propertyKey: "tactic", value });
    return all;
  }, [rows, titles, me, rules]);

  const tokens: PropertyFilterProps.Token[] = [
    ...FIELDS.filter((field) => filters[field]).map((field) => ({ propertyKey: field, operator: field === "principal" ? ":" : "=", value: filters[field] as string })),
    ...(filters.text === "" ? [] : [{ operator: ":", value: filters.text }]),
  ];
  // The API takes one value of each, so the last that was typed holds.
  const change = (next: readonly PropertyFilterProps.Token[]) => {
    const put_: Record<string, string> = Object.fromEntries([...FIELDS, "text"].map((field) => [field, ""]));
    for (const token of next) put_[token.propertyKey ?? "text"] = String(token.value);
    put(put_);
  };
  return (
    <PropertyFilter
      query={{ operation: "and", tokens }}
      onChange={({ detail }) => change(detail.tokens)}
      filteringProperties={PROPERTIES}
      filteringOptions={options.map((one) => ({ ...one, label: visible(one.label ?? one.value) }))}
      freeTextFiltering={{ operators: [":"], defaultOperator: ":" }}
      filteringPlaceholder="Words, an address, an ARN, or a property"
      filteringAriaLabel="Filter findings"
      hideOperations
      tokenLimit={6}
      virtualScroll
      countText=""
    />
  );
}
