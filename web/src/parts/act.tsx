// A button for what only the server can do: off while it does not answer, and every one says so in the same words.
import Button, { type ButtonProps } from "@cloudscape-design/components/button";
import { AWAY_WHY, useAway } from "../api/reach";

export function ActButton({ disabled, disabledReason, ...button }: ButtonProps) {
  const isAway = useAway() !== null;
  return <Button {...button} disabled={isAway || disabled} disabledReason={isAway ? AWAY_WHY : disabledReason} />;
}
