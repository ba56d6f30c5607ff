// Switching a rule off and on, and deleting one that the server keeps: from its page and from the list.
import Alert from "@cloudscape-design/components/alert";
import FormField from "@cloudscape-design/components/form-field";
import Textarea, { type TextareaProps } from "@cloudscape-design/components/textarea";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useShell } from "../../app/shell";
import { ActButton } from "../../parts/act";
import { useFocusBack } from "../../parts/focus";
import { Time } from "../../parts/time";
import { visible } from "../../parts/value";
import { whoWords } from "../findings/decide";
import { Ask } from "../settings/ask";
import type { ToldRule } from "./api";
import { load, refusal, remove, turn } from "./keep";

const REASON_MAX = 2000;

/** What is shown of rules is asked again. */
export function useRulesAgain(): () => Promise<unknown> {
  const cache = useQueryClient();
  return () => Promise.all([["rules"], ["rule"], ["kept-rule"], ["rule-problems"], ["overview", "coverage"]].map((queryKey) => cache.invalidateQueries({ queryKey })));
}

/** A refusal in words that say what to do. */
async function inWords(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (err) {
    throw new Error(refusal(err));
  }
}

export function SwitchOff({ rule, tag, close }: { rule: ToldRule; tag: string | null; close: () => void }) {
  const [reason, setReason] = useState("");
  const { say } = useShell();
  const again = useRulesAgain();
  const field = useRef<TextareaProps.Ref>(null);
  useFocusBack(() => field.current?.focus());
  const act = () =>
    inWords(async () => {
      await turn(rule.id, tag ?? (await load(rule.id)).tag, { enabled: false, reason: reason.trim() });
      await again();
      say({ type: "success", content: `“${visible(rule.title)}” is off: no event is tried on it any more.` });
    });
  const isLong = reason.length > REASON_MAX;
  return (
    <Ask title={`Switch “${rule.title}” off?`} does="Switch off" isDisabled={reason.trim() === "" || isLong} act={act} close={close}>
      It finds nothing from then on. What it found stays, and it can be switched on again.
      <FormField label="Why" constraintText="Whoever asks later reads this." errorText={isLong ? `${reason.length - REASON_MAX} characters too many` : undefined}>
        <Textarea ref={field} value={reason} rows={2} onChange={({ detail }) => setReason(detail.value)} />
      </FormField>
    </Ask>
  );
}

/** Switches on at once. */
export function useSwitchOn(): (rule: ToldRule, tag: string | null) => Promise<void> {
  const { say } = useShell();
  const again = useRulesAgain();
  return async (rule, tag) => {
    try {
      await turn(rule.id, tag ?? (await load(rule.id)).tag, { enabled: true });
      say({ type: "success", content: `“${visible(rule.title)}” is on: events are tried on it within a second.` });
    } catch (err) {
      say({ type: "error", header: "Not switched on", content: refusal(err) });
    }
    await again();
  };
}

export function Delete({ rule, tag, onGone, close }: { rule: ToldRule; tag: string | null; onGone: () => void; close: () => void }) {
  const { say } = useShell();
  const again = useRulesAgain();
  const act = () =>
    inWords(async () => {
      await remove(rule.id, tag);
      say({ type: "success", content: `“${visible(rule.title)}” is deleted.` });
      onGone();
      await again();
    });
  return (
    <Ask title={`Delete “${rule.title}”?`} does="Delete" act={act} close={close}>
      It finds nothing from then on, and its text is gone. What it found stays. To pause it, switch it off instead.
    </Ask>
  );
}

/** Says that a rule is off, who did it and why. */
export function OffAlert({ rule, tag, may }: { rule: ToldRule; tag: string | null; may: boolean }) {
  const switchOn = useSwitchOn();
  if (rule.enabled !== false) return null;
  return (
    <Alert type="warning" header="This rule is switched off" action={may ? <ActButton onClick={() => void switchOn(rule, tag)}>Switch on</ActButton> : undefined}>
      {rule.off ? (
        <>
          By {rule.off.who === "server" ? "the server itself" : visible(whoWords(rule.off.who))}, <Time at={rule.off.since} /> UTC: {visible(rule.off.why)}
        </>
      ) : (
        "No event is tried on it."
      )}
    </Alert>
  );
}
