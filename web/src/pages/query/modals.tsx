// What can be made of a query: a rule, a command; and what its run read.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { useLocation } from "wouter";
import { link } from "../../app/url";
import { Editor } from "../../parts/editor";
import { visible } from "../../parts/value";
import { bytes, count, percent } from "../../parts/words";
import { awsCommand, cliCommand } from "./give";
import type { Question, Run } from "./run";
import { newId } from "../rule/keep";
import { draftOf } from "./sigma";

export function RuleModal({ text, onClose }: { text: string; onClose: () => void }) {
  const [, go] = useLocation();
  const draft = useMemo(() => draftOf(text, newId(), new Date().toISOString().slice(0, 10)), [text]);
  return (
    <Modal
      visible
      size="large"
      header="A rule of this query"
      onDismiss={onClose}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween size="xs" direction="horizontal">
            <CopyToClipboard variant="button" copyButtonText="Copy" textToCopy={draft.yaml} copySuccessText="Copied" copyErrorText="The browser did not allow it" />
            <Button variant="primary" onClick={() => go(link("/detections/new", { draft: draft.yaml }))}>
              Test it, and save it
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {draft.left.length > 0 ? (
          <Alert type="warning" header="Not all of the query is in the rule">
            <ul>
              {draft.left.map((what) => (
                <li key={what}>{visible(what)}</li>
              ))}
            </ul>
          </Alert>
        ) : (
          <Box>All filters of the query are in the rule. Give it a title, a description and a level before you use it.</Box>
        )}
        <Editor value={draft.yaml} lang="yaml" label="The rule's draft" readOnly maxHeight={360} />
      </SpaceBetween>
    </Modal>
  );
}

export function CommandModal({ question, onClose }: { question: Question; onClose: () => void }) {
  const own = cliCommand(question);
  const aws = awsCommand(question);
  return (
    <Modal visible size="large" header="As a command" onDismiss={onClose} closeAriaLabel="Close">
      <SpaceBetween size="l">
        <div>
          <Box variant="h3">Skywarden</Box>
          <Command text={own} label="Copy the Skywarden command" />
          <Box variant="small" color="text-body-secondary">Put your lake’s place behind <code className="mono">--lake</code>. <code className="mono">--format csv</code> or <code className="mono">jsonl</code> writes for other programs.</Box>
        </div>
        <div>
          <Box variant="h3">CloudWatch Logs</Box>
          {"command" in aws ? (
            <>
              <Command text={aws.command} label="Copy the AWS command" />
              <Box variant="small" color="text-body-secondary">
                Put in your log group; it must hold the same logs. AWS counts both ends of the range and gives an id, which <code className="mono">aws logs get-query-results</code> takes.
              </Box>
            </>
          ) : (
            <Box color="text-body-secondary">{aws.why}</Box>
          )}
        </div>
      </SpaceBetween>
    </Modal>
  );
}

function Command({ text, label }: { text: string; label: string }) {
  return (
    <div className="command">
      <pre className="mono">{visible(text)}</pre>
      <CopyToClipboard variant="icon" copyButtonAriaLabel={label} textToCopy={text} copySuccessText="Copied" copyErrorText="The browser did not allow it" />
    </div>
  );
}

export function ExplainModal({ run, onClose }: { run: Run; onClose: () => void }) {
  const read = run.job?.statistics;
  return (
    <Modal visible size="medium" header="What this answer cost" onDismiss={onClose} closeAriaLabel="Close">
      {read ? (
        <SpaceBetween size="m">
          <KeyValuePairs
            columns={2}
            items={[
              { label: "Rows that passed the filters", value: count(read.rows_matched) },
              { label: "Rows looked at", value: count(read.rows_scanned) },
              { label: "Files opened", value: count(read.files_read) },
              { label: "Files not opened", value: count(read.files_skipped) },
              { label: "Bytes read", value: bytes(read.bytes_read) },
              { label: "Bytes not read", value: bytes(read.bytes_skipped) },
              { label: "Time on the server", value: `${count(run.job?.took_ms ?? 0)} ms` },
              { label: "Rows given", value: count(run.rows.length) },
            ]}
          />
          <Box>
            {read.bytes_skipped + read.bytes_read > 0
              ? `${percent(read.bytes_skipped / (read.bytes_skipped + read.bytes_read))} of the bytes were not needed: whole files whose days or values cannot match, and columns that the query does not name.`
              : "Nothing had to be read."}
          </Box>
          {run.job?.text.includes("@message") ? <Box color="text-body-secondary"><code className="mono">@message</code> is the largest column. A query that names only the fields it needs reads less.</Box> : null}
        </SpaceBetween>
      ) : (
        <Box>The server gave no statistics for this run.</Box>
      )}
    </Modal>
  );
}
