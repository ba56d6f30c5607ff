// Where rules look, and where nobody does.
import Box from "@cloudscape-design/components/box";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import SplitPanel from "@cloudscape-design/components/split-panel";
import Toggle from "@cloudscape-design/components/toggle";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Link } from "wouter";
import { call } from "../../api/client";
import { useShell } from "../../app/shell";
import { link, useUrl } from "../../app/url";
import { Grid, type Column } from "../../parts/grid";
import { csv, saveFile } from "../../parts/savefile";
import { Severity } from "../../parts/severity";
import { Asked, Empty } from "../../parts/states";
import { visible } from "../../parts/value";
import { count, counted, percent } from "../../parts/words";
import "./coverage.css";
import { findingsWord, Heatmap } from "./heatmap";
import { columns, layer, passes, STATE_WORDS, totals, type Cell, type Coverage, type Filter } from "./model";

const FILTERS: { id: Filter; text: string }[] = [
  { id: "all", text: "All" },
  { id: "covered", text: "Covered" },
  { id: "blind", text: "Blind" },
  { id: "findings", text: "With findings" },
];

export function Attack() {
  const asked = useQuery({ queryKey: ["coverage"], queryFn: ({ signal }) => call<Coverage>("/api/v1/coverage", { signal }), staleTime: 60_000 });
  return (
    <Asked what="coverage" asked={asked}>
      {(coverage) => (coverage.tactics.some((tactic) => tactic.techniques.length > 0) ? <Shown coverage={coverage} /> : <Empty title="No rule names a technique">Rules are listed under Detections.</Empty>)}
    </Asked>
  );
}

function Shown({ coverage }: { coverage: Coverage }) {
  const [shows, setShows] = useUrl("show", "all");
  const [view, setView] = useUrl("view", "matrix");
  const [subs, setSubs] = useUrl("subs");
  const [picked, pick] = useUrl("technique");
  const [again, reopen] = useState(0);
  const { setPanel } = useShell();
  const filter = FILTERS.some((one) => one.id === shows) ? (shows as Filter) : "all";
  const all = useMemo(() => columns(coverage), [coverage]);
  const open = useMemo(() => all.flatMap(({ cells }) => cells.flatMap((cell) => [cell, ...cell.subs])).find((cell) => cell.id === picked), [all, picked]);
  const tactics = useMemo(() => coverage.tactics.filter((tactic) => tactic.techniques.some((one) => one.id === picked)).map((tactic) => tactic.name), [coverage, picked]);
  useEffect(() => {
    setPanel(
      open ? (
        <SplitPanel header={`${open.id} ${visible(open.name)}`} closeBehavior="hide" hidePreferencesButton>
          <Details cell={open} tactics={tactics} />
        </SplitPanel>
      ) : null,
    );
  }, [open, tactics, setPanel, again]);
  useEffect(() => () => setPanel(null), [setPanel]);
  const choose = (id: string) => {
    pick(id);
    reopen((n) => n + 1);
  };
  return (
    <SpaceBetween size="m">
      <Totals coverage={coverage} />
      <div className="tools">
        <SegmentedControl label="Which techniques" selectedId={filter} options={FILTERS} onChange={({ detail }) => setShows(detail.selectedId)} />
        <SegmentedControl
          label="How it is shown"
          selectedId={view}
          options={[
            { id: "matrix", text: "Matrix" },
            { id: "table", text: "Table" },
          ]}
          onChange={({ detail }) => setView(detail.selectedId)}
        />
        {view === "matrix" ? (
          <Toggle checked={subs === "1"} onChange={({ detail }) => setSubs(detail.checked ? "1" : "")}>
            Sub-techniques
          </Toggle>
        ) : null}
        <ButtonDropdown
          items={[
            { id: "csv", text: "CSV" },
            { id: "layer", text: "Layer of the ATT&CK Navigator (4.5)" },
          ]}
          onItemClick={({ detail }) => (detail.id === "csv" ? saveFile("coverage.csv", table(all), "text/csv") : saveFile("coverage-layer.json", layer(coverage), "application/json"))}
        >
          Download
        </ButtonDropdown>
      </div>
      {view === "table" ? (
        <TableTwin all={all} filter={filter} picked={picked} onPick={choose} />
      ) : (
        <SpaceBetween size="xs">
          <Heatmap columns={all} filter={filter} showsSubs={subs === "1"} picked={picked} onPick={choose} />
          <Legend />
        </SpaceBetween>
      )}
      <Box color="text-body-secondary" fontSize="body-s">
        {coverage.attack_version ? `ATT&CK ${coverage.attack_version}, enterprise: the techniques that are about clouds, or that rules here name. ` : ""}
        Covered means that a rule looks for it, not that it cannot be missed.
      </Box>
    </SpaceBetween>
  );
}

function Totals({ coverage }: { coverage: Coverage }) {
  const sum = totals(coverage);
  return (
    <div className="covers">
      <span>
        <Link href={link("/coverage", { show: "covered" })}>{count(sum.covered)}</Link> of {count(sum.all)} techniques covered ({percent(sum.covered / Math.max(1, sum.all))})
      </span>
      <span>
        <Link href={link("/coverage", { show: "blind" })}>{count(sum.blind)}</Link> blind
      </span>
      <span>
        <Link href={link("/coverage", { show: "findings" })}>{count(sum.findings)}</Link> with findings
      </span>
    </div>
  );
}

function Legend() {
  return (
    <div className="keyed" role="note" aria-label="What cells mean">
      <span className="tech" data-state="blind">
        blind: no rule
      </span>
      <span className="tech" data-state="partly" data-heat="1">
        in parts: only sub-techniques
      </span>
      {["1 rule", "2 to 3", "4 to 7", "8 and more"].map((text, at) => (
        <span key={text} className="tech" data-state="covered" data-heat={at + 1}>
          {text}
        </span>
      ))}
      <span className="tech">
        <span className="how">
          <em>12</em> findings of its rules
        </span>
      </span>
    </div>
  );
}

function flat(all: ReturnType<typeof columns>, filter: Filter): Cell[] {
  return all.flatMap(({ cells }) => cells.flatMap((cell) => [cell, ...cell.subs])).filter((cell) => passes(cell, filter));
}

function table(all: ReturnType<typeof columns>): string {
  const rows = flat(all, "all").map((cell) => [cell.tactic, cell.id, cell.name, STATE_WORDS[cell.state], cell.rules.length, cell.findings, cell.rules.map((rule) => rule.title).join("; ")]);
  return csv(["tactic", "technique", "name", "state", "rules", "findings", "titles"], rows);
}

const COLUMNS: Column<Cell>[] = [
  { id: "tactic", head: "Tactic", width: 170, cell: (cell) => visible(cell.tactic) },
  { id: "id", head: "Technique", width: 110, cell: (cell) => <span className="mono">{cell.id}</span> },
  { id: "name", head: "Name", width: 240, grows: true, cell: (cell) => (cell.isSub ? <span>&ensp;{visible(cell.name)}</span> : visible(cell.name)) },
  { id: "state", head: "State", width: 100, cell: (cell) => STATE_WORDS[cell.state] },
  { id: "rules", head: "Rules", width: 80, cell: (cell) => count(cell.rules.length) },
  { id: "findings", head: "Findings", width: 90, cell: (cell) => (cell.findings === null ? "not known" : cell.isLeast ? `${count(cell.findings)}+` : count(cell.findings)) },
];

function TableTwin({ all, filter, picked, onPick }: { all: ReturnType<typeof columns>; filter: Filter; picked: string; onPick: (id: string) => void }) {
  const rows = flat(all, filter);
  const [at, setAt] = useState(() => rows.findIndex((cell) => cell.id === picked));
  if (rows.length === 0) return <Empty title="No technique is like that">Choose others above.</Empty>;
  return (
    <Grid
      label="Techniques"
      columns={COLUMNS}
      rows={rows}
      rowKey={(cell) => `${cell.tactic} ${cell.id}`}
      height={Math.min(680, 52 + 30 * rows.length)}
      at={at}
      onAt={setAt}
      onClick={(cell) => onPick(cell.id)}
      onOpen={(cell) => onPick(cell.id)}
    />
  );
}

function Details({ cell, tactics }: { cell: Cell; tactics: string[] }) {
  return (
    <SpaceBetween size="m">
      <Box>
        {tactics.map(visible).join(", ")}. <b>{STATE_WORDS[cell.state]}</b>, {counted(cell.rules.length, "rule")}, {findingsWord(cell)}.
      </Box>
      {cell.rules.length === 0 ? (
        <Empty title="No rule looks for it">
          <Link className="linked" href="/detections">
            Rules
          </Link>{" "}
          can be added in a folder that the server is told of: skywarden serve --rules DIR
        </Empty>
      ) : (
        <ul className="rulelist">
          {cell.rules.map((rule) => (
            <li key={rule.id}>
              <Severity level={rule.severity_id} />
              <Link href={`/detections/${encodeURIComponent(rule.id)}`}>{visible(rule.title)}</Link>
              <span className="more">
                <Link href={link("/findings", { rule: rule.id })}>Its findings</Link>
              </span>
            </li>
          ))}
        </ul>
      )}
      {cell.subs.length > 0 ? (
        <div>
          <Box variant="h3" padding={{ top: "n" }}>
            Sub-techniques
          </Box>
          <ul className="rulelist">
            {cell.subs.map((sub) => (
              <li key={sub.id}>
                <span className="mono">{sub.id}</span>
                <span>
                  <Link href={link("/coverage", { technique: sub.id, subs: 1 })}>{visible(sub.name) || sub.id}</Link>: {STATE_WORDS[sub.state]}
                  {sub.state === "blind" ? "" : `, ${counted(sub.rules.length, "rule")}`}
                </span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </SpaceBetween>
  );
}
