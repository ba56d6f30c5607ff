// A part of a page with a heading, dense, with a door to the question behind it.
import type { ReactNode } from "react";
import { Link } from "wouter";
import "./panel.css";

interface Props {
  id: string;
  title: string;
  /** Beside the title: a count, a span of time. */
  note?: ReactNode;
  /** Where what is shown is asked again by hand. */
  query?: string;
  actions?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

export function Panel({ id, title, note, query, actions, wide, children }: Props) {
  return (
    <section className={wide ? "panel wide" : "panel"} aria-labelledby={`${id}-title`} id={id}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        {note ? <span className="note">{note}</span> : null}
        <span className="actions">
          {actions}
          {query ? (
            <Link href={query} className="door" aria-label={`${title}: open in Query`}>
              Open in Query
            </Link>
          ) : null}
        </span>
      </header>
      <div className="body">{children}</div>
    </section>
  );
}

export interface Head {
  label: string;
  /** Numbers stand on the right. */
  isNumber?: boolean;
  grows?: boolean;
  /** In as many lines as it takes. */
  wraps?: boolean;
  /** Left out where there is no room for it, as on a phone. */
  isMinor?: boolean;
}

const classOf = (head: Head | undefined) => [head?.isNumber ? "number" : "", head?.grows ? "grows" : "", head?.wraps ? "wraps" : "", head?.isMinor ? "minor" : ""].join(" ").trim() || undefined;

interface ThinProps {
  label: string;
  heads: Head[];
  rows: { key: string; cells: ReactNode[]; mark?: string }[];
  height?: number;
  /** On a phone each cell is a line with its head before it, so that no column is out of sight. */
  stacks?: boolean;
}

/** A small table: a hundred rows at most, any more are told. */
export function Thin({ label, heads, rows, height, stacks }: ThinProps) {
  return (
    <div className={stacks ? "thin stacks" : "thin"} tabIndex={0} role="region" aria-label={label} style={{ maxHeight: height }}>
      <table aria-label={label}>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head.label} scope="col" className={classOf(head)}>
                {head.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} className={row.mark}>
              {row.cells.map((cell, at) => (
                <td key={at} className={classOf(heads[at])} data-head={stacks ? heads[at]?.label : undefined}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
