// Nothing is known of it: another time, or another kind of thing of that name.
import { Link } from "wouter";
import { useAnswer, type Question } from "../../api/query";
import { ENTITY_WORDS } from "../../app/entity";
import { entityLink, searchLink, type EntityKind } from "../../app/url";
import { Empty } from "../../parts/states";
import { Time } from "../../parts/time";
import { counted } from "../../parts/words";
import { entityOf, type Entity } from "./entity";
import { Found } from "./found";
import { Picker } from "./picker";
import { kindsText } from "./texts";
import { LOOK_DAYS, type Window } from "./time";

export function Unknown({ entity, lookFrom, window, onWindow }: { entity: Entity; lookFrom: string; window: Window | null; onWindow: (window: Window) => void }) {
  return (
    <div className="room">
      <div className="profile">
        <section className="panel wide" id="unknown">
          <Empty title="Nothing is known of it">
            No event since {lookFrom.slice(0, 10)} is of this {entity.what.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())}. Names are case-sensitive, an ARN also says the account, and its logs may not be collected.
          </Empty>
          <div className="elsewhere">
            <div>
              <h3>Older than {LOOK_DAYS} days?</h3>
              <Picker window={window} onWindow={onWindow} />
            </div>
            <Others entity={entity} lookFrom={lookFrom} />
          </div>
        </section>
        <Found entity={entity} />
      </div>
    </div>
  );
}

const KINDS: EntityKind[] = ["principal", "session", "key", "ip", "resource", "account"];

/** Kinds whose events of that name are not those of this one. */
export function otherKinds(entity: Entity): { kind: EntityKind; of: Entity }[] {
  const said = new Set([JSON.stringify(entity.calls)]);
  return KINDS.flatMap((kind) => {
    const of = entityOf(kind, entity.value);
    const key = JSON.stringify(of.calls);
    if (of.calls === null || said.has(key)) return [];
    said.add(key);
    return [{ kind, of }];
  });
}

function Others({ entity, lookFrom }: { entity: Entity; lookFrom: string }) {
  const others = otherKinds(entity);
  return (
    <div>
      <h3>Something else of that name?</h3>
      <ul>
        {others.map(({ kind, of }) => (
          <Other key={kind} kind={kind} of={of} lookFrom={lookFrom} />
        ))}
        <li>
          Or <Link href={searchLink(entity.value)}>try every kind</Link>, in findings and rules too
        </li>
      </ul>
    </div>
  );
}

function Other({ kind, of, lookFrom }: { kind: EntityKind; of: Entity; lookFrom: string }) {
  const question: Question | null = of.calls ? { text: kindsText(of.calls), lang: "sql", from: lookFrom } : null;
  const asked = useAnswer(question);
  const row = asked.data?.rows[0];
  const n = Number(row?.events ?? 0);
  const word = ENTITY_WORDS[kind];
  return (
    <li>
      {asked.isPending ? <span className="muted">{word}: looking…</span> : null}
      {asked.error ? <span className="muted">{word}: the lake did not answer</span> : null}
      {row && n === 0 ? <span className="muted">{word}: none</span> : null}
      {n > 0 ? (
        <>
          <Link href={entityLink(kind, of.value)}>{word}</Link>: {counted(n, "event")}, the last <Time at={String(row?.last)} />
        </>
      ) : null}
    </li>
  );
}
