// What is known of a principal, a session, a key, an address, a resource or an account.
import ContentLayout from "@cloudscape-design/components/content-layout";
import { useMemo } from "react";
import { Link } from "wouter";
import { useUrl, type EntityKind } from "../app/url";
import { ENTITY_WORDS } from "../app/entity";
import { Value } from "../parts/value";
import { Begin } from "./investigate/begin";
import { entityOf } from "./investigate/entity";
import "./investigate/investigate.css";
import { Profile } from "./investigate/profile";

export default function Investigate() {
  const [said] = useUrl("kind", "principal");
  const [value] = useUrl("value");
  const kind = (said in ENTITY_WORDS ? said : "principal") as EntityKind;
  const entity = useMemo(() => (value === "" ? null : entityOf(kind, value)), [kind, value]);
  return (
    <ContentLayout
      disableOverlap
      header={
        entity ? (
          <div className="who">
            <span className="kind">
              {entity.what} · <Link href="/investigate">look at another</Link>
            </span>
            <h1>
              <Value text={entity.name} />
            </h1>
            {entity.value !== entity.name ? <Value text={entity.value} /> : null}
          </div>
        ) : (
          <div className="who">
            <h1>Investigate</h1>
          </div>
        )
      }
    >
      {entity ? <Profile key={`${kind} ${value}`} entity={entity} /> : <Begin />}
    </ContentLayout>
  );
}
