// The first minutes: look at made-up data, drop files, or connect AWS.
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useLocation } from "wouter";
import { useStatus } from "../app/bar";
import { CodeBlock } from "../parts/codeblock";
import { Asked } from "../parts/states";
import { count, counted } from "../parts/words";
import { Drop } from "./start/drop";
import "./start/start.css";
import { Wizard } from "./start/wizard";

export default function StartPage() {
  return (
    <ContentLayout header={<Header variant="h1" description="Three ways to see something. They go together.">Get started</Header>}>
      <div className="cards3">
        <Container fitHeight header={<Header variant="h2">Look at a demo</Header>}>
          <Demo />
        </Container>
        <Container header={<Header variant="h2" description="Sent to this server as they are, and looked at at once">Drop files here</Header>}>
          <Drop />
        </Container>
        <div className="wide">
          <Container header={<Header variant="h2" description="The least rights, Terraform, and the settings that go with them">Connect AWS</Header>}>
            <Wizard />
          </Container>
        </div>
      </div>
    </ContentLayout>
  );
}

function Demo() {
  const status = useStatus();
  const [, go] = useLocation();
  return (
    <Asked what="the status" asked={status}>
      {({ demo, events, rules }) =>
        demo ? (
          <SpaceBetween size="s">
            <StatusIndicator type="success">This server is the demo</StatusIndicator>
            <Box color="text-body-secondary">
              Three accounts, two days, an attack among ordinary work. All of it is made up. {count(events)} events were read, and {count(rules.loaded)} rules look at them.
            </Box>
            <Button variant="primary" href="/" onClick={(event) => {
                event.preventDefault();
                go("/");
              }}>
              Open the overview
            </Button>
          </SpaceBetween>
        ) : (
          <SpaceBetween size="s">
            <StatusIndicator type="info">This server shows your own logs</StatusIndicator>
            <Box color="text-body-secondary">The demo is a server of its own, with made-up logs of an attack. It touches nothing of this one.</Box>
            <CodeBlock label="Command of the demo" text="skywarden demo" isInline />
            <Box color="text-body-secondary">{events > 0 ? `${counted(events, "event")} came since this server began.` : "This server has read no event since it began."}</Box>
          </SpaceBetween>
        )
      }
    </Asked>
  );
}
