// Holding findings back: which, why, until when, and what it would have hidden.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea, { type TextareaProps } from "@cloudscape-design/components/textarea";
import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { ApiProblem, call, type Finding, type Schema } from "../../api/client";
import { ActButton } from "../../parts/act";
import { useDraft, useDrafts } from "../../parts/draft";
import { useFocusBack } from "../../parts/focus";
import { Severity } from "../../parts/severity";
import { Failed, Loading } from "../../parts/states";
import { visible } from "../../parts/value";
import { counted, VERDICT_WORDS } from "../../parts/words";
import { factsOf } from "./facts";
import { useRuleTitles } from "./list";
import type { Act } from "./undo";

export type Dimensions = Schema<"Dimensions">;
export const DIMENSIONS = ["rule", "principal", "account", "region", "source_ip", "resource"] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export const DIMENSION_WORDS: Record<Dimension, string> = {
  rule: "Rule",
  principal: "Principal",
  account: "Account",
  region: "First Region",
  source_ip: "All addresses",
  resource: "All resources",
};
/** So narrow that it hides the like and nothing else. */
const USUAL: Dimension[] = ["rule", "principal", "account"];
const SPANS: Record<string, number> = { "1 day": 1, "7 days": 7, "30 days": 30, "90 days": 90, "1 year": 365 };
const DOCUMENTS_MAX = 20;
const WORST_SHOWN = 6;
const DAY_MS = 86_400_000;

interface Picked {
  isOn: boolean;
  value: string;
  /** How many different values the findings have. */
  n: number;
}

/** What all of the findings share is filled in; what one of them lacks is not shared. */
function common(findings: Finding[], whole: Finding[]): Record<Dimension, Picked> {
  const facts = whole.map(factsOf);
  const values: Record<Dimension, string[][]> = {
    rule: findings.map((one) => [one.rule]),
    principal: findings.map((one) => [one.principal]),
    account: findings.map((one) => [one.account]),
    region: findings.map((one) => [one.region]),
    source_ip: facts.map((one) => one.ips),
    resource: facts.map((one) => one.resources),
  };
  const made = DIMENSIONS.map((dimension) => {
    const of = values[dimension].map((some) => some.filter((value) => value !== ""));
    const all = [...new Set(of.flat())];
    const isShared = all.length === 1 && of.every((some) => some.length > 0);
    return [dimension, { isOn: isShared && USUAL.includes(dimension), value: isShared ? (all[0] as string) : "", n: all.length }];
  });
  return Object.fromEntries(made) as Record<Dimension, Picked>;
}

function useLater<T>(value: T, ms: number): T {
  const [later, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return later;
}

/** What was filled in, and of which findings. */
interface Writing {
  uids: string[];
  edited: Partial<Record<Dimension, Picked>>;
  reason: string;
  length: string;
}
const WRITING = "suppress-";

interface Props {
  findings: Finding[];
  /** Hears how it is taken back, and what is to be said. */
  onDone: (act: Act, words: string) => void;
  onCancel: () => void;
}

/** Offers a suppression that was begun and never sent; of one finding, or of whichever. */
export function BegunSuppression({ uid, onOpen }: { uid?: string; onOpen: (findings: Finding[]) => void }) {
  const drafts = useDrafts<Writing>(WRITING);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const begun = drafts.find(({ value }) => uid === undefined || (value.uids.length === 1 && value.uids[0] === uid));
  if (!begun) return null;
  const { uids, reason } = begun.value;
  const open = async () => {
    setBusy(true);
    setError(null);
    try {
      onOpen(await Promise.all(uids.map((one) => call<Finding>(`/api/v1/findings/${encodeURIComponent(one)}`))));
    } catch (err) {
      setError(err);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Alert
      type="info"
      header={`You were writing a suppression of ${uid === undefined ? counted(uids.length, "finding") : "this finding"}`}
      action={
        <SpaceBetween direction="horizontal" size="xs">
          <Button onClick={begun.drop}>Throw it away</Button>
          <ActButton loading={isBusy} onClick={() => void open()}>Go on</ActButton>
        </SpaceBetween>
      }
    >
      {reason === "" ? "It was never sent." : `It was never sent. Why: ${visible(reason.slice(0, 200))}`}
      {error ? <Failed what="go on with it" error={error} /> : null}
    </Alert>
  );
}

export function SuppressModal({ findings, onDone, onCancel }: Props) {
  const cache = useQueryClient();
  const titles = useRuleTitles();
  const why = useRef<TextareaProps.Ref>(null);
  useFocusBack(() => why.current?.focus());
  const some = findings.slice(0, DOCUMENTS_MAX);
  const documents = useQuery({
    queryKey: ["documents", some.map((one) => one.uid)],
    queryFn: () => Promise.all(some.map((one) => (one.document ? one : call<Finding>(`/api/v1/findings/${encodeURIComponent(one.uid)}`)))),
  });
  const start = useMemo(() => common(findings, documents.data ?? []), [findings, documents.data]);
  const uids = findings.map((one) => one.uid);
  const draft = useDraft<Writing>(`${WRITING}${uids[0]}-${uids.length}`, { uids, edited: {}, reason: "", length: "30 days" });
  const { edited, reason, length } = draft.value;
  const write = (change: Partial<Writing>) => draft.set({ ...draft.value, ...change });
  const picked = { ...start, ...edited };
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [isSure, setSure] = useState(false);

  const dimensions: Partial<Dimensions> = {};
  for (const dimension of DIMENSIONS) {
    const { isOn, value } = picked[dimension];
    if (isOn && value !== "") dimensions[dimension] = value;
  }
  const isAny = Object.keys(dimensions).length > 0;
  const text = useLater(JSON.stringify(dimensions), 250);
  const preview = useQuery({
    queryKey: ["suppression-preview", text],
    queryFn: ({ signal }) => call<Schema<"Preview">>("/api/v1/suppression-previews", { method: "POST", body: { dimensions: JSON.parse(text) as Dimensions }, signal }),
    enabled: text !== "{}",
    retry: false,
  });
  useEffect(() => setSure(false), [text]);
  const hidesAttacks = (preview.data?.true_positives ?? 0) > 0;

  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const until = new Date(Date.now() + (SPANS[length] ?? 30) * DAY_MS - 60_000).toISOString();
      const made = await call<Schema<"Suppression">>("/api/v1/suppressions", { method: "POST", body: { dimensions, reason: reason.trim(), until } });
      await Promise.all([cache.invalidateQueries({ queryKey: ["suppressions"] }), cache.invalidateQueries({ queryKey: ["finding-counts"] })]);
      draft.drop();
      onDone({ kind: "suppression", words: "the suppression", id: made.id }, `Suppressed for ${length}: findings like these are kept, but no longer shown as open.`);
    } catch (err) {
      setError(err);
    } finally {
      setBusy(false);
    }
  };
  const set = (dimension: Dimension, change: Partial<Picked>) => write({ edited: { ...edited, [dimension]: { ...picked[dimension], ...change } } });
  const cancel = () => {
    draft.drop();
    onCancel();
  };

  return (
    <Modal
      visible
      size="large"
      header={`Suppress findings like ${findings.length === 1 ? "this one" : `these ${findings.length}`}`}
      closeAriaLabel="Close"
      onDismiss={cancel}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={cancel}>Cancel</Button>
            <ActButton variant="primary" loading={isBusy} disabled={!isAny || reason.trim() === "" || (hidesAttacks && !isSure)} onClick={() => void save()}>
              Suppress
            </ActButton>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <FormField label="Which findings" description="All that is ticked must hold. * stands for any characters." stretch>
          {documents.isPending ? (
            <Loading what="addresses and resources" />
          ) : (
            <div className="dimensions">
              {DIMENSIONS.map((dimension) => (
                <div key={dimension}>
                  <Checkbox checked={picked[dimension].isOn} onChange={({ detail }) => set(dimension, { isOn: detail.checked })}>
                    {DIMENSION_WORDS[dimension]}
                  </Checkbox>
                  <div>
                    <Input
                      value={picked[dimension].value}
                      ariaLabel={DIMENSION_WORDS[dimension]}
                      spellcheck={false}
                      placeholder={picked[dimension].n > 1 ? `${picked[dimension].n} different values; a pattern for them` : "not the same in all, or none"}
                      onChange={({ detail }) => set(dimension, { value: detail.value, isOn: detail.value !== "" })}
                    />
                    {dimension === "rule" && titles.get(picked.rule.value) ? <Box variant="small">{titles.get(picked.rule.value)}</Box> : null}
                  </div>
                </div>
              ))}
              {findings.length > DOCUMENTS_MAX ? <Box variant="small">Addresses and resources are those of the first {DOCUMENTS_MAX} findings.</Box> : null}
            </div>
          )}
        </FormField>
        <FormField label="Why" constraintText="Whoever asks later reads this." stretch>
          <Textarea ref={why} value={reason} onChange={({ detail }) => write({ reason: detail.value })} rows={2} ariaRequired />
        </FormField>
        <FormField label="For how long">
          <SegmentedControl
            label="For how long"
            selectedId={length}
            options={Object.keys(SPANS).map((id) => ({ id, text: id }))}
            onChange={({ detail }) => write({ length: detail.selectedId })}
          />
        </FormField>
        <div aria-live="polite">
          {!isAny ? (
            <Alert type="info">Tick at least one thing that findings must have in common.</Alert>
          ) : preview.error ? (
            <Failed what="look at what it would hide" error={preview.error} />
          ) : preview.data ? (
            <Hides preview={preview.data} isBroad={!dimensions.rule} />
          ) : (
            <Loading what="what it would hide" />
          )}
        </div>
        {hidesAttacks ? (
          <Checkbox checked={isSure} onChange={({ detail }) => setSure(detail.checked)}>
            I looked at the attacks among them, and want findings like them hidden
          </Checkbox>
        ) : null}
        {error ? <Failed what="suppress" error={error} /> : null}
      </SpaceBetween>
    </Modal>
  );
}

function Hides({ preview, isBroad }: { preview: Schema<"Preview">; isBroad: boolean }) {
  const sentence = `Hides ${preview.partial ? "at least " : ""}${counted(preview.findings, "finding")} of the last 30 days; ${preview.true_positives} of them judged true, ${preview.nothing} judged to be nothing, ${preview.open} open now.`;
  return (
    <SpaceBetween size="xs">
      {preview.true_positives > 0 ? (
        <Alert type="error" header={`This would have hidden ${counted(preview.true_positives, "attack")}`}>
          {sentence} Make it narrower: add the address or the resource.
        </Alert>
      ) : (
        <Alert type={isBroad ? "warning" : "info"}>
          {sentence}
          {isBroad ? " Without a rule it hides whatever they do, also what no rule has found yet." : ""}
        </Alert>
      )}
      {preview.uids.length > 0 ? <Worst uids={preview.uids} n={preview.findings} /> : null}
    </SpaceBetween>
  );
}

function Worst({ uids, n }: { uids: string[]; n: number }) {
  const [isAll, setAll] = useState(false);
  const shown = isAll ? uids : uids.slice(0, WORST_SHOWN);
  const findings = useQueries({
    queries: shown.map((uid) => ({
      queryKey: ["finding", uid],
      queryFn: () => call<Finding>(`/api/v1/findings/${encodeURIComponent(uid)}`),
      retry: (times: number, err: Error) => times < 2 && err instanceof ApiProblem && err.status === 429,
    })),
  });
  return (
    <div>
      <Box variant="h4">The worst of them</Box>
      <ul className="plain-list">
        {findings.map(({ data }, at) => (
          <li key={shown[at]}>
            {data ? (
              <>
                <Severity level={data.severity_id} />{" "}
                <Link href={`/findings/${encodeURIComponent(data.uid)}`} target="_blank">
                  {visible(data.title.slice(0, 300))}
                </Link>
                {data.verdict ? <span className="muted"> {VERDICT_WORDS[data.verdict]}</span> : null}
              </>
            ) : (
              "…"
            )}
          </li>
        ))}
      </ul>
      {uids.length > shown.length ? (
        <Button variant="inline-link" onClick={() => setAll(true)}>{uids.length - shown.length} more</Button>
      ) : n > uids.length ? (
        <Box variant="small">The worst {uids.length} of {n}</Box>
      ) : null}
    </div>
  );
}
