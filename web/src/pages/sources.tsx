// Whether everything that should come does, and what became of it.
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Tabs from "@cloudscape-design/components/tabs";
import { link, useUrl } from "../app/url";
import { Health, Trouble } from "./sources/health";
import { Ledger } from "./sources/ledger";
import { LogMatrix } from "./sources/matrix";
import { Quarantine } from "./sources/quarantine";
import "./sources/sources.css";

const TABS = [
  { id: "health", label: "Health", content: <Health /> },
  { id: "ledger", label: "Ledger", content: <Ledger /> },
  { id: "matrix", label: "Accounts and Regions", content: <LogMatrix /> },
  { id: "quarantine", label: "Quarantine", content: <Quarantine /> },
];

export default function SourcesPage() {
  const [tab, setTab] = useUrl("tab", "health");
  const active = TABS.some((one) => one.id === tab) ? tab : "health";
  return (
    <ContentLayout header={<Header variant="h1" description="Whether what should come does, and what became of every record">Sources & health</Header>}>
      <Trouble />
      <Tabs
        activeTabId={active}
        onChange={({ detail }) => setTab(detail.activeTabId, { push: true })}
        tabs={TABS.map((one) => ({ ...one, href: link("/sources", { tab: one.id === "health" ? null : one.id }) }))}
      />
    </ContentLayout>
  );
}
