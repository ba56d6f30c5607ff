// Programs that may call.
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, type Schema } from "../../api/client";
import { useShell } from "../../app/shell";
import { ActButton } from "../../parts/act";
import { CodeBlock } from "../../parts/codeblock";
import { Grid, type Column } from "../../parts/grid";
import { Asked, Empty } from "../../parts/states";
import { asDate, Time, useNow } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { Ask } from "./ask";
import { Accounts, granted, GrantFields } from "./grant";
import { accounts, roleWord, type Role } from "./roles";

type Token = Schema<"Token">;

const LASTS = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "A year" },
  { value: "", label: "Until it is revoked" },
];

export function Tokens() {
  const { say } = useShell();
  const cache = useQueryClient();
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: () => call<Token[]>("/api/v1/tokens") });
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Token | null>(null);
  const [gone, setGone] = useState<Token | null>(null);
  const now = useNow();
  const again = () => cache.invalidateQueries({ queryKey: ["tokens"] });
  const columns: Column<Token>[] = [
    { id: "name", head: "Name", width: 200, grows: true, cell: (token) => <Value text={token.name} /> },
    { id: "role", head: "Role", width: 110, cell: (token) => roleWord(token.role) },
    { id: "accounts", head: "AWS accounts", width: 220, grows: true, cell: (token) => <Accounts ids={token.accounts} /> },
    { id: "by", head: "Made by", width: 140, cell: (token) => <Value text={token.made_by} /> },
    { id: "created", head: "Since (UTC)", width: 170, cell: (token) => <Time at={token.created} /> },
    { id: "until", head: "Good until (UTC)", width: 190, cell: (token) => <Until token={token} now={now} /> },
    {
      id: "act",
      head: "End",
      width: 110,
      cell: (token) => (
        <ActButton variant="inline-link" ariaLabel={`Revoke ${visible(token.name)}`} onClick={() => setGone(token)}>
          Revoke
        </ActButton>
      ),
    },
  ];
  return (
    <SpaceBetween size="m">
      <Header
        variant="h2"
        counter={tokens.data ? `(${tokens.data.length})` : undefined}
        description="A program sends its secret as Authorization: Bearer …, Firehose as its access key, Splunk's senders as their token"
        actions={
          <ActButton variant="primary" onClick={() => setMaking(true)}>
            Make token
          </ActButton>
        }
      >
        Tokens
      </Header>
      <Asked what="tokens" asked={tokens}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No token yet">Programs that send logs or read findings need one.</Empty>
          ) : (
            <Grid label="Tokens" columns={columns} rows={all} rowKey={(token) => token.name} rowHeight={36} height={Math.min(520, 52 + 36 * all.length)} />
          )
        }
      </Asked>
      {isMaking ? (
        <Make
          close={() => setMaking(false)}
          done={async (token) => {
            setMade(token);
            await again();
          }}
        />
      ) : null}
      {made ? <Secret token={made} close={() => setMade(null)} /> : null}
      {gone ? (
        <Ask
          title={`Revoke ${gone.name}`}
          does="Revoke"
          close={() => setGone(null)}
          act={async () => {
            await call(`/api/v1/tokens/${encodeURIComponent(gone.name)}`, { method: "DELETE" });
            await again();
            say({ type: "success", content: visible(`${gone.name} is revoked.`) });
          }}
        >
          <span>It is dead at once. Whatever uses it gets 401 from then on, and senders keep their logs until they have another.</span>
        </Ask>
      ) : null}
    </SpaceBetween>
  );
}

function Until({ token, now }: { token: Token; now: number }) {
  if (!token.until) return <>until revoked</>;
  const at = asDate(token.until)?.getTime() ?? Infinity;
  if (at < now) return <StatusIndicator type="stopped">Expired</StatusIndicator>;
  return <Time at={token.until} />;
}

function Make({ close, done }: { close: () => void; done: (token: Token) => Promise<void> }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("ingest-only");
  const [text, setText] = useState("");
  const [lasts, setLasts] = useState("365");
  const isName = /^[A-Za-z0-9._-]{1,64}$/.test(name);
  return (
    <Ask
      title="Make a token"
      does="Make"
      isDisabled={!isName || accounts(text) === null}
      close={close}
      act={async () => {
        const until = lasts === "" ? {} : { until: new Date(Date.now() + Number(lasts) * 86_400_000).toISOString() };
        await done(await call<Token>("/api/v1/tokens", { method: "POST", body: { name, role, ...granted(text), ...until } }));
      }}
    >
      <FormField label="Name" description="What uses it" errorText={name !== "" && !isName ? "Letters, digits and . _ -, 64 at most" : undefined}>
        <Input value={name} onChange={({ detail }) => setName(detail.value.trim())} spellcheck={false} autoComplete={false} placeholder="firehose-prod" />
      </FormField>
      <GrantFields role={role} setRole={setRole} text={text} setText={setText} />
      <FormField label="Good for">
        <Select selectedOption={LASTS.find((one) => one.value === lasts) ?? null} options={LASTS} onChange={({ detail }) => setLasts(detail.selectedOption.value ?? "")} expandToViewport />
      </FormField>
    </Ask>
  );
}

function Secret({ token, close }: { token: Token; close: () => void }) {
  return (
    <Modal
      visible
      header={visible(`The secret of ${token.name}`)}
      onDismiss={close}
      closeAriaLabel="Close"
      footer={
        <Button variant="primary" onClick={close}>
          I have kept it
        </Button>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">It is shown now and never again. If it is lost, revoke the token and make another.</Alert>
        <CodeBlock label="Secret" text={token.secret ?? ""} isInline />
      </SpaceBetween>
    </Modal>
  );
}
