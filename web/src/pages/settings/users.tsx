// People who may log in.
import Box from "@cloudscape-design/components/box";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, type Schema } from "../../api/client";
import { AWAY_WHY, useAway } from "../../api/reach";
import { useSession } from "../../api/session";
import { useShell } from "../../app/shell";
import { ActButton } from "../../parts/act";
import { Grid, type Column } from "../../parts/grid";
import { Asked } from "../../parts/states";
import { Time } from "../../parts/time";
import { Value, visible } from "../../parts/value";
import { Ask, PasswordField } from "./ask";
import { Accounts, granted, GrantFields } from "./grant";
import { accounts, PASSWORD_MIN, ROLES, roleWord, type Role } from "./roles";

type User = Schema<"User">;
type Doing = { what: "add" } | { what: "change" | "password" | "remove"; user: User };

const path = (name: string) => `/api/v1/users/${encodeURIComponent(name)}`;

export function Users() {
  const { data: me } = useSession();
  const isAway = useAway() !== null;
  const { say } = useShell();
  const cache = useQueryClient();
  const users = useQuery({ queryKey: ["users"], queryFn: () => call<User[]>("/api/v1/users") });
  const [doing, setDoing] = useState<Doing | null>(null);
  const close = () => setDoing(null);
  const done = async (text: string) => {
    await cache.invalidateQueries({ queryKey: ["users"] });
    say({ type: "success", content: visible(text) });
  };
  const columns: Column<User>[] = [
    {
      id: "name",
      head: "Name",
      width: 220,
      grows: true,
      cell: (user) => (
        <>
          <Value text={user.name} /> {user.name === me?.name ? <span className="muted">(you)</span> : null}
        </>
      ),
    },
    { id: "role", head: "Role", width: 130, cell: (user) => roleWord(user.role) },
    { id: "accounts", head: "AWS accounts", width: 260, grows: true, cell: (user) => <Accounts ids={user.accounts} /> },
    { id: "created", head: "Since (UTC)", width: 170, cell: (user) => <Time at={user.created} /> },
    {
      id: "act",
      head: "Change",
      width: 130,
      cell: (user) => (
        <ButtonDropdown
          variant="inline-icon"
          ariaLabel={`Change ${visible(user.name)}`}
          disabled={isAway}
          disabledReason={isAway ? AWAY_WHY : undefined}
          expandToViewport
          items={[
            { id: "change", text: "Role and accounts" },
            { id: "password", text: "Set a password" },
            { id: "remove", text: "Remove", disabled: user.name === me?.name, disabledReason: "You cannot remove yourself here" },
          ]}
          onItemClick={({ detail }) => setDoing({ what: detail.id as "change", user })}
        />
      ),
    },
  ];
  return (
    <SpaceBetween size="m">
      <Header
        variant="h2"
        counter={users.data ? `(${users.data.length})` : undefined}
        actions={
          <ActButton variant="primary" onClick={() => setDoing({ what: "add" })}>
            Add user
          </ActButton>
        }
      >
        Users
      </Header>
      <Asked what="users" asked={users}>
        {(all) => <Grid label="Users" columns={columns} rows={all} rowKey={(user) => user.name} rowHeight={36} height={Math.min(520, 52 + 36 * all.length)} />}
      </Asked>
      <Roles />
      {doing?.what === "add" ? <Add close={close} done={done} /> : null}
      {doing?.what === "change" ? <Change user={doing.user} close={close} done={done} /> : null}
      {doing?.what === "password" ? <Password user={doing.user} close={close} done={done} /> : null}
      {doing?.what === "remove" ? (
        <Ask
          title={`Remove ${doing.user.name}`}
          does="Remove"
          close={close}
          act={async () => {
            await call(path(doing.user.name), { method: "DELETE" });
            await done(`${doing.user.name} is removed.`);
          }}
        >
          <span>Their sessions end at once. What they decided and wrote stays, with their name.</span>
        </Ask>
      ) : null}
    </SpaceBetween>
  );
}

/** What each role is, said once below the list. */
function Roles() {
  return (
    <Box>
      <Box variant="h3">Roles</Box>
      <dl className="roles">
        {ROLES.map((role) => (
          <div key={role.value}>
            <dt>{role.label}</dt>
            <dd>{role.description}</dd>
          </div>
        ))}
      </dl>
    </Box>
  );
}

interface Form {
  close: () => void;
  done: (text: string) => Promise<void>;
}

function Add({ close, done }: Form) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>("analyst");
  const [text, setText] = useState("");
  const isName = /^[A-Za-z0-9._@-]{1,64}$/.test(name);
  return (
    <Ask
      title="Add a user"
      does="Add"
      isDisabled={!isName || password.length < PASSWORD_MIN || accounts(text) === null}
      close={close}
      act={async () => {
        await call("/api/v1/users", { method: "POST", body: { name, role, password, ...granted(text) } });
        await done(`${name} can log in now.`);
      }}
    >
      <FormField label="Name" errorText={name !== "" && !isName ? "Letters, digits and . _ @ -, 64 at most" : undefined}>
        <Input value={name} onChange={({ detail }) => setName(detail.value.trim())} spellcheck={false} autoComplete={false} />
      </FormField>
      <PasswordField label="First password" value={password} onChange={setPassword} />
      <GrantFields role={role} setRole={setRole} text={text} setText={setText} />
    </Ask>
  );
}

function Change({ user, close, done }: Form & { user: User }) {
  const [role, setRole] = useState<Role>(user.role);
  const [text, setText] = useState((user.accounts ?? []).join(", "));
  return (
    <Ask
      title={`Role and accounts of ${user.name}`}
      does="Save"
      isDisabled={accounts(text) === null}
      close={close}
      act={async () => {
        await call(path(user.name), { method: "PUT", body: { role, ...granted(text) } });
        await done(`${user.name} is ${roleWord(role).toLowerCase()} now.`);
      }}
    >
      <GrantFields role={role} setRole={setRole} text={text} setText={setText} />
      <span className="muted">It holds at once, and their sessions end.</span>
    </Ask>
  );
}

function Password({ user, close, done }: Form & { user: User }) {
  const [password, setPassword] = useState("");
  return (
    <Ask
      title={`Set a password for ${user.name}`}
      does="Set"
      isDisabled={password.length < PASSWORD_MIN}
      close={close}
      act={async () => {
        await call(`${path(user.name)}/password`, { method: "PUT", body: { password } });
        await done(`The password of ${user.name} is set.`);
      }}
    >
      <PasswordField label="New password" value={password} onChange={setPassword} />
      <span className="muted">Their sessions end. Tell them on another way than this one.</span>
    </Ask>
  );
}
