// Beside the evidence: what to do, notes, what was changed, and how others like it were closed.
import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { call, type Finding, type Schema } from "../../api/client";
import { useMay } from "../../api/session";
import { link } from "../../app/url";
import { ActButton } from "../../parts/act";
import { useDraft } from "../../parts/draft";
import { Asked, Failed } from "../../parts/states";
import { SeverityShape, severityWord } from "../../parts/severity";
import { Ago } from "../../parts/time";
import { visible } from "../../parts/value";
import { counted, STATUS_WORDS, VERDICT_WORDS } from "../../parts/words";
import { deed } from "../findings/facts";
import { changeWords, whoWords, type HistoryEntry } from "../findings/decide";

type Note = Schema<"Note">;
const NOTE_MAX = 10_000;
const SIMILAR_SHOWN = 5;

function pathOf(uid: string, more = ""): string {
  return `/api/v1/findings/${encodeURIComponent(uid)}${more}`;
}

/** Ticks help to keep one's place; they are kept in this browser only. */
export function Todo({ uid, todo }: { uid: string; todo: string[] }) {
  const key = `skywarden-todo-${uid}`;
  const [ticked, setTicked] = useState<string[]>(() => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "[]") as string[];
    } catch {
      return [];
    }
  });
  const tick = (line: string, isOn: boolean) => {
    const next = isOn ? [...ticked, line] : ticked.filter((one) => one !== line);
    setTicked(next);
    localStorage.setItem(key, JSON.stringify(next));
  };
  return (
    <SpaceBetween size="xs">
      {todo.map((line) => (
        <Checkbox key={line} checked={ticked.includes(line)} onChange={({ detail }) => tick(line, detail.checked)}>
          {visible(line)}
        </Checkbox>
      ))}
      <Box variant="small" color="text-body-secondary">Ticks stay in this browser. Write a note for others.</Box>
    </SpaceBetween>
  );
}

export function Notes({ uid }: { uid: string }) {
  const cache = useQueryClient();
  const may = useMay("findings:write");
  const { value: text, set: setText, drop, isOld } = useDraft(`note-${uid}`, "");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const notes = useQuery({ queryKey: ["notes", uid], queryFn: () => call<Note[]>(pathOf(uid, "/notes")) });
  const add = async () => {
    setBusy(true);
    setError(null);
    try {
      await call(pathOf(uid, "/notes"), { method: "POST", body: { text: text.trim() } });
      drop();
      await Promise.all(["notes", "history"].map((what) => cache.invalidateQueries({ queryKey: [what, uid] })));
    } catch (err) {
      setError(err);
    } finally {
      setBusy(false);
    }
  };
  return (
    <SpaceBetween size="s">
      <Asked what="notes" asked={notes}>
        {(all) => (
          <ul className="talk">
            {all.map((note, at) => (
              <li key={at}>
                <span className="muted">
                  <b>{visible(whoWords(note.who))}</b> <Ago at={note.time} />
                </span>
                <p>{visible(note.text)}</p>
              </li>
            ))}
            {all.length === 0 ? <li className="muted">No notes yet.</li> : null}
          </ul>
        )}
      </Asked>
      {may ? (
        <>
          <FormField label="Note" description={isOld ? "You wrote this before, and it was not sent." : undefined} errorText={text.length > NOTE_MAX ? `${text.length - NOTE_MAX} characters too many` : undefined} stretch>
            <Textarea value={text} rows={2} placeholder="What you found out" onChange={({ detail }) => setText(detail.value)} />
          </FormField>
          <ActButton disabled={text.trim() === "" || text.length > NOTE_MAX} loading={isBusy} onClick={() => void add()}>
            Add note
          </ActButton>
        </>
      ) : null}
      {error ? <Failed what="add the note" error={error} /> : null}
    </SpaceBetween>
  );
}

export function History({ finding }: { finding: Finding }) {
  const history = useQuery({ queryKey: ["history", finding.uid], queryFn: () => call<HistoryEntry[]>(pathOf(finding.uid, "/history")) });
  return (
    <Asked what="history" asked={history}>
      {(all) => (
        <ul className="talk">
          {[...all].reverse().map((entry, at) => (
            <li key={at}>
              <span className="muted">
                <b>{visible(whoWords(entry.who))}</b> <Ago at={entry.time} />
              </span>
              <p>{visible(changeWords(entry.what))}</p>
            </li>
          ))}
          {all.length === 0 ? <li className="muted">Nobody has changed it.</li> : null}
        </ul>
      )}
    </Asked>
  );
}

function Heap({ finding, what, query }: { finding: Finding; what: string; query: Record<string, string> }) {
  const asked = useQuery({
    queryKey: ["similar", finding.uid, query],
    queryFn: () => call<Schema<"Page">>("/api/v1/findings", { query: { ...query, sort: "latest", limit: 100 } }),
    staleTime: 30_000,
  });
  return (
    <Asked what={`findings of ${what}`} asked={asked}>
      {(page) => {
        const others = page.findings.filter((one) => one.uid !== finding.uid);
        const judged = Object.entries(VERDICT_WORDS)
          .map(([verdict, words]) => [others.filter((one) => one.verdict === verdict).length, words.toLowerCase()] as const)
          .filter(([n]) => n > 0);
        return (
          <div>
            <Box variant="h4">Same {what}</Box>
            {others.length === 0 ? (
              <p className="muted">No other finding.</p>
            ) : (
              <>
                <p>
                  <Link href={link("/findings", { ...query, status: "all" })}>
                    {page.next ? "More than " : ""}
                    {counted(others.length, "other")}
                  </Link>
                  <span className="muted">: {judged.length === 0 ? "none judged yet" : judged.map(([n, words]) => `${n} ${words}`).join(", ")}</span>
                </p>
                <ul className="plain-list">
                  {others.slice(0, SIMILAR_SHOWN).map((one) => (
                    <li key={one.uid} className="similar">
                      <span className="severity" data-level={one.severity_id} title={severityWord(one.severity_id)}>
                        <SeverityShape level={one.severity_id} />
                        <span className="visually-hidden">{severityWord(one.severity_id)}</span>
                      </span>
                      <span>
                        <Link href={`/findings/${encodeURIComponent(one.uid)}`}>{visible((what === "principal" ? deed(one) : one.title).slice(0, 160))}</Link>{" "}
                        <span className="muted">
                          {one.verdict ? VERDICT_WORDS[one.verdict] : STATUS_WORDS[one.status]}, <Ago at={one.last_seen} />
                        </span>
                      </span>
                    </li>
                  ))}
                </ul>
              </>
            )}
          </div>
        );
      }}
    </Asked>
  );
}

export function Similar({ finding }: { finding: Finding }) {
  return (
    <div className="heaps">
      <Heap finding={finding} what="rule" query={{ rule: finding.rule }} />
      {finding.principal === "" ? null : <Heap finding={finding} what="principal" query={{ principal: finding.principal }} />}
    </div>
  );
}
