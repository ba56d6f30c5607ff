// One click for each status and severity, with how many there are of it.
import { useMemo } from "react";
import type { FindingStatus } from "../../api/client";
import { SeverityShape, severityWord } from "../../parts/severity";
import { count, STATUS_WORDS } from "../../parts/words";
import { FIELDS, OPEN, STATUSES, type Filters } from "./filters";
import { useCounts } from "./list";

interface Props {
  filters: Filters;
  put: (change: Record<string, string>) => void;
}

export function Chips({ filters, put }: Props) {
  const counts = useCounts();
  const { byStatus, bySeverity } = useMemo(() => {
    const byStatus = new Map<FindingStatus, number>();
    const bySeverity = [0, 0, 0, 0, 0, 0];
    for (const one of counts.data ?? []) {
      if (one.severity_id >= filters.severity_min) byStatus.set(one.status, (byStatus.get(one.status) ?? 0) + one.count);
      if (filters.status.includes(one.status)) for (let level = 0; level <= one.severity_id; level += 1) bySeverity[level] = (bySeverity[level] ?? 0) + one.count;
    }
    return { byStatus, bySeverity };
  }, [counts.data, filters.severity_min, filters.status]);
  const sum = (statuses: FindingStatus[]) => statuses.reduce((total, one) => total + (byStatus.get(one) ?? 0), 0);
  // The server counts by status and severity alone, so with other filters the numbers would be of something else.
  const isOther = filters.text !== "" || FIELDS.some((field) => filters[field]);
  const n = (value: number) => (isOther ? "" : counts.data ? count(value) : "…");
  const now = filters.status.join(",");
  const sets: [string, string, FindingStatus[]][] = [
    ["", "Open", OPEN],
    ...STATUSES.map((one): [string, string, FindingStatus[]] => [one, STATUS_WORDS[one], [one]]),
    ["all", "All", STATUSES],
  ];
  return (
    <div className="chips">
      <div role="group" aria-label="Status">
        {sets.map(([value, words, statuses]) => (
          <button key={words} type="button" className="chip" aria-pressed={now === statuses.join(",")} onClick={() => put({ status: value })}>
            {words} <b>{n(sum(statuses))}</b>
          </button>
        ))}
      </div>
      <div role="group" aria-label="Severity at least">
        {[0, 5, 4, 3, 2].map((level) => (
          <button key={level} type="button" className="chip" data-level={level} aria-pressed={filters.severity_min === level} onClick={() => put({ severity_min: level === 0 ? "" : String(level) })}>
            {level > 0 ? <SeverityShape level={level} /> : null}
            {level === 0 ? "Any severity" : level === 5 ? "Critical" : `${severityWord(level)} or worse`} <b>{n(bySeverity[level] ?? 0)}</b>
          </button>
        ))}
      </div>
    </div>
  );
}
