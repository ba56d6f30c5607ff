// Findings of each day, tactics in their order, and who and what fires most.
import { useCallback, useMemo } from "react";
import { Link, useLocation } from "wouter";
import { entityLink, link } from "../../app/url";
import { Chart, token } from "../../parts/chart";
import { Panel, Thin } from "../../parts/panel";
import { Severity, SeverityShape, SEVERITY_VARS, severityWord } from "../../parts/severity";
import { Empty } from "../../parts/states";
import { visible } from "../../parts/value";
import { count, counted } from "../../parts/words";
import { ownOf } from "../findings/own";
import { short } from "../investigate/addresses";
import { DAY_MS } from "../investigate/time";
import type { Findings, Kpis } from "./load";

export function Days({ kpis }: { kpis: Kpis }) {
  const [, go] = useLocation();
  const today = new Date().toISOString().slice(0, 10);
  const days = useMemo(
    () => Array.from({ length: kpis.days }, (_, at) => new Date(Date.parse(today) - (kpis.days - 1 - at) * DAY_MS).toISOString().slice(0, 10)),
    [kpis.days, today],
  );
  const counts = useMemo(() => new Map(kpis.trend.map((one) => [`${one.day.slice(0, 10)} ${one.severity_id}`, one.count])), [kpis.trend]);
  const levels = [5, 4, 3, 2, 1];
  const option = useCallback(
    () => ({
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
      grid: { left: 4, right: 4, top: 8, bottom: 2, containLabel: true },
      xAxis: { type: "category", data: days.map((day) => day.slice(5)), axisLabel: { color: token("--muted"), fontSize: 11, hideOverlap: true }, axisLine: { lineStyle: { color: token("--strong") } }, axisTick: { show: false } },
      yAxis: { type: "value", minInterval: 1, splitNumber: 3, axisLabel: { color: token("--muted"), fontSize: 11 }, splitLine: { lineStyle: { color: token("--line") } } },
      series: levels.map((level) => ({
        name: severityWord(level), type: "bar", stack: "all", barCategoryGap: "20%", color: token(SEVERITY_VARS[level] as string),
        data: days.map((day) => counts.get(`${day} ${level}`) ?? 0), cursor: "pointer",
      })),
    }),
    // The levels are always the same.
    [days, counts],
  );
  const table = useMemo(
    () => ({
      heads: ["Day", ...levels.map(severityWord)],
      rows: [...days].reverse().map((day) => [day, ...levels.map((level) => count(counts.get(`${day} ${level}`) ?? 0))]),
    }),
    [days, counts],
  );
  const onClick = useCallback(
    ({ dataIndex }: { dataIndex: number }) => {
      const day = days[dataIndex];
      if (day) go(link("/findings", { status: "all", from: `${day}T00:00:00Z`, to: new Date(Date.parse(day) + DAY_MS).toISOString() }));
    },
    [days, go],
  );
  const total = kpis.trend.reduce((all, one) => all + one.count, 0);
  return (
    <Panel
      id="days"
      title="Findings per day"
      note={
        <>
          <Link href={link("/findings", { ...of(kpis), status: "all" })}>{counted(total, "finding")}</Link> in {kpis.days} days
        </>
      }
      actions={
        <span className="legend">
          {levels.map((level) => (
            <span key={level} className="severity" data-level={level}>
              <SeverityShape level={level} /> {severityWord(level)}
            </span>
          ))}
        </span>
      }
    >
      <Chart label="Findings per day by severity" option={option} table={table} height={214} onClick={onClick} />
    </Panel>
  );
}

export function Strip({ open, tactics, order }: { open: Findings; tactics: Map<string, string[]>; order: string[] }) {
  const sums = useMemo(() => {
    const all = new Map<string, { n: number; level: number }>();
    for (const finding of open.findings) {
      for (const tactic of tactics.get(finding.rule) ?? []) {
        const one = all.get(tactic) ?? { n: 0, level: 0 };
        one.n += 1;
        one.level = Math.max(one.level, finding.severity_id);
        all.set(tactic, one);
      }
    }
    return all;
  }, [open, tactics]);
  if (order.length === 0) {
    return (
      <Panel id="tactics" title="ATT&CK" wide>
        <p className="hint">Tactics are not known: no rule names one, or your role may not see rules.</p>
      </Panel>
    );
  }
  return (
    <Panel id="tactics" title="ATT&CK tactics" note={`open findings; one counts for each tactic of its rule${open.isCut ? `; of the worst ${count(open.findings.length)}` : ""}`} wide actions={<Link href="/coverage" className="door">Coverage</Link>}>
      <ul className="tactics">
        {order.map((tactic) => {
          const { n, level } = sums.get(tactic) ?? { n: 0, level: 0 };
          return (
            <li key={tactic} data-level={n === 0 ? 0 : level} className={n === 0 ? "none" : undefined}>
              <Link href={link("/findings", { tactic })}>
                <span className="tactic">{soft(visible(tactic))}</span>
                <span className="n">
                  {n > 0 ? (
                    <span className="severity" data-level={level}>
                      <SeverityShape level={level} />
                      <span className="visually-hidden">worst {severityWord(level)}</span>
                    </span>
                  ) : null}
                  {count(n)}
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

/** Long words may break in their middle. */
function soft(name: string): string {
  return name
    .split(" ")
    .map((word) => (word.length > 11 ? `${word.slice(0, 5)}\u00ad${word.slice(5)}` : word))
    .join(" ");
}

const TOP = 5;

/** The findings that the numbers are counted from. */
function of(kpis: Kpis): Record<string, string> {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  return { status: "new,notified,in_progress,resolved", from: new Date(today - (kpis.days - 1) * DAY_MS).toISOString() };
}

export function Principals({ kpis }: { kpis: Kpis }) {
  return (
    <Panel id="top-principals" title="Riskiest principals" note={`${kpis.days} days`} actions={<Link href="/investigate" className="door">Investigate</Link>}>
      {kpis.top_principals.length === 0 ? (
        <Empty title="Nobody">No finding is open.</Empty>
      ) : (
        <Thin
          label="Riskiest principals"
          heads={[{ label: "Worst" }, { label: "Principal", grows: true }, { label: "Findings", isNumber: true }]}
          rows={kpis.top_principals.slice(0, TOP).map((one) => ({
            key: `${one.account} ${one.principal}`,
            cells: [
              <Severity level={one.severity_id} />,
              <Link href={entityLink("principal", one.principal)} title={visible(one.account ? `${one.principal} in ${one.account}` : one.principal)}>
                {visible(short(one.principal))}
              </Link>,
              <Link href={link("/findings", { ...of(kpis), principal: one.principal, account: one.account })}>{count(one.findings)}</Link>,
            ],
          }))}
        />
      )}
    </Panel>
  );
}

export function Rules({ kpis, titles }: { kpis: Kpis; titles: Map<string, string> }) {
  const titleOf = (one: Kpis["top_rules"][number]) => titles.get(one.rule) ?? ownOf(one.rule)?.title ?? one.title;
  return (
    <Panel id="top-rules" title="Rules that fire" note={`${kpis.days} days`} actions={<Link href="/detections" className="door">Detections</Link>}>
      {kpis.top_rules.length === 0 ? (
        <Empty title="None">No finding is open.</Empty>
      ) : (
        <Thin
          label="Rules that fire"
          heads={[{ label: "Worst" }, { label: "Rule", grows: true }, { label: "Findings", isNumber: true }]}
          rows={kpis.top_rules.slice(0, TOP).map((one) => ({
            key: one.rule,
            cells: [
              <Severity level={one.severity_id} />,
              <Link href={ownOf(one.rule)?.to ?? `/detections/${encodeURIComponent(one.rule)}`} title={visible(titleOf(one))}>
                {visible(titleOf(one))}
              </Link>,
              <Link href={link("/findings", { ...of(kpis), rule: one.rule })}>{count(one.findings)}</Link>,
            ],
          }))}
        />
      )}
    </Panel>
  );
}
