// Who, where, from where, on what: each leads to its profile.
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { useState, type ReactNode } from "react";
import { Link } from "wouter";
import type { Finding } from "../../api/client";
import { guess } from "../../app/entity";
import { entityLink, link, queryLink, type EntityKind } from "../../app/url";
import { quoted } from "../../api/query";
import { Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { count } from "../../parts/words";
import type { Facts } from "./facts";
import { ownOf } from "./own";

const SHOWN = 6;

function Values({ values, kind, none }: { values: string[]; kind: EntityKind; none: string }) {
  const [isAll, setAll] = useState(false);
  if (values.length === 0) return <span className="muted">{none}</span>;
  return (
    <ul className="plain-list">
      {values.slice(0, isAll ? undefined : SHOWN).map((value) => (
        <li key={value}>
          <Value text={value} to={entityLink(kind, value)} />
        </li>
      ))}
      {values.length > SHOWN && !isAll ? (
        <li>
          <button type="button" className="plain-link" onClick={() => setAll(true)}>
            {values.length - SHOWN} more
          </button>
        </li>
      ) : null}
    </ul>
  );
}

/** What the rule's events of the finding are asked with. */
export function eventsQuery(finding: Finding): string {
  return queryLink(
    `SELECT time_dt, event_uid, event_source, event_account, raw FROM hits WHERE rule_uid = ${quoted(finding.rule, "sql")} ORDER BY time_dt`,
    "sql",
    { from: finding.first_seen, to: new Date(Date.parse(finding.last_seen) + 1000).toISOString() },
  );
}

export function FactList({ finding, facts }: { finding: Finding; facts: Facts }) {
  const item = (label: string, value: ReactNode) => ({ label, value });
  const kind = guess(facts.principalUid)[0]?.kind === "session" ? "session" : "principal";
  return (
    <div className="facts">
      <KeyValuePairs
        columns={1}
        items={[
          item("Principal", (
            <>
              <div>{visible(finding.principal)}</div>
              {facts.principalUid !== finding.principal && facts.principalUid !== "" ? <Value text={facts.principalUid} to={entityLink(kind, facts.principalUid)} /> : null}
            </>
          )),
          item("From", <Values values={facts.ips} kind="ip" none="no address in the events" />),
          item("Account and Region", (
            <>
              {finding.account === "" ? <span className="muted">none</span> : <Value text={finding.account} to={entityLink("account", finding.account)} />} {facts.regions.map(visible).join(", ")}
            </>
          )),
          item("Resources", <Values values={facts.resources} kind="resource" none="none named in the events" />),
          item("Events", ownOf(finding.rule) ? "none" : <Link href={eventsQuery(finding)}>{count(finding.count)}</Link>),
          item("First and last", (
            <>
              <Time at={finding.first_seen} />
              {finding.last_seen === finding.first_seen ? null : (
                <>
                  {" to "}
                  <Time at={finding.last_seen} />
                </>
              )}
            </>
          )),
          item("Rule", <Link href={ownOf(finding.rule)?.to ?? `/detections/${encodeURIComponent(finding.rule)}`}>{facts.ruleTitle}</Link>),
          item("Others of", (
            <>
              <Link href={link("/findings", { rule: finding.rule, status: "all" })}>the rule</Link>, <Link href={link("/findings", { principal: finding.principal, status: "all" })}>the principal</Link>
            </>
          )),
        ]}
      />
    </div>
  );
}
