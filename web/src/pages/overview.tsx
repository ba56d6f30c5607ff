// One screen: how it stands, the worst story, and whether anything is missing.
import ContentLayout from "@cloudscape-design/components/content-layout";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { Link } from "wouter";
import { useLive } from "../api/live";
import { useRules } from "../api/rules";
import { useMay } from "../api/session";
import { link } from "../app/url";
import { Asked, Failed } from "../parts/states";
import { asDate, utc } from "../parts/time";
import { count } from "../parts/words";
import { useCoverage, useKpis, useOpen, useStatus, type Findings } from "./overview/load";
import { useLooked } from "./overview/looked";
import { Numbers } from "./overview/numbers";
import { merged } from "./overview/order";
import "./overview/overview.css";
import { Days, Principals, Rules, Strip } from "./overview/pictures";
import { Sources } from "./overview/sources";
import { Told } from "./overview/told";
import { NothingYet } from "./sources/nothing";

const PAUSE_MS = 5000;

/** Numbers are asked again when findings come, every five seconds at most. */
function useFresh() {
  const cache = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useLive(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      void cache.invalidateQueries({ queryKey: ["overview"] });
    }, PAUSE_MS);
  });
  useEffect(
    () => () => {
      if (timer.current) clearTimeout(timer.current);
    },
    [],
  );
}

export default function Overview() {
  const mayRules = useMay("rules:read");
  const maySystem = useMay("system:read");
  const kpis = useKpis();
  const open = useOpen();
  const rules = useRules();
  const coverage = useCoverage(mayRules);
  const health = useStatus(maySystem);
  useFresh();
  const tactics = useMemo(() => new Map((rules ?? []).map((rule) => [rule.id, rule.tactics])), [rules]);
  const titles = useMemo(() => new Map((rules ?? []).map((rule) => [rule.id, rule.title])), [rules]);
  const order = useMemo(() => coverage.data?.tactics.map((tactic) => tactic.name) ?? merged([...tactics.values()]), [coverage.data, tactics]);

  const isEmpty = kpis.data?.open === 0 && kpis.data.trend.length === 0 && health.data !== undefined && health.data.status.events === 0 && health.data.ledger.every((entry) => entry.in === 0);
  return (
    <ContentLayout
      disableOverlap
      header={
        <div className="top">
          <h1>Overview</h1>
          {open.data && !isEmpty ? <Since open={open.data} /> : null}
        </div>
      }
    >
      {isEmpty ? (
        <section className="panel">
          <NothingYet />
        </section>
      ) : (
        <div className="overview">
          <Asked what="the numbers" asked={kpis}>
            {(data) => <Numbers kpis={data} health={health.data ?? null} />}
          </Asked>
          <div className="story-cell">
            <Asked what="open findings" asked={open}>
              {(data) => <Told open={data} tactics={tactics} />}
            </Asked>
          </div>
          {kpis.data ? <Days kpis={kpis.data} /> : <section className="panel" />}
          {open.data ? <Strip open={open.data} tactics={tactics} order={order} /> : null}
          {kpis.data ? (
            <>
              <Principals kpis={kpis.data} />
              <Rules kpis={kpis.data} titles={titles} />
            </>
          ) : null}
          {health.data ? <Sources {...health.data} /> : health.error ? <Failed what="load sources" error={health.error} retry={() => void health.refetch()} /> : null}
        </div>
      )}
    </ContentLayout>
  );
}

/** What came since this browser last looked. */
function Since({ open }: { open: Findings }) {
  const before = useLooked();
  if (before === null) return <span className="since">Your first look with this browser</span>;
  const n = open.findings.filter((finding) => (asDate(finding.updated)?.getTime() ?? 0) > before).length;
  return (
    <span className="since">
      <Link href={link("/findings", { sort: "latest" })}>
        {n === 0 ? "Nothing new" : `${count(n)}${open.isCut ? " or more" : ""} new or with new events`}
      </Link>{" "}
      since you last looked, {utc(before).slice(0, 16)} UTC
    </span>
  );
}
