// The queue of findings, and what is held back of them.
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import { useUrl } from "../app/url";
import { Queue } from "./findings/queue";
import { Suppressions } from "./findings/suppressions";
import "./findings/findings.css";

export default function View() {
  const [view, setView] = useUrl("view", "queue");
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          actions={
            <SegmentedControl
              label="View"
              selectedId={view === "suppressions" ? view : "queue"}
              options={[
                { id: "queue", text: "Queue" },
                { id: "suppressions", text: "Suppressions" },
              ]}
              onChange={({ detail }) => setView(detail.selectedId)}
            />
          }
        >
          Findings
        </Header>
      }
    >
      {view === "suppressions" ? <Suppressions /> : <Queue />}
    </ContentLayout>
  );
}
