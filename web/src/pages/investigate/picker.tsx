// The time of a profile, in UTC.
import DateRangePicker, { type DateRangePickerProps } from "@cloudscape-design/components/date-range-picker";
import { DAY_MS, iso, ms, type Window } from "./time";

/** The picker may leave the offset out, and it means UTC. */
function picked(time: string): string {
  return iso(ms(/(Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`));
}

const PRESETS: DateRangePickerProps.RelativeOption[] = [
  { key: "1", amount: 1, unit: "day", type: "relative" },
  { key: "7", amount: 7, unit: "day", type: "relative" },
  { key: "30", amount: 30, unit: "day", type: "relative" },
];

export function Picker({ window, onWindow }: { window: Window | null; onWindow: (window: Window) => void }) {
  return (
    <DateRangePicker
      value={window ? { type: "absolute", startDate: `${window.from.slice(0, 19)}+00:00`, endDate: `${window.to.slice(0, 19)}+00:00` } : null}
      hideTimeOffset
      relativeOptions={PRESETS}
      timeOffset={0}
      isValidRange={(range) => (range === null || (range.type === "absolute" && !(range.startDate < range.endDate)) ? { valid: false, errorMessage: "The end must be after the begin." } : { valid: true })}
      onChange={({ detail: { value } }) => {
        if (value?.type === "absolute") onWindow({ from: picked(value.startDate), to: picked(value.endDate) });
        else if (value) onWindow({ from: iso(Date.now() - value.amount * DAY_MS), to: iso(Date.now()) });
      }}
      placeholder="Another time"
      getTimeOffset={() => 0}
      absoluteFormat="iso"
      i18nStrings={{ ariaLabel: "Time that is looked at" }}
    />
  );
}
