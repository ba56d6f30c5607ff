// What the server is, how long it keeps things, and how to change that.
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMemo } from "react";
import { Link } from "wouter";
import { useAnswer } from "../../api/query";
import { useMay } from "../../api/session";
import { useStatus } from "../../app/bar";
import { CodeBlock } from "../../parts/codeblock";
import { Asked } from "../../parts/states";
import { Ago, asDate, Time } from "../../parts/time";
import { bytes, count, counted } from "../../parts/words";
import { tables, useLedger, type LedgerEntry } from "../sources/ask";

export function Server() {
  const status = useStatus();
  const ledger = useLedger();
  return (
    <SpaceBetween size="l">
      <Asked what="the status" asked={status}>
        {(data) => (
          <Container header={<Header variant="h2">This server</Header>}>
            <KeyValuePairs
              columns={4}
              items={[
                { label: "Version", value: data.version },
                { label: "Began", value: <Ago at={data.begun} /> },
                { label: "Data", value: data.demo ? <StatusIndicator type="info">Made up: this is the demo</StatusIndicator> : "Your own" },
                { label: "Log of deliveries", value: `${bytes(data.log.bytes)} on the disk` },
                { label: "Rules", value: <Link className="linked" href="/detections">{counted(data.rules.loaded, "rule")}</Link> },
                { label: "Queues and buckets", value: <Link className="linked" href="/sources">{count(data.feeds.length)}</Link> },
                {
                  label: "Description of the API",
                  value: (
                    <a className="linked" href="/api/v1/openapi.json" target="_blank" rel="noreferrer">
                      openapi.json
                    </a>
                  ),
                },
                {
                  label: "Metrics",
                  value: (
                    <a className="linked" href="/metrics" target="_blank" rel="noreferrer">
                      /metrics
                    </a>
                  ),
                },
              ]}
            />
          </Container>
        )}
      </Asked>
      <Asked what="the ledger" asked={ledger}>
        {(entries) => <Kept entries={entries} />}
      </Asked>
      <How />
    </SpaceBetween>
  );
}

function Kept({ entries }: { entries: LedgerEntry[] }) {
  const mayAsk = useMay("query:run");
  const sources = useMemo(() => tables(entries), [entries]);
  const text = sources.map((source) => `SELECT min(time_dt) AS oldest FROM ${source}`).join(" UNION ALL ");
  const asked = useAnswer(mayAsk && sources.length > 0 ? { text: `SELECT min(oldest) AS oldest FROM (${text}) AS kept`, lang: "sql" } : null);
  const oldest = asked.data?.rows[0]?.["oldest"] as string | undefined;
  const removed = entries.reduce((sum, entry) => sum + entry.removed, 0);
  const kept = entries.reduce((sum, entry) => sum + entry.lake, 0);
  const days = oldest ? Math.floor((Date.now() - (asDate(oldest)?.getTime() ?? 0)) / 86_400_000) : null;
  return (
    <Container header={<Header variant="h2" description="Events are kept for ever, unless the server is told a number of days">Retention</Header>}>
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Events in the lake", value: count(kept) },
            { label: "Oldest event (UTC)", value: oldest ? <Time at={oldest} /> : asked.isFetching ? "…" : "none" },
            { label: "Reaches back", value: days === null ? "nothing yet" : counted(days, "day") },
            { label: "Removed by retention until now", value: count(removed) },
          ]}
        />
        <Box color="text-body-secondary">
          Not known here: how many days this server was told to keep. Its settings are read once, at the start, and only the machine it runs on can show and change them.
        </Box>
        <div className="commands">
          <CodeBlock label="What it was told, and by whom" text="skywarden config show --origin" />
          <CodeBlock label="Keep a year" text="skywarden serve --data DIR --retain-days 365" />
          <CodeBlock label="Keep what a case needs, whatever retention says" text="skywarden lake hold CASE --from TIME --to TIME --lake DIR/lake" />
        </div>
      </SpaceBetween>
    </Container>
  );
}

function How() {
  return (
    <Container header={<Header variant="h2" description="A flag goes before the environment, and that before the file">Change a setting</Header>}>
      <div className="commands">
        <CodeBlock label="skywarden.toml, named by --config" text={'retain_days = 365\nsilent_after_s = 900\nown_account = ["111122223333"]\nrules = ["/etc/skywarden/rules"]\n'} />
        <CodeBlock label="The same by the environment" text={"SKYWARDEN_RETAIN_DAYS=365\nSKYWARDEN_SILENT_AFTER_S=900\nSKYWARDEN_OWN_ACCOUNT=111122223333\nSKYWARDEN_RULES=/etc/skywarden/rules\n"} />
      </div>
    </Container>
  );
}
