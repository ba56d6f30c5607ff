// What is held back, why, by whom and how long; ending one brings its findings back.
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { call, type Schema } from "../../api/client";
import { useMay } from "../../api/session";
import { useShell } from "../../app/shell";
import { link } from "../../app/url";
import { ActButton } from "../../parts/act";
import { Thin } from "../../parts/panel";
import { Asked, Empty } from "../../parts/states";
import { Ago, Time } from "../../parts/time";
import { visible } from "../../parts/value";
import { count } from "../../parts/words";
import { whoWords } from "./decide";
import { useRuleTitles } from "./list";
import { DIMENSION_WORDS, DIMENSIONS } from "./suppress";
import "./findings.css";

type Suppression = Schema<"Suppression">;
const SHOWN_MAX = 100;

function holds(one: Suppression): boolean {
  return !one.ended && Date.parse(one.until) > Date.now();
}

export function Suppressions() {
  const asked = useQuery({ queryKey: ["suppressions"], queryFn: () => call<Suppression[]>("/api/v1/suppressions") });
  const titles = useRuleTitles();
  const cache = useQueryClient();
  const { say } = useShell();
  const may = useMay("suppressions:write");
  const [ending, setEnding] = useState<Suppression | null>(null);
  const end = async (one: Suppression) => {
    setEnding(null);
    try {
      await call(`/api/v1/suppressions/${one.id}`, { method: "DELETE" });
      say({ type: "success", content: "Ended: what it held back is new again." });
    } catch (err) {
      say({ type: "error", header: "Not ended", content: err instanceof Error ? err.message : String(err) });
    }
    await Promise.all(["suppressions", "finding-counts", "findings"].map((key) => cache.invalidateQueries({ queryKey: [key] })));
  };
  const state = (one: Suppression) =>
    one.ended ? (
      <StatusIndicator type="stopped">Ended{one.ended_by ? ` by ${whoWords(one.ended_by)}` : ""}</StatusIndicator>
    ) : !holds(one) ? (
      <StatusIndicator type="stopped">Ran out</StatusIndicator>
    ) : (
      <StatusIndicator type="success">Holds</StatusIndicator>
    );
  return (
    <Asked what="suppressions" asked={asked}>
      {(all) => (
        <>
          <Container header={<Header variant="h2" counter={`(${count(all.length)})`} description="Findings that fit are kept and counted, but not shown as open.">Suppressions</Header>}>
            {all.length === 0 ? (
              <Empty title="Nothing is suppressed">Select findings in the queue and press s.</Empty>
            ) : (
              <Thin
                stacks
                label="Suppressions"
                heads={[{ label: "Findings of", wraps: true }, { label: "Why", wraps: true }, { label: "By" }, { label: "Since" }, { label: "Until" }, { label: "State" }, { label: "Change" }]}
                rows={[...all].sort((a, b) => Number(holds(b)) - Number(holds(a))).slice(0, SHOWN_MAX).map((one) => ({
                  key: String(one.id),
                  cells: [
                    <ul className="plain-list">
                      {DIMENSIONS.filter((dimension) => one.dimensions[dimension]).map((dimension) => {
                        const value = one.dimensions[dimension] as string;
                        return (
                          <li key={dimension}>
                            <span className="muted">{DIMENSION_WORDS[dimension]}</span>{" "}
                            {dimension === "rule" && titles.has(value) ? <Link href={`/detections/${encodeURIComponent(value)}`}>{titles.get(value)}</Link> : <span className="mono">{visible(value)}</span>}
                          </li>
                        );
                      })}
                      <li>
                        <Link href={link("/findings", { status: "suppressed", rule: exact(one.dimensions.rule), account: exact(one.dimensions.account), principal: exact(one.dimensions.principal) })}>
                          What is held back like this
                        </Link>
                      </li>
                    </ul>,
                    visible(one.reason),
                    visible(whoWords(one.owner)),
                    <Ago at={one.created} />,
                    <Time at={one.until} />,
                    state(one),
                    !holds(one) ? null : (
                      <ActButton variant="inline-link" disabled={!may} onClick={() => setEnding(one)} ariaLabel={`End suppression ${one.id}`}>
                        End
                      </ActButton>
                    ),
                  ],
                }))}
              />
            )}
            {all.length > SHOWN_MAX ? <p className="hint">{SHOWN_MAX} of {count(all.length)}: those that hold, and the newest of the others.</p> : null}
          </Container>
          {ending ? (
            <Modal
              visible
              header="End the suppression?"
              closeAriaLabel="Close"
              onDismiss={() => setEnding(null)}
              footer={
                <Box float="right">
                  <SpaceBetween direction="horizontal" size="xs">
                    <Button variant="link" onClick={() => setEnding(null)}>Cancel</Button>
                    <ActButton variant="primary" onClick={() => void end(ending)}>End it</ActButton>
                  </SpaceBetween>
                </Box>
              }
            >
              What it held back is new again, and stands in the queue.
            </Modal>
          ) : null}
        </>
      )}
    </Asked>
  );
}

/** The list filters by whole values; a pattern is left out of the link. */
function exact(value: string | null | undefined): string | null {
  return value && !value.includes("*") ? value : null;
}
