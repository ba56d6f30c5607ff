// The time range of a question. `-24h` is the last 24 hours; nothing is all there is.
import DateRangePicker, { type DateRangePickerProps } from "@cloudscape-design/components/date-range-picker";

const UNITS = { s: "second", m: "minute", h: "hour", d: "day", w: "week" } as const;
const MS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3 };

export interface Range {
  from: string;
  to: string;
}

/** What the server is asked. */
export function resolved({ from, to }: Range, now: number): { from: string | null; to: string | null } {
  return { from: instant(from, now), to: instant(to, now) };
}

function instant(text: string, now: number): string | null {
  const ago = /^-(\d{1,6})([smhdw])$/.exec(text);
  if (ago) return brief(now - Number(ago[1]) * (MS[ago[2] as string] as number));
  const at = Date.parse(text);
  return text === "" || Number.isNaN(at) ? null : brief(at);
}

export function RangePicker({ range, onChange, disabled }: { range: Range; onChange: (range: Range) => void; disabled?: boolean }) {
  return (
    <DateRangePicker
      value={shown(range)}
      onChange={({ detail }) => onChange(taken(detail.value))}
      relativeOptions={[
        { key: "15m", amount: 15, unit: "minute", type: "relative" },
        { key: "1h", amount: 1, unit: "hour", type: "relative" },
        { key: "24h", amount: 24, unit: "hour", type: "relative" },
        { key: "7d", amount: 7, unit: "day", type: "relative" },
      ]}
      isValidRange={(value) => {
        if (value?.type !== "absolute") return { valid: true };
        const [start, end] = [value.startDate, value.endDate];
        if (!start.includes("T") || !end.includes("T")) return { valid: false, errorMessage: "Choose a day and a time for both ends." };
        if (Date.parse(end) <= Date.parse(start)) return { valid: false, errorMessage: "The end must be after the beginning." };
        return { valid: true };
      }}
      timeOffset={0}
      hideTimeOffset
      absoluteFormat="long-localized"
      placeholder="All time"
      expandToViewport
      disabled={disabled}
      ariaLabel="Time range, UTC"
      i18nStrings={{
        clearButtonLabel: "All time",
        dateTimeConstraintText: "UTC. The beginning counts, the end does not.",
        ariaLabel: "Time range, UTC",
      }}
    />
  );
}

function shown({ from, to }: Range): DateRangePickerProps.Value | null {
  const ago = /^-(\d{1,6})([smhdw])$/.exec(from);
  if (ago && to === "") return { type: "relative", key: from.slice(1), amount: Number(ago[1]), unit: UNITS[ago[2] as keyof typeof UNITS] };
  const { from: start, to: end } = resolved({ from, to }, Date.now());
  if (start === null && end === null) return null;
  return { type: "absolute", startDate: start ?? "1970-01-01T00:00:00Z", endDate: end ?? new Date().toISOString() };
}

function taken(value: DateRangePickerProps.Value | null): Range {
  if (value === null) return { from: "", to: "" };
  if (value.type === "absolute") return { from: brief(value.startDate), to: brief(value.endDate) };
  const unit = { second: "s", minute: "m", hour: "h", day: "d", week: "w", month: "d", year: "d" }[value.unit];
  const times = value.unit === "month" ? 30 : value.unit === "year" ? 365 : 1;
  return { from: `-${value.amount * times}${unit}`, to: "" };
}

function brief(time: string | number): string {
  return new Date(time).toISOString().replace(".000Z", "Z");
}
