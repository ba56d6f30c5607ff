// Text that is meant to be copied: a command, a policy, a file.
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import "./codeblock.css";
import { saveFile } from "./savefile";

const COPIED_MS = 1500;

interface Props {
  /** What it is, in words. */
  label: string;
  text: string;
  /** The name of the file that it can be kept as. */
  file?: string;
  /** One line without a head. */
  isInline?: boolean;
}

export function CodeBlock({ label, text, file, isInline = false }: Props) {
  return (
    <div className={isInline ? "codeblock inline" : "codeblock"}>
      {isInline ? null : <div className="name">{label}</div>}
      <pre tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <div className="tools">
        <Copy label={label} text={text} />
        {file ? (
          <Button variant="inline-icon" iconName="download" ariaLabel={`Download ${label} as ${file}`} onClick={() => saveFile(file, text, "text/plain")} />
        ) : null}
      </div>
    </div>
  );
}

function Copy({ label, text }: { label: string; text: string }) {
  const [state, setState] = useState<"idle" | "copied" | "refused">("idle");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      setState("refused");
    }
    setTimeout(() => setState("idle"), COPIED_MS);
  };
  const words = { idle: `Copy ${label}`, copied: "Copied", refused: "The browser does not allow copying: select the text" }[state];
  return (
    <>
      <span className="said" role="status">
        {state === "idle" ? "" : words}
      </span>
      <Button variant="inline-icon" iconName={state === "copied" ? "check" : "copy"} ariaLabel={words} onClick={() => void copy()} />
    </>
  );
}
