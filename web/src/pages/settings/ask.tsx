// Questions before something is done that cannot be undone, and forms in a box.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { ActButton } from "../../parts/act";
import { visible } from "../../parts/value";
import { useAct } from "./act";
import { PASSWORD_MIN } from "./roles";

interface Props {
  title: string;
  /** What happens then. */
  children: ReactNode;
  /** What the button says. */
  does: string;
  isDisabled?: boolean;
  act: () => Promise<void>;
  close: () => void;
}

/** Closes when it is done, and says why if it is not. */
export function Ask({ title, children, does, isDisabled = false, act, close }: Props) {
  const { isBusy, error, act: run } = useAct();
  const go = async () => {
    if (await run(act)) close();
  };
  return (
    <Modal
      visible
      header={visible(title)}
      onDismiss={close}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={close}>
              Cancel
            </Button>
            <ActButton variant="primary" loading={isBusy} disabled={isDisabled} onClick={() => void go()}>
              {does}
            </ActButton>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isDisabled && !isBusy) void go();
        }}
      >
        <SpaceBetween size="m">
          {children}
          {error ? <Alert type="error">{visible(error)}</Alert> : null}
          <button type="submit" hidden />
        </SpaceBetween>
      </form>
    </Modal>
  );
}

export function PasswordField({ value, onChange, label = "Password" }: { value: string; onChange: (value: string) => void; label?: string }) {
  const isShort = value !== "" && value.length < PASSWORD_MIN;
  return (
    <FormField label={label} description={`At least ${PASSWORD_MIN} characters. A sentence is good.`} errorText={isShort ? `${PASSWORD_MIN - value.length} more` : undefined}>
      <Input type="password" value={value} onChange={({ detail }) => onChange(detail.value)} autoComplete="new-password" />
    </FormField>
  );
}
