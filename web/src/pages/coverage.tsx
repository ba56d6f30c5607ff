// Where the rules look, and which logs they have to look at.
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Tabs from "@cloudscape-design/components/tabs";
import { link, useUrl } from "../app/url";
import { Attack } from "./coverage/attack";
import { LogMatrix } from "./sources/matrix";

const TABS = [
  { id: "attack", label: "ATT&CK", content: <Attack /> },
  { id: "logs", label: "Log sources", content: <LogMatrix /> },
];

export default function CoveragePage() {
  const [tab, setTab] = useUrl("tab", "attack");
  const active = TABS.some((one) => one.id === tab) ? tab : "attack";
  return (
    <ContentLayout header={<Header variant="h1" description="Where rules look and where nobody does, and which logs they have to look at">Coverage</Header>}>
      <Tabs
        activeTabId={active}
        onChange={({ detail }) => setTab(detail.activeTabId, { push: true })}
        tabs={TABS.map((one) => ({ ...one, href: link("/coverage", { tab: one.id === "attack" ? null : one.id }) }))}
      />
    </ContentLayout>
  );
}
