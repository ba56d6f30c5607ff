// Fields of the loaded rows with the values that are most frequent; a click filters by one.
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Input from "@cloudscape-design/components/input";
import Spinner from "@cloudscape-design/components/spinner";
import { useMemo, useState } from "react";
import { useAnswer, type Row } from "../../api/query";
import { Value, visible } from "../../parts/value";
import { count, counted, percent } from "../../parts/words";
import { LOOKED_AT, pivot, tally, type FieldTally } from "./events";
import type { Question } from "./run";
import { topValuesText } from "./text";

const FIELDS_MAX = 120;

export type OnFilter = (field: string, value: unknown, is: boolean) => void;

interface Props {
  rows: Row[];
  question: Question;
  onFilter: OnFilter;
}

export function Fields({ rows, question, onFilter }: Props) {
  const [wanted, setWanted] = useState("");
  const looked = Math.min(rows.length, LOOKED_AT);
  // While rows stream in, the first thousand are soon the same.
  const all = useMemo(() => tally(rows), [looked, question]);
  const shown = all.filter((field) => field.name.toLowerCase().includes(wanted.toLowerCase()));
  return (
    <section className="fields" aria-label="Fields">
      <Box variant="h3" padding={{ bottom: "xxs" }}>
        Fields
      </Box>
      <Box variant="small" color="text-body-secondary">
        {looked === 0 ? "" : `Counts are of the ${rows.length > LOOKED_AT ? "first " : ""}${counted(looked, "row")} shown.`}
      </Box>
      <Input value={wanted} onChange={({ detail }) => setWanted(detail.value)} type="search" placeholder="Find a field" ariaLabel="Find a field" spellcheck={false} />
      <div className="field-list">
        {shown.slice(0, FIELDS_MAX).map((field) => (
          <Field key={field.name} field={field} looked={looked} question={question} onFilter={onFilter} />
        ))}
        {shown.length > FIELDS_MAX ? <p className="muted small">{count(shown.length - FIELDS_MAX)} more; find them by name.</p> : null}
        {shown.length === 0 ? <p className="muted small">{all.length === 0 ? "No rows, no fields." : "No field has that name."}</p> : null}
      </div>
    </section>
  );
}

function Field({ field, looked, question, onFilter }: { field: FieldTally; looked: number; question: Question; onFilter: OnFilter }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="mono one-line" title={visible(field.name)}>{visible(field.name)}</span>
        <span className="muted small nowrap">{percent(field.rows / Math.max(1, looked))}</span>
      </summary>
      {isOpen ? <Values field={field} looked={looked} question={question} onFilter={onFilter} /> : null}
    </details>
  );
}

function Values({ field, looked, question, onFilter }: { field: FieldTally; looked: number; question: Question; onFilter: OnFilter }) {
  const [isAll, setAll] = useState(false);
  const isAskable = question.lang === "ql";
  const { from, to } = question;
  const asked = useAnswer(isAll ? { text: topValuesText(question.text, field.name), from, to } : null);
  const values: [string, number][] = asked.data
    ? asked.data.rows.map((row): [string, number] => [String(Object.entries(row).find(([key]) => key !== "n")?.[1] ?? ""), Number(row.n)])
    : field.values;
  const most = Math.max(1, ...values.map(([, n]) => n));
  return (
    <div className="values">
      <div className="muted small">
        {asked.data ? "Top 10 in all events that the filters let through" : `${count(field.distinct)} ${field.distinct === 1 ? "value" : "different values"} in ${count(looked)} rows`}
      </div>
      {asked.isFetching ? <Spinner /> : null}
      {asked.error ? <div className="small">{asked.error.message}</div> : null}
      {values.map(([value, n]) => (
        <div className="one-value" key={value}>
          <div className="share" style={{ width: `${(n / most) * 100}%` }} />
          <Value text={value} to={pivot(field.name, value)} />
          <span className="number">{count(n)}</span>
          <button type="button" onClick={() => onFilter(field.name, value, true)} aria-label={`Only ${visible(field.name)} ${visible(value)}`} title="Only these">+</button>
          <button type="button" onClick={() => onFilter(field.name, value, false)} aria-label={`Without ${visible(field.name)} ${visible(value)}`} title="Without these">−</button>
        </div>
      ))}
      {isAskable && !isAll ? (
        <Button variant="inline-link" onClick={() => setAll(true)}>
          Top values in all events
        </Button>
      ) : null}
    </div>
  );
}
