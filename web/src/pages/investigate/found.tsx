// The findings of it.
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call, type Schema } from "../../api/client";
import { link } from "../../app/url";
import { Panel, Thin } from "../../parts/panel";
import { Severity } from "../../parts/severity";
import { Asked, Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { visible } from "../../parts/value";
import { count, counted, STATUS_WORDS } from "../../parts/words";
import { bareTitle, short } from "./addresses";
import type { Entity } from "./entity";

const SHOWN = 100;
const PAGE = 200;

export function Found({ entity }: { entity: Entity }) {
  const { query, isMeant, exact } = entity.findings;
  const asked = useQuery({
    queryKey: ["findings", "of", query],
    queryFn: ({ signal }) => call<Schema<"Page">>("/api/v1/findings", { query: { ...query, sort: "worst", limit: PAGE }, signal }),
  });
  const rows = (asked.data?.findings ?? []).filter(isMeant);
  const open = rows.filter((finding) => finding.status !== "resolved" && finding.status !== "suppressed");
  return (
    <Panel
      id="found"
      title="Findings"
      note={
        asked.data
          ? `${count(open.length)} open of ${count(rows.length)}, of any time${exact ? "" : "; those that name it"}${asked.data.next ? `; of the worst ${PAGE}` : ""}`
          : undefined
      }
      actions={
        <Link href={link("/findings", { ...query, status: "all" })} className="door">
          Open in Findings
        </Link>
      }
    >
      <Asked what="findings" asked={asked}>
        {() =>
          rows.length === 0 ? (
            <Empty title="No finding">{entity.kind === "key" ? "Findings do not name keys; look at who uses it." : "No rule has fired on it."}</Empty>
          ) : (
            <Thin
              label="Findings"
              height={260}
              heads={[{ label: "Severity" }, { label: "What", grows: true }, { label: "Events", isNumber: true, isMinor: true }, { label: "First" }, { label: "Status", isMinor: true }]}
              rows={rows.slice(0, SHOWN).map((finding) => ({
                key: finding.uid,
                cells: [
                  <Severity level={finding.severity_id} />,
                  <Link className="two-lines" href={`/findings/${finding.uid}`} title={visible(finding.title)}>
                    {entity.kind === "principal" || entity.kind === "session" ? null : <b>{visible(short(finding.principal))} </b>}
                    {visible(bareTitle(finding))}
                  </Link>,
                  count(finding.count),
                  <Time at={finding.first_seen} />,
                  STATUS_WORDS[finding.status],
                ],
              }))}
            />
          )
        }
      </Asked>
      {rows.length > SHOWN ? <p className="hint">The first {SHOWN} of {counted(rows.length, "finding")}.</p> : null}
    </Panel>
  );
}
