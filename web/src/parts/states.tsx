// What is shown while there is nothing to show, and why, and what to do.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import type { ReactNode } from "react";
import { ApiProblem } from "../api/client";

export function Loading({ what }: { what: string }) {
  return (
    <Box textAlign="center" padding="l" color="text-status-inactive">
      <Spinner /> Loading {what}…
    </Box>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Box textAlign="center" padding="l" color="inherit">
      <SpaceBetween size="xs">
        <Box variant="strong" color="inherit">
          {title}
        </Box>
        {children ? (
          <Box variant="p" color="text-body-secondary">
            {children}
          </Box>
        ) : null}
        {action}
      </SpaceBetween>
    </Box>
  );
}

/** What a person can do about it. */
function advice(err: unknown): string | null {
  if (!(err instanceof ApiProblem)) return null;
  if (err.status === 0) return "It is asked again by itself. If it stays away, look whether it still runs; its own log says why it stopped.";
  if (err.status === 403) return "Your role does not allow this. An admin can change it under Settings.";
  if (err.status === 404) return "It may have been removed, or belong to an account that you may not see.";
  if (err.status === 412) return "Somebody else changed it meanwhile. Load it again and look at what they did.";
  if (err.status === 429) return "Too many requests. Wait a few seconds.";
  if (err.status >= 500) return "Try again; if it stays, `skywarden doctor` on the server tells what is wrong.";
  return null;
}

export function Failed({ what, error, retry }: { what: string; error: unknown; retry?: () => void }) {
  const text = error instanceof Error ? error.message : String(error);
  const hints = error instanceof ApiProblem ? error.faults.map((fault) => fault.help).filter(Boolean) : [];
  return (
    <Alert
      type="error"
      header={`Cannot ${what}`}
      action={retry ? <Button onClick={retry}>Try again</Button> : undefined}
    >
      <SpaceBetween size="xxs">
        <span>{text}</span>
        {hints.map((hint, at) => (
          <span key={at}>{hint}</span>
        ))}
        {advice(error) ? <span>{advice(error)}</span> : null}
      </SpaceBetween>
    </Alert>
  );
}

/** Loading, failed, or what was asked for. */
export function Asked<T>({
  what,
  asked,
  children,
}: {
  what: string;
  asked: { data: T | undefined; error: unknown; isPending: boolean; refetch?: () => unknown };
  children: (data: T) => ReactNode;
}) {
  if (asked.data !== undefined) return <>{children(asked.data)}</>;
  if (asked.error) return <Failed what={`load ${what}`} error={asked.error} retry={() => void asked.refetch?.()} />;
  return <Loading what={what} />;
}
