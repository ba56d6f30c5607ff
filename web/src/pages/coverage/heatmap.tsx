// The matrix of ATT&CK: tactics are columns, techniques are cells. How many rules is told by colour and by number, and blind by a pattern and a word.
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Severity } from "../../parts/severity";
import { Empty } from "../../parts/states";
import { visible } from "../../parts/value";
import { count, counted } from "../../parts/words";
import { passes, STATE_WORDS, type Cell, type Filter } from "./model";

interface Props {
  columns: { tactic: string; cells: Cell[] }[];
  filter: Filter;
  showsSubs: boolean;
  picked: string;
  onPick: (id: string) => void;
}

interface Tip {
  cell: Cell;
  place: { left: number; top?: number; bottom?: number };
}

const SETTLED_MS = 1000;
const TIP_WIDTH = 320;
const TIP_HEIGHT = 300;
const TIP_RULES = 6;

/** How dark: by steps, as nobody tells 9 from 10. */
export function heat(rules: number): number {
  if (rules === 0) return 0;
  if (rules === 1) return 1;
  if (rules <= 3) return 2;
  return rules <= 7 ? 3 : 4;
}

export function findingsWord(cell: Cell): string {
  if (cell.findings === null) return "findings not known";
  return cell.isLeast ? `${count(cell.findings)}+ findings` : counted(cell.findings, "finding");
}

export function Heatmap({ columns, filter, showsSubs, picked, onPick }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [tip, setTip] = useState<Tip | null>(null);
  const [at, setAt] = useState("0:0");
  useEffect(() => {
    const matrix = box.current;
    if (picked === "" || !matrix) return;
    // The panel that opens beside it makes the matrix narrower.
    const watch = new ResizeObserver(() => matrix.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" }));
    watch.observe(matrix);
    const end = setTimeout(() => watch.disconnect(), SETTLED_MS);
    return () => {
      clearTimeout(end);
      watch.disconnect();
    };
  }, [picked]);
  const shown = columns
    .map(({ tactic, cells }) => ({
      tactic,
      blind: cells.filter((cell) => cell.state === "blind").length,
      all: cells.length,
      cells: cells.flatMap((cell) => {
        const subs = showsSubs ? cell.subs.filter((sub) => passes(sub, filter)) : [];
        return passes(cell, filter) || subs.length > 0 ? [cell, ...subs] : [];
      }),
    }))
    .filter(({ cells }) => cells.length > 0);
  if (shown.length === 0) return <Empty title="No technique is like that">Choose others above.</Empty>;
  const go = (event: KeyboardEvent) => {
    const [column = 0, row = 0] = at.split(":").map(Number);
    const step: Record<string, [number, number]> = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] };
    const by = step[event.key];
    if (event.key === "Escape") setTip(null);
    if (!by) return;
    event.preventDefault();
    const to = Math.min(shown.length - 1, Math.max(0, column + by[0]));
    const down = Math.min((shown[to]?.cells.length ?? 1) - 1, Math.max(0, row + by[1]));
    box.current?.querySelector<HTMLElement>(`[data-at="${to}:${down}"]`)?.focus();
  };
  const show = (cell: Cell, element: HTMLElement) => {
    const place = element.getBoundingClientRect();
    const left = Math.max(8, Math.min(innerWidth - TIP_WIDTH - 8, place.left));
    // Below the cell, or above where the screen ends.
    setTip({ cell, place: innerHeight - place.bottom > TIP_HEIGHT ? { left, top: place.bottom + 4 } : { left, bottom: innerHeight - place.top + 4 } });
  };
  return (
    <div className="heatbox" ref={box} onKeyDown={go} onScroll={() => setTip(null)} role="region" aria-label="ATT&CK matrix. Arrow keys move between techniques.">
      <div className="heat" style={{ gridTemplateColumns: `repeat(${shown.length}, minmax(132px, 1fr))` }}>
        {shown.map(({ tactic, cells, blind, all }, column) => (
          <section key={tactic} aria-label={tactic}>
            <header>
              <b>{visible(tactic)}</b>
              <span>
                {count(all - blind)} of {count(all)}
              </span>
            </header>
            {cells.map((cell, row) => (
              <button
                key={cell.id}
                type="button"
                className={cell.isSub ? "tech sub" : "tech"}
                data-state={cell.state}
                data-heat={heat(cell.rules.length)}
                data-at={`${column}:${row}`}
                aria-pressed={picked === cell.id}
                tabIndex={at === `${column}:${row}` ? 0 : -1}
                onClick={() => onPick(cell.id)}
                onFocus={(event) => {
                  setAt(`${column}:${row}`);
                  show(cell, event.currentTarget);
                }}
                onBlur={() => setTip(null)}
                onMouseEnter={(event) => show(cell, event.currentTarget)}
                onMouseLeave={() => setTip(null)}
              >
                <span className="what">{visible(cell.name) || cell.id}</span>{" "}
                <span className="how">
                  <span className="mono">{cell.id}</span>{" "}
                  {cell.state === "blind" ? (
                    <i>blind</i>
                  ) : (
                    <b>
                      {cell.rules.length}
                      <span className="visually-hidden">
                        {" "}
                        {cell.rules.length === 1 ? "rule" : "rules"}
                        {cell.state === "partly" ? ", in parts" : ""}
                      </span>
                    </b>
                  )}
                  {cell.findings ? (
                    <em>
                      {cell.isLeast ? `${count(cell.findings)}+` : count(cell.findings)}
                      <span className="visually-hidden"> {cell.findings === 1 ? "finding" : "findings"}</span>
                    </em>
                  ) : null}
                </span>
              </button>
            ))}
          </section>
        ))}
      </div>
      {tip ? (
        <div className="tip" role="tooltip" style={{ ...tip.place, width: TIP_WIDTH }}>
          <b>
            {tip.cell.id} {visible(tip.cell.name)}
          </b>
          <div className="muted">
            {STATE_WORDS[tip.cell.state]}
            {tip.cell.subs.length > 0 ? `, ${count(tip.cell.subs.filter((sub) => sub.state === "covered").length)} of ${counted(tip.cell.subs.length, "sub-technique")} covered` : ""}, {findingsWord(tip.cell)}
          </div>
          {tip.cell.rules.slice(0, TIP_RULES).map((rule) => (
            <div key={rule.id} className="rule">
              <Severity level={rule.severity_id} /> {visible(rule.title)}
            </div>
          ))}
          {tip.cell.rules.length > TIP_RULES ? <div className="muted">and {count(tip.cell.rules.length - TIP_RULES)} more</div> : null}
          {tip.cell.rules.length === 0 ? <div>No rule looks for it.</div> : null}
        </div>
      ) : null}
    </div>
  );
}
