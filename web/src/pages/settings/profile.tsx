// Who you are, what you may, and how it looks.
import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { call } from "../../api/client";
import { useLogin, useSession } from "../../api/session";
import { setLook, useLook, type DensityName, type ModeName } from "../../app/theme";
import { ActButton } from "../../parts/act";
import { Value } from "../../parts/value";
import { useAct } from "./act";
import { PasswordField } from "./ask";
import { ALL_RIGHTS, PASSWORD_MIN, rightWord, ROLES, roleWord } from "./roles";

export function Profile() {
  const { data: me } = useSession();
  if (!me) return null;
  const rights = [...new Set([...ALL_RIGHTS, ...me.permissions])];
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">You</Header>}>
        <SpaceBetween size="m">
          <KeyValuePairs
            columns={3}
            items={[
              { label: "Name", value: <Value text={me.name} /> },
              { label: "Role", value: <span title={ROLES.find((one) => one.value === me.role)?.description}>{roleWord(me.role)}</span> },
              { label: "AWS accounts", value: me.accounts ? me.accounts.join(", ") || "none" : "All" },
            ]}
          />
          <div>
            <b>What you may do</b>
            <ul className="rights">
              {rights.map((right) => (
                <li key={right}>
                  <StatusIndicator type={me.permissions.includes(right) ? "success" : "stopped"}>
                    {rightWord(right)}
                    <span className="visually-hidden">{me.permissions.includes(right) ? "" : ": you may not"}</span>
                  </StatusIndicator>{" "}
                  <span className="mono muted">{right}</span>
                </li>
              ))}
            </ul>
          </div>
        </SpaceBetween>
      </Container>
      <Looks />
      <OwnPassword name={me.name} />
    </SpaceBetween>
  );
}

function Looks() {
  const look = useLook();
  return (
    <Container header={<Header variant="h2" description="Kept in this browser">Appearance</Header>}>
      <SpaceBetween size="l" direction="horizontal">
        <div>
          <b id="colours">Colours</b>
          <SegmentedControl
            ariaLabelledby="colours"
            selectedId={look.mode}
            options={[
              { id: "light", text: "Light" },
              { id: "dark", text: "Dark" },
            ]}
            onChange={({ detail }) => setLook({ mode: detail.selectedId as ModeName })}
          />
        </div>
        <div>
          <b id="spacing">Spacing</b>
          <SegmentedControl
            ariaLabelledby="spacing"
            selectedId={look.density}
            options={[
              { id: "comfortable", text: "Comfortable" },
              { id: "compact", text: "Compact" },
            ]}
            onChange={({ detail }) => setLook({ density: detail.selectedId as DensityName })}
          />
        </div>
      </SpaceBetween>
    </Container>
  );
}

function OwnPassword({ name }: { name: string }) {
  const [first, setFirst] = useState("");
  const [again, setAgain] = useState("");
  const [isDone, setDone] = useState(false);
  const { isBusy, error, act } = useAct();
  const login = useLogin();
  const isReady = first.length >= PASSWORD_MIN && first === again;
  const save = () =>
    act(async () => {
      await call(`/api/v1/users/${encodeURIComponent(name)}/password`, { method: "PUT", body: { password: first } });
      // All sessions have ended with it, this one too.
      await login(name, first);
      setFirst("");
      setAgain("");
      setDone(true);
    });
  return (
    <Container header={<Header variant="h2" description="Your sessions in other browsers end with it">Change your password</Header>}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) void save();
        }}
      >
        <SpaceBetween size="m">
          <div className="pair">
            <PasswordField label="New password" value={first} onChange={setFirst} />
            <FormField label="The same again" description="So that no slip locks you out." errorText={again !== "" && again !== first ? "It is not the same" : undefined}>
              <Input type="password" value={again} onChange={({ detail }) => setAgain(detail.value)} autoComplete="new-password" />
            </FormField>
          </div>
          {error ? <Alert type="error">{error}</Alert> : null}
          {isDone ? (
            <Alert type="success" dismissible onDismiss={() => setDone(false)}>
              Your password is changed, and you are still logged in here.
            </Alert>
          ) : null}
          <ActButton formAction="submit" loading={isBusy} disabled={!isReady}>
            Change password
          </ActButton>
        </SpaceBetween>
      </form>
    </Container>
  );
}
