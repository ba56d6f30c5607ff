// Role and accounts, as users and tokens have them.
import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { Value } from "../../parts/value";
import { accounts, ROLES, type Role } from "./roles";

export function GrantFields({ role, setRole, text, setText }: { role: Role; setRole: (role: Role) => void; text: string; setText: (text: string) => void }) {
  return (
    <SpaceBetween size="m">
      <FormField label="Role">
        <Select
          selectedOption={ROLES.find((one) => one.value === role) ?? null}
          options={ROLES}
          onChange={({ detail }) => setRole(detail.selectedOption.value as Role)}
          expandToViewport
        />
      </FormField>
      <Box color="text-body-secondary">{ROLES.find((one) => one.value === role)?.description}</Box>
      <FormField
        label={
          <span>
            AWS accounts <i style={{ fontWeight: 400 }}>- optional</i>
          </span>
        }
        description="Account ids, with commas. With some, nothing of others is shown, in queries neither. Empty is all."
        errorText={accounts(text) === null ? "Each account id has 12 digits" : undefined}
      >
        <Input value={text} onChange={({ detail }) => setText(detail.value)} placeholder="111122223333, 444455556666" spellcheck={false} />
      </FormField>
    </SpaceBetween>
  );
}

/** For the API: all accounts is nothing said. */
export function granted(text: string): { accounts?: string[] } {
  const ids = accounts(text) ?? [];
  return ids.length > 0 ? { accounts: ids } : {};
}

export function Accounts({ ids }: { ids: string[] | null | undefined }) {
  if (!ids) return <>All</>;
  if (ids.length === 0) return <>None</>;
  return (
    <span>
      {ids.slice(0, 3).map((id) => (
        <span key={id}>
          <Value text={id} />{" "}
        </span>
      ))}
      {ids.length > 3 ? `and ${ids.length - 3} more` : null}
    </span>
  );
}
