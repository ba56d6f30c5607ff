// The door: logging in, and the first admin.
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { useLocation } from "wouter";
import { ApiProblem, call } from "../api/client";
import { why } from "../api/ended";
import { useLogin } from "../api/session";
import { ActButton } from "../parts/act";
import { Loading } from "../parts/states";
import { AwayBanner } from "./away";

const PASSWORD_MIN = 12;

function Gate({ children }: { children: ReactNode }) {
  return (
    <main className="gate">
      <div>
        <div className="brand">
          <img src="/logo.svg" alt="" />
          Skywarden
        </div>
        <AwayBanner />
        {children}
      </div>
    </main>
  );
}

export function LoginPage() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const { error, isBusy, act } = useAct();
  const login = useLogin();
  const [ended, setEnded] = useState(() => why(Date.now()));
  // Another tab may tell of the end after the server did.
  useEffect(() => {
    const hear = () => setEnded(why(Date.now()));
    addEventListener("storage", hear);
    return () => removeEventListener("storage", hear);
  }, []);
  const [path] = useLocation();
  const submit = act(() => login(name, password));
  return (
    <Gate>
      <form onSubmit={submit}>
        <Form>
          <Container header={<Header variant="h1">Log in</Header>}>
            <SpaceBetween size="m">
              {ended ? (
                <Alert type="info" header={ended}>
                  {path === "/" ? "" : "Log in, and you are where you were. "}What you were writing is kept in this tab.
                </Alert>
              ) : null}
              <FormField label="Name">
                <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus autoComplete="username" spellcheck={false} />
              </FormField>
              <FormField label="Password">
                <Input value={password} type="password" onChange={({ detail }) => setPassword(detail.value)} autoComplete="current-password" />
              </FormField>
              {error ? <Alert type="error">{error}</Alert> : null}
              <ActButton variant="primary" formAction="submit" loading={isBusy} disabled={name === "" || password === ""}>
                Log in
              </ActButton>
            </SpaceBetween>
          </Container>
        </Form>
      </form>
    </Gate>
  );
}

/** Whether the link still makes an admin. The empty name is refused, but only after a secret that is right. */
async function worksStill(secret: string): Promise<boolean> {
  try {
    await call("/api/v1/setup", { method: "POST", body: { secret, name: "", password: "" } });
  } catch (err) {
    if (!(err instanceof ApiProblem) || err.status === 0) throw err;
    return err.status !== 401;
  }
  return true;
}

/** What stands behind `#` in the link that the first start printed is the secret, and never leaves for a log of requests. */
export function SetupPage() {
  const [given] = useState(() => location.hash.slice(1));
  const [, go] = useLocation();
  const link = useQuery({ queryKey: ["setup-link", given], queryFn: () => worksStill(given), enabled: given !== "", staleTime: Infinity, retry: false });
  if (given !== "" && link.isPending) return <Gate><Loading what="the link" /></Gate>;
  if (link.data !== false) return <FirstAdmin />;
  return (
    <Gate>
      <Container header={<Header variant="h1">This link does not work any more</Header>}>
        <SpaceBetween size="m">
          <span>It made the first admin already, or its time is over. Log in; if nobody can, start the server anew: while there is no user, it prints a new link.</span>
          <Button variant="primary" onClick={() => go("/", { replace: true })}>Log in</Button>
        </SpaceBetween>
      </Container>
    </Gate>
  );
}

function FirstAdmin() {
  const [secret, setSecret] = useState(() => location.hash.slice(1));
  const [name, setName] = useState("admin");
  const [password, setPassword] = useState("");
  const { error, isBusy, act } = useAct();
  const [, go] = useLocation();
  const login = useLogin();
  const submit = act(async () => {
    await call("/api/v1/setup", { method: "POST", body: { secret, name, password } });
    await login(name, password);
    go("/", { replace: true });
  });
  const isShort = password !== "" && password.length < PASSWORD_MIN;
  return (
    <Gate>
      <form onSubmit={submit}>
        <Container header={<Header variant="h1" description="This link works once. It makes the first admin, who can add others.">Welcome</Header>}>
          <SpaceBetween size="m">
            {location.hash.length > 1 ? null : (
              <FormField label="First-run secret" description="What stands behind # in the link that the server printed.">
                <Input value={secret} onChange={({ detail }) => setSecret(detail.value.trim())} spellcheck={false} />
              </FormField>
            )}
            <FormField label="Name">
              <Input value={name} onChange={({ detail }) => setName(detail.value)} autoComplete="username" spellcheck={false} />
            </FormField>
            <FormField
              label="Password"
              description={`At least ${PASSWORD_MIN} characters. A sentence is good.`}
              errorText={isShort ? `${PASSWORD_MIN - password.length} more` : undefined}
            >
              <Input value={password} type="password" onChange={({ detail }) => setPassword(detail.value)} autoFocus autoComplete="new-password" />
            </FormField>
            {error ? <Alert type="error">{error}</Alert> : null}
            <ActButton variant="primary" formAction="submit" loading={isBusy} disabled={secret === "" || name === "" || password.length < PASSWORD_MIN}>
              Make the first admin
            </ActButton>
          </SpaceBetween>
        </Container>
      </form>
    </Gate>
  );
}

function useAct() {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const act = (work: () => Promise<void>) => async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (err) {
      setError(err instanceof ApiProblem ? err.detail : String(err));
    } finally {
      setBusy(false);
    }
  };
  return { error, isBusy, act };
}
