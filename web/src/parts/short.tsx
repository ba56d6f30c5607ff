// A time as short as a dense table can have it: the year is left out while it is this one.
import { asDate, utc } from "./time";

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

export function Short({ at }: { at: string | number }) {
  const date = asDate(at);
  if (date === null) return <span>{String(at)}</span>;
  const whole = utc(date);
  const isThisYear = date.getUTCFullYear() === new Date().getUTCFullYear();
  return (
    <time className="nowrap" dateTime={date.toISOString()} title={`${whole} UTC\n${local.format(date)} (local)`}>
      {isThisYear ? whole.slice(5) : whole.slice(0, 16)}
    </time>
  );
}
