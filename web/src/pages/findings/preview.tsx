// The finding under the cursor, beside the queue.
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import SplitPanel from "@cloudscape-design/components/split-panel";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation } from "wouter";
import { call, type Finding } from "../../api/client";
import { Severity } from "../../parts/severity";
import { visible } from "../../parts/value";
import { FactList } from "./factlist";
import { factsOf } from "./facts";

export function Preview({ finding, onGone }: { finding: Finding; onGone: () => void }) {
  const [, go] = useLocation();
  const { data } = useQuery({ queryKey: ["finding", finding.uid], queryFn: () => call<Finding>(`/api/v1/findings/${encodeURIComponent(finding.uid)}`), staleTime: 5_000 });
  useEffect(() => onGone, []);
  const facts = data ? factsOf(data) : null;
  return (
    <SplitPanel header={visible(finding.title.slice(0, 160))} hidePreferencesButton closeBehavior="hide">
      <SpaceBetween size="m">
        <Severity level={finding.severity_id} />
        {facts ? (
          <>
            <Box variant="p">{facts.why}</Box>
            <FactList finding={data as Finding} facts={facts} />
            {facts.todo.length > 0 ? (
              <div>
                <Box variant="h3">What to do</Box>
                <ol>{facts.todo.map((line) => <li key={line}>{visible(line)}</li>)}</ol>
              </div>
            ) : null}
          </>
        ) : null}
        <Button onClick={() => go(`/findings/${encodeURIComponent(finding.uid)}`)}>Open</Button>
      </SpaceBetween>
    </SplitPanel>
  );
}
