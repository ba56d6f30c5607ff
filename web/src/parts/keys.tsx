// Keys of the page that is shown. Nothing happens while somebody types.
import Box from "@cloudscape-design/components/box";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useRef, useState } from "react";

export interface Key {
  /** As `KeyboardEvent.key` has it; two with a blank are pressed one after the other: `g f`. */
  key: string;
  does: string;
  act: () => void;
}

const shown = new Set<Key[]>();
let before = "";
let since = 0;

function isTyping(target: EventTarget | null): boolean {
  const at = target as HTMLElement | null;
  return at?.isContentEditable === true || /^(INPUT|TEXTAREA|SELECT)$/.test(at?.tagName ?? "");
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('[role="dialog"]')) return;
  const pair = event.timeStamp - since < 900 ? `${before} ${event.key}` : "";
  before = event.key;
  since = event.timeStamp;
  const all = [...shown].flat();
  const hit = all.find((key) => key.key === pair) ?? all.find((key) => key.key === event.key);
  if (!hit) return;
  // A link or a button keeps its own Enter.
  if (event.key === "Enter" && (event.target as HTMLElement).closest?.("a,button,[role=grid]")) return;
  event.preventDefault();
  hit.act();
});

/** Keys while the component is shown. */
export function useKeys(keys: Key[]): void {
  const kept = useRef(keys);
  kept.current = keys;
  useEffect(() => {
    const mine: Key[] = kept.current.map((key, at) => ({ ...key, act: () => kept.current[at]?.act() }));
    shown.add(mine);
    return () => void shown.delete(mine);
    // The keys of a component are always the same; what they do may change.
  }, []);
}

/** Of a key that is said twice the first is the one that acts. */
function listed(keys: Key[]): Key[] {
  return keys.filter((key, at) => keys.findIndex((one) => one.key === key.key) === at);
}

export function KeyHelp() {
  const [isOpen, setOpen] = useState(false);
  useKeys([{ key: "?", does: "Show the keys", act: () => setOpen(true) }]);
  if (!isOpen) return null;
  return (
    <Modal visible header="Keys" onDismiss={() => setOpen(false)} closeAriaLabel="Close">
      <SpaceBetween size="xs">
        {listed([...shown].flat()).map((key) => (
          <Box key={key.key}>
            {key.key.split(" ").map((part) => (
              <span key={part}>
                <kbd>{part}</kbd>{" "}
              </span>
            ))}
            {key.does}
          </Box>
        ))}
      </SpaceBetween>
    </Modal>
  );
}
