// What the rule did: events that it matched over time, its latest findings, and what is held back.
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { Link, useLocation } from "wouter";
import { call, type Schema } from "../../api/client";
import { useAnswer, type Row } from "../../api/query";
import { useMay } from "../../api/session";
import { link, queryLink } from "../../app/url";
import { Chart, token } from "../../parts/chart";
import { Thin } from "../../parts/panel";
import { Severity } from "../../parts/severity";
import { Asked, Empty, Loading } from "../../parts/states";
import { Ago, asDate, Time, utc } from "../../parts/time";
import { visible } from "../../parts/value";
import { counted, STATUS_WORDS, VERDICT_WORDS } from "../../parts/words";

const DAYS = 30;
const HOUR_MS = 3600e3;
const DAY_MS = 86400e3;
const HOURS_SHOWN_MAX = 4 * 24;

export function Activity({ ruleId }: { ruleId: string }) {
  const mayAsk = useMay("query:run");
  const mayRead = useMay("findings:read");
  return (
    <SpaceBetween size="l">
      <section>
        <Box variant="h3">Events that it matched, last {DAYS} days</Box>
        {mayAsk ? <Hits ruleId={ruleId} /> : <Box color="text-body-secondary">Your role may not ask the logs.</Box>}
      </section>
      {mayRead ? (
        <>
          <Latest ruleId={ruleId} />
          <Suppressions ruleId={ruleId} />
        </>
      ) : null}
    </SpaceBetween>
  );
}

function hitsText(ruleId: string): string {
  return `SELECT time_dt, event_account, event_source, raw\nFROM hits\nWHERE rule_uid = '${ruleId.replaceAll("'", "''")}'\nORDER BY time_dt DESC\nLIMIT 1000`;
}

function Hits({ ruleId }: { ruleId: string }) {
  const [, go] = useLocation();
  const from = useMemo(() => new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - DAYS * DAY_MS).toISOString(), []);
  const asked = useAnswer({
    text: `SELECT date_trunc('hour', time_dt) AS t, count(*) AS n FROM hits WHERE rule_uid = '${ruleId.replaceAll("'", "''")}' GROUP BY 1 ORDER BY 1`,
    lang: "sql",
    from,
  });
  const bars = useMemo(() => binned(asked.data?.rows ?? []), [asked.data]);
  const option = useCallback(
    () => ({
      grid: { left: 4, right: 4, top: 8, bottom: 0, containLabel: true },
      xAxis: { type: "category", data: bars.bars.map(([at]) => utc(at).slice(5, bars.size === DAY_MS ? 10 : 16)), axisTick: { show: false }, axisLine: { lineStyle: { color: token("--line") } }, axisLabel: { color: token("--muted"), hideOverlap: true } },
      yAxis: { type: "value", minInterval: 1, splitNumber: 2, splitLine: { lineStyle: { color: token("--line") } }, axisLabel: { color: token("--muted") } },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
      series: [{ type: "bar", name: "Events", data: bars.bars.map(([, n]) => n), barCategoryGap: "12%", barMaxWidth: 28, itemStyle: { color: token("--accent"), borderRadius: [2, 2, 0, 0] } }],
    }),
    [bars],
  );
  const table = useMemo(() => ({ heads: ["From (UTC)", "Events"], rows: bars.bars.map(([at, n]) => [utc(at), n]) }), [bars]);
  if (asked.error) return <Box color="text-status-warning">Not known: {asked.error.message}</Box>;
  if (!asked.data) return <Loading what="events" />;
  const total = bars.bars.reduce((sum, [, n]) => sum + n, 0);
  if (total === 0) return <Empty title="It matched nothing">No event of the last {DAYS} days. The live test shows what it waits for.</Empty>;
  return (
    <>
      <Box variant="small">
        <Link href={queryLink(hitsText(ruleId), "sql", { from })} className="rule-title">{counted(total, "event")}</Link>, a bar for every {bars.size === DAY_MS ? "day" : "hour"}. A click on a bar asks for its events.
      </Box>
      <Chart
        label="Events that the rule matched over time"
        option={option}
        table={table}
        height={150}
        onClick={(part) => {
          const bar = bars.bars[part.dataIndex];
          if (bar) go(queryLink(hitsText(ruleId), "sql", { from: new Date(bar[0]).toISOString(), to: new Date(bar[0] + bars.size).toISOString() }));
        }}
      />
    </>
  );
}

/** Hours while there are few of them, else days; those without events too. */
function binned(rows: Row[]): { size: number; bars: [number, number][] } {
  const hours = rows.map((row): [number, number] => [asDate(String(row.t))?.getTime() ?? Number.NaN, Number(row.n)]).filter(([at]) => !Number.isNaN(at));
  const [first, last] = [hours[0]?.[0], hours.at(-1)?.[0]];
  if (first === undefined || last === undefined) return { size: HOUR_MS, bars: [] };
  const size = (last - first) / HOUR_MS > HOURS_SHOWN_MAX ? DAY_MS : HOUR_MS;
  const sums = new Map<number, number>();
  for (const [at, n] of hours) {
    const bin = Math.floor(at / size) * size;
    sums.set(bin, (sums.get(bin) ?? 0) + n);
  }
  const bars: [number, number][] = [];
  for (let at = Math.floor(first / size) * size; at <= last; at += size) bars.push([at, sums.get(at) ?? 0]);
  return { size, bars };
}

function Latest({ ruleId }: { ruleId: string }) {
  const asked = useQuery({
    queryKey: ["findings", "of-rule", ruleId],
    queryFn: () => call<Schema<"Page">>("/api/v1/findings", { query: { rule: ruleId, sort: "latest", limit: 10 } }),
  });
  return (
    <Asked what="findings" asked={asked}>
      {({ findings, next }) => (
        <section>
          <Box variant="h3">Latest findings</Box>
          {findings.length === 0 ? (
            <Empty title="It has no finding" />
          ) : (
            <Thin
              stacks
              label="Latest findings of the rule"
              heads={[{ label: "Last seen" }, { label: "Finding", wraps: true }, { label: "Severity" }, { label: "Status" }]}
              rows={findings.map((finding) => ({
                key: finding.uid,
                cells: [
                  <Ago at={finding.last_seen} />,
                  <Link href={`/findings/${encodeURIComponent(finding.uid)}`} className="rule-title">
                    {visible(finding.title)}
                  </Link>,
                  <Severity level={finding.severity_id} />,
                  finding.verdict ? VERDICT_WORDS[finding.verdict] : STATUS_WORDS[finding.status],
                ],
              }))}
            />
          )}
          {next ? <Link href={link("/findings", { rule: ruleId })} className="rule-title">All findings of the rule</Link> : null}
        </section>
      )}
    </Asked>
  );
}

function Suppressions({ ruleId }: { ruleId: string }) {
  const asked = useQuery({ queryKey: ["suppressions"], queryFn: () => call<Schema<"Suppression">[]>("/api/v1/suppressions") });
  const now = Date.now();
  const mine = (asked.data ?? []).filter((one) => !one.ended && Date.parse(one.until) > now && one.dimensions.rule && isLike(one.dimensions.rule, ruleId));
  return (
    <Asked what="suppressions" asked={asked}>
      {() => (
        <section>
          <Box variant="h3">Held back</Box>
          {mine.length === 0 ? (
            <Box color="text-body-secondary">No suppression is for this rule.</Box>
          ) : (
            <ul className="plain-list">
              {mine.map((one) => (
                <li key={one.id}>
                  {visible(one.reason)}: {dimensions(one.dimensions)}, by {visible(one.owner)}, until <Time at={one.until} />
                </li>
              ))}
            </ul>
          )}
        </section>
      )}
    </Asked>
  );
}

function dimensions(all: Schema<"Dimensions">): string {
  const said = Object.entries(all).filter(([name, value]) => value && name !== "rule");
  return said.length === 0 ? "all its findings" : said.map(([name, value]) => `${name.replace("_", " ")} ${visible(String(value))}`).join(", ");
}

function isLike(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  let at = 0;
  for (const [index, part] of parts.entries()) {
    const found = text.indexOf(part, at);
    if (found < 0 || (index === 0 && found !== 0)) return false;
    at = found + part.length;
  }
  return pattern.endsWith("*") || at === text.length;
}

