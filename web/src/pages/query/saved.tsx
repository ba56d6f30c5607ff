// Queries that were kept, and those of today.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Toggle from "@cloudscape-design/components/toggle";
import Tabs from "@cloudscape-design/components/tabs";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { Link } from "wouter";
import { call, type QueryJob } from "../../api/client";
import { useSession } from "../../api/session";
import { link } from "../../app/url";
import { ActButton } from "../../parts/act";
import { Asked, Empty } from "../../parts/states";
import { visible } from "../../parts/value";
import { counted } from "../../parts/words";
import { typedHere } from "./run";
import type { Lang } from "./text";

export interface Saved {
  id: string | number;
  name: string;
  text: string;
  lang: Lang;
  from?: string | null;
  to?: string | null;
  owner: string;
  created: string;
}
export interface Shown {
  text: string;
  lang: Lang;
  from: string;
  to: string;
}

const PATH = "/api/v1/saved-queries";

export function useSaved() {
  return useQuery({
    queryKey: ["saved-queries"],
    queryFn: () => call<Saved[]>(PATH),
  });
}

export function SaveModal({ shown, onDone }: { shown: Shown; onDone: (said: string | null) => void }) {
  const cache = useQueryClient();
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "" || isBusy) return;
    setBusy(true);
    try {
      const { text, lang, from, to } = shown;
      await call(PATH, { method: "POST", body: { name: name.trim(), text, lang, ...(from ? { from } : {}), ...(to ? { to } : {}) } });
      await cache.invalidateQueries({ queryKey: ["saved-queries"] });
      onDone(`Saved as “${name.trim()}”.`);
    } catch (err) {
      setWrong(err instanceof Error ? err.message : String(err));
      setBusy(false);
    }
  };
  return (
    <Modal visible header="Save this query" onDismiss={() => onDone(null)} closeAriaLabel="Close">
      <form onSubmit={(event) => void save(event)}>
        <SpaceBetween size="m">
          <FormField label="Name">
            <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus />
          </FormField>
          {wrong ? <Alert type="error">{wrong}</Alert> : null}
          <ActButton variant="primary" formAction="submit" disabled={name.trim() === ""} loading={isBusy}>
            Save
          </ActButton>
        </SpaceBetween>
      </form>
    </Modal>
  );
}

export function LibraryModal({ onClose }: { onClose: () => void }) {
  return (
    <Modal visible size="large" header="Your queries" onDismiss={onClose} closeAriaLabel="Close">
      <Tabs
        tabs={[
          { id: "saved", label: "Saved", content: <SavedList onClose={onClose} /> },
          { id: "history", label: "History", content: <History onClose={onClose} /> },
        ]}
      />
    </Modal>
  );
}

function SavedList({ onClose }: { onClose: () => void }) {
  const saved = useSaved();
  return (
    <Asked what="saved queries" asked={saved}>
      {(list) => {
        if (list.length === 0) return <Empty title="No query is saved">Run one, then choose Save.</Empty>;
        return (
          <ul className="library">
            {list.map((one) => (
              <SavedItem key={one.id} saved={one} onClose={onClose} />
            ))}
          </ul>
        );
      }}
    </Asked>
  );
}

function SavedItem({ saved, onClose }: { saved: Saved; onClose: () => void }) {
  const cache = useQueryClient();
  const { data: me } = useSession();
  const [name, setName] = useState<string | null>(null);
  const [isGoing, setGoing] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const act = async (ask: () => Promise<unknown>) => {
    try {
      await ask();
      await cache.invalidateQueries({ queryKey: ["saved-queries"] });
      setName(null);
      setGoing(false);
    } catch (err) {
      setWrong(err instanceof Error ? err.message : String(err));
    }
  };
  const path = `${PATH}/${encodeURIComponent(saved.id)}`;
  const { text, lang, from, to } = saved;
  const isMine = saved.owner === `user/${me?.name}` || me?.role === "admin";
  const rename = () => act(() => call(path, { method: "PUT", body: { name: name?.trim(), text, lang, ...(from ? { from } : {}), ...(to ? { to } : {}) } }));
  return (
    <li>
      {name === null ? (
        <Link href={link("/query", { q: text, lang: lang === "sql" ? lang : null, from, to, run: 1 })} onClick={onClose}>
          <b>{visible(saved.name)}</b>
        </Link>
      ) : (
        <Input value={name} onChange={({ detail }) => setName(detail.value)} ariaLabel="New name" autoFocus onKeyDown={({ detail }) => detail.key === "Enter" && void rename()} />
      )}
      <span className="muted small"> {lang === "sql" ? "SQL, " : ""}of {visible(saved.owner.replace(/^user\//, ""))}</span>
      <pre className="mono clamp">{visible(text)}</pre>
      {wrong ? <Box color="text-status-error">{wrong}</Box> : null}
      {isMine ? (
        <SpaceBetween size="xs" direction="horizontal">
          {name === null ? (
            <ActButton variant="inline-link" onClick={() => setName(saved.name)} ariaLabel={`Rename ${saved.name}`}>Rename</ActButton>
          ) : (
            <ActButton variant="inline-link" disabled={name.trim() === ""} onClick={() => void rename()}>Keep the name</ActButton>
          )}
          {isGoing ? (
            <ActButton variant="inline-link" onClick={() => void act(() => call(path, { method: "DELETE" }))} ariaLabel={`Really delete ${saved.name}`}>Really delete</ActButton>
          ) : (
            <ActButton variant="inline-link" onClick={() => setGoing(true)} ariaLabel={`Delete ${saved.name}`}>Delete</ActButton>
          )}
        </SpaceBetween>
      ) : null}
    </li>
  );
}

const STATES: Record<QueryJob["state"], "success" | "error" | "in-progress" | "stopped"> = { done: "success", failed: "error", running: "in-progress", cancelled: "stopped" };

function History({ onClose }: { onClose: () => void }) {
  const [isAll, setAll] = useState(false);
  const jobs = useQuery({ queryKey: ["queries"], queryFn: () => call<QueryJob[]>("/api/v1/queries"), staleTime: 0 });
  return (
    <SpaceBetween size="s">
      <Toggle checked={isAll} onChange={({ detail }) => setAll(detail.checked)}>
        Also what was not typed in this browser, and what pages asked for you
      </Toggle>
      <Asked what="your history" asked={jobs}>
        {(list) => {
          const typed = new Set(typedHere());
          const told = list.filter((job) => isAll || typed.has(job.id)).filter((job, at, all) => all.findIndex((other) => other.text === job.text && other.lang === job.lang) === at);
          if (told.length === 0) return <Empty title="Nothing was asked yet">The server forgets queries after a while.</Empty>;
          return (
            <ul className="library">
              {told.map((job) => (
                <li key={job.id}>
                  <StatusIndicator type={STATES[job.state]}>
                    {job.state === "done" ? counted(job.rows, "row") : job.state}, {job.took_ms} ms
                  </StatusIndicator>
                  <Link href={link("/query", { q: job.text, lang: job.lang === "sql" ? "sql" : null, run: 1 })} onClick={onClose} className="plain">
                    <pre className="mono clamp">{visible(job.text)}</pre>
                  </Link>
                </li>
              ))}
            </ul>
          );
        }}
      </Asked>
    </SpaceBetween>
  );
}
