// One row in the panel beside: its fields, its event as it was logged, and where its values lead.
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import SpaceBetween from "@cloudscape-design/components/space-between";
import SplitPanel from "@cloudscape-design/components/split-panel";
import Tabs from "@cloudscape-design/components/tabs";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useAnswer, type Row } from "../../api/query";
import { queryLink } from "../../app/url";
import { Raw } from "../../parts/json";
import { Empty, Loading } from "../../parts/states";
import { asDate, Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { fieldsOf, isTime, messageOf, pivot } from "./events";
import type { Question } from "./run";
import type { OnFilter } from "./sidebar";
import { clause, eventsOf, makesGroups } from "./text";

interface Props {
  row: Row;
  question: Question;
  onFilter: OnFilter;
}

export function EventPanel({ row, question, onFilter }: Props) {
  const isGroup = question.lang === "ql" && makesGroups(question.text);
  return (
    <SplitPanel header={isGroup ? "Row" : "Event"} closeBehavior="hide" hidePreferencesButton i18nStrings={{ closeButtonAriaLabel: "Close", openButtonAriaLabel: "Open", resizeHandleAriaLabel: "Width of the panel" }}>
      {isGroup ? <Group row={row} question={question} onFilter={onFilter} /> : <Event row={row} question={question} onFilter={onFilter} />}
    </SplitPanel>
  );
}

function Group({ row, question, onFilter }: Props) {
  const events = eventsOf(question.text, row);
  return (
    <SpaceBetween size="m">
      {events ? <Link href={queryLink(events, "ql", question)}>Show the events behind this row</Link> : <Box color="text-body-secondary">Which events are behind this row cannot be told from the query: it groups by more than plain fields.</Box>}
      <FieldTable fields={fieldsOf(row)} onFilter={onFilter} />
    </SpaceBetween>
  );
}

function Event({ row, question, onFilter }: Props) {
  const own = messageOf(row);
  const time = typeof row["@timestamp"] === "string" ? asDate(row["@timestamp"]) : null;
  // A row that shows a few columns still tells which event it is: the millisecond and these values.
  const isFindable = own === null && time !== null && question.lang === "ql";
  const found = useAnswer(
    isFindable
      ? { text: whole(row, question.text), from: time.toISOString(), to: new Date(time.getTime() + 1).toISOString(), rows: 5 }
      : null,
  );
  const events = found.data?.rows ?? [];
  const message = own ?? (events.length === 1 && events[0] ? messageOf(events[0]) : null);
  const fields = useMemo(() => {
    const out = fieldsOf(message === null ? row : { ...row, "@message": message });
    return out;
  }, [row, message]);
  return (
    <Tabs
      variant="default"
      tabs={[
        {
          id: "fields",
          label: "Fields",
          content: (
            <SpaceBetween size="s">
              {isFindable && found.isLoading ? <Loading what="the event" /> : null}
              {isFindable && events.length > 1 ? <Box color="text-body-secondary">{events.length} events have these values in this millisecond; these are the row’s own columns.</Box> : null}
              <FieldTable fields={fields} onFilter={onFilter} />
            </SpaceBetween>
          ),
        },
        {
          id: "raw",
          label: "As logged",
          content:
            message === null ? (
              <Empty title="The row does not hold the event">
                {found.isLoading ? "It is being looked for." : "Add @message to the fields of the query to see it."}
              </Empty>
            ) : (
              <SpaceBetween size="s">
                <CopyToClipboard variant="button" copyButtonText="Copy" textToCopy={message} copySuccessText="Copied" copyErrorText="The browser did not allow it" />
                <Raw text={message} />
              </SpaceBetween>
            ),
        },
      ]}
    />
  );
}

function whole(row: Row, text: string): string {
  const filters = Object.entries(row)
    .filter(([field, value]) => !field.startsWith("@") && value !== null && typeof value !== "object" && /^[A-Za-z_][\w.]*$/.test(field) && !new RegExp(`\\bas\\s+${field.replaceAll(".", "\\.")}\\b`, "i").test(text))
    .slice(0, 12)
    .map(([field, value]) => `filter ${clause(field, value, true)}`);
  return ["fields @timestamp, @message", ...filters, "limit 5"].join(" | ");
}

function FieldTable({ fields, onFilter }: { fields: Map<string, string>; onFilter: OnFilter }) {
  const [isAll, setAll] = useState(false);
  const entries = [...fields];
  const shown = isAll ? entries : entries.slice(0, 80);
  return (
    <div className="field-table">
      <table>
        <colgroup>
          <col style={{ width: "36%" }} />
          <col />
          <col style={{ width: 52 }} />
        </colgroup>
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Value</th>
            <th scope="col">Filter</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(([field, value]) => (
            <tr key={field}>
              <th scope="row">{visible(field)}</th>
              <td>{isTime(value) ? <Time at={value} /> : <Value text={value} to={pivot(field, value)} />}</td>
              <td className="nowrap">
                <button type="button" onClick={() => onFilter(field, value, true)} aria-label={`Only ${visible(field)} ${visible(value.slice(0, 60))}`} title="Only these">+</button>
                <button type="button" onClick={() => onFilter(field, value, false)} aria-label={`Without ${visible(field)} ${visible(value.slice(0, 60))}`} title="Without these">−</button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < entries.length ? <Button variant="inline-link" onClick={() => setAll(true)}>Show all {entries.length} fields</Button> : null}
    </div>
  );
}
