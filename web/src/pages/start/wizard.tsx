// What to make in AWS and what to tell the server, out of a few names. All is made in this page; nothing is sent anywhere.
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Tabs from "@cloudscape-design/components/tabs";
import Tiles from "@cloudscape-design/components/tiles";
import { Link } from "wouter";
import { useStatus } from "../../app/bar";
import { link, useUrl } from "../../app/url";
import { CodeBlock } from "../../parts/codeblock";
import { visible } from "../../parts/value";
import { counted } from "../../parts/words";
import { ASKED, bucketUri, queueUrl, shownPolicy, wrongs, type Runs, type Way, type Wish } from "./aws";
import { command, file } from "./settings";
import { terraform } from "./terraform";

const WAYS: { value: Way; label: string; description: string }[] = [
  { value: "queue", label: "S3, told by a queue", description: "New objects of a bucket within seconds: an organisation trail, flow logs. The usual way." },
  { value: "bucket", label: "S3, what is there", description: "Walks a bucket once, newest day first. For a first look back; it does not see what comes later." },
  { value: "firehose", label: "Amazon Data Firehose", description: "A stream pushes to this server, which must have a name and TLS on the internet." },
  { value: "logs", label: "CloudWatch Logs", description: "A subscription of a log group, through Firehose. For trails and flow logs that go to CloudWatch." },
];
const RUNS = [
  { value: "ec2", label: "Role of an EC2 instance" },
  { value: "ecs", label: "Role of an ECS task" },
  { value: "user", label: "Access key of an IAM user" },
];

const FIELDS: Partial<Record<keyof Wish, { label: string; hint: string; usual?: string }>> = {
  bucket: { label: "Bucket", hint: "Its name" },
  prefix: { label: "Prefix", hint: "What keys begin with; empty for all", usual: "AWSLogs/" },
  region: { label: "Region", hint: "Of the bucket" },
  account: { label: "Account id", hint: "That owns the bucket" },
  queue: { label: "Queue", hint: "Its name; Terraform makes it" },
  key: { label: "KMS key", hint: "ARN, if objects have a key of yours" },
  url: { label: "Address of this server", hint: "As Firehose reaches it" },
  group: { label: "Log group", hint: "Its name" },
};

function useWish(): [Wish, (name: keyof Wish, value: string) => void] {
  const [way, setWay] = useUrl("way", "queue");
  const [bucket, setBucket] = useUrl("bucket");
  const [prefix, setPrefix] = useUrl("prefix", "AWSLogs/");
  const [region, setRegion] = useUrl("region", "us-east-1");
  const [account, setAccount] = useUrl("account");
  const [queue, setQueue] = useUrl("queue", "skywarden");
  const [old, setOld] = useUrl("old");
  const [key, setKey] = useUrl("key");
  const [runs, setRuns] = useUrl("runs", "ec2");
  const [url, setUrl] = useUrl("url");
  const [group, setGroup] = useUrl("group");
  const known = WAYS.some((one) => one.value === way) ? (way as Way) : "queue";
  const wish: Wish = {
    way: known,
    bucket,
    // In an address the empty text means the usual one, so "all keys" is written as a star.
    prefix: prefix === "*" ? "" : prefix,
    region,
    account,
    queue,
    isOld: old === "1",
    key,
    runs: RUNS.some((one) => one.value === runs) ? (runs as Runs) : "ec2",
    url,
    group,
  };
  const put: Record<keyof Wish, (value: string) => void> = {
    way: setWay,
    bucket: setBucket,
    prefix: (value) => setPrefix(value === "" ? "*" : value),
    region: setRegion,
    account: setAccount,
    queue: setQueue,
    isOld: setOld,
    key: setKey,
    runs: setRuns,
    url: setUrl,
    group: setGroup,
  };
  return [wish, (name, value) => put[name](value)];
}

export function Wizard() {
  const [wish, put] = useWish();
  const said = wrongs(wish, false);
  const open = wrongs(wish, true);
  const isReady = Object.keys(open).length === 0;
  const isPull = wish.way === "queue" || wish.way === "bucket";
  const missing = ASKED[wish.way].filter((name) => open[name]).map((name) => FIELDS[name]?.label ?? name);
  return (
    <SpaceBetween size="l">
      <Tiles
        value={wish.way}
        items={WAYS}
        columns={4}
        ariaLabel="How logs come"
        onChange={({ detail }) => put("way", detail.value)}
      />
      <div className="asks">
        {ASKED[wish.way].map((name) => {
          const about = FIELDS[name];
          return (
            <FormField key={name} label={about?.label} description={hint(wish, name) ?? about?.hint} errorText={said[name]}>
              <Input
                value={wish[name] as string}
                onChange={({ detail }) => put(name, name === "prefix" ? detail.value : detail.value.trim())}
                spellcheck={false}
                autoComplete={false}
                placeholder={about?.usual}
              />
            </FormField>
          );
        })}
        {isPull ? (
          <FormField label="The server runs with" description="Its credentials">
            <Select selectedOption={RUNS.find((one) => one.value === wish.runs) ?? null} options={RUNS} onChange={({ detail }) => put("runs", detail.selectedOption.value ?? "ec2")} />
          </FormField>
        ) : null}
        {wish.way === "queue" ? (
          <FormField label="What is there already">
            <Checkbox checked={wish.isOld} onChange={({ detail }) => put("isOld", detail.checked ? "1" : "")}>
              Read it too, newest day first
            </Checkbox>
          </FormField>
        ) : null}
      </div>
      {isReady ? <Made wish={wish} /> : <Alert type="info">Still needed: {missing.join(", ")}. Then policy, Terraform and settings are made here, in your browser.</Alert>}
    </SpaceBetween>
  );
}

function hint({ way }: Wish, name: keyof Wish): string | null {
  if (way !== "firehose" && way !== "logs") return null;
  if (name === "bucket") return "For what cannot be delivered; it must exist";
  if (name === "region") return "Of the stream";
  if (name === "account") return "That owns the stream";
  return null;
}

function Made({ wish }: { wish: Wish }) {
  const policies = shownPolicy(wish);
  return (
    <SpaceBetween size="m">
      <Tabs
        tabs={[
          { id: "terraform", label: "Terraform", content: <CodeBlock label="Terraform" text={terraform(wish)} file="skywarden.tf" /> },
          {
            id: "policy",
            label: "IAM policy",
            content: (
              <SpaceBetween size="s">
                {policies.map(({ label, policy }) => (
                  <CodeBlock key={label} label={label} text={`${JSON.stringify(policy, null, 2)}\n`} file="policy.json" />
                ))}
              </SpaceBetween>
            ),
          },
          {
            id: "settings",
            label: "Settings of the server",
            content: (
              <SpaceBetween size="s">
                <CodeBlock label="As a command" text={command(wish)} />
                <CodeBlock label="As a file" text={file(wish)} file="skywarden.toml" />
              </SpaceBetween>
            ),
          },
        ]}
      />
      <Todo wish={wish} />
      <Check wish={wish} />
    </SpaceBetween>
  );
}

function Todo({ wish }: { wish: Wish }) {
  const isPull = wish.way === "queue" || wish.way === "bucket";
  return (
    <div>
      <Box variant="h3" padding={{ top: "n" }}>
        What to do
      </Box>
      <ol className="todo">
        <li>Read the Terraform, then apply it in the account that owns {isPull ? "the bucket" : "the stream"}.</li>
        {wish.way === "queue" ? <li>If the bucket tells others of its objects already, join the two lists: a bucket has one, and this one would replace it.</li> : null}
        {wish.key !== "" && isPull ? <li>Let the policy of the KMS key allow it too, if the key is of another account than the server.</li> : null}
        {isPull ? (
          <li>
            {wish.runs === "ec2"
              ? "Give the instance profile skywarden to the instance that the server runs on."
              : wish.runs === "ecs"
                ? "Name the role as the task role of the server's task."
                : "Make an access key of the user, and give it to the server as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or as a profile."}{" "}
            The server assumes no other role by itself.
          </li>
        ) : (
          <li>
            <Link href={link("/settings", { tab: "tokens" })}>Make a token</Link> with the role ingest-only; Terraform asks for it. The server needs a certificate that Firehose trusts.
          </li>
        )}
        <li>Start the server with these settings. What it reads shows here a few seconds later.</li>
      </ol>
    </div>
  );
}

/** Whether the server reads what was asked for. */
function Check({ wish }: { wish: Wish }) {
  const status = useStatus();
  if (!status.data) return null;
  if (wish.way === "firehose" || wish.way === "logs") {
    const { events } = status.data;
    return (
      <div className="live" role="status">
        <StatusIndicator type={events > 0 ? "info" : "pending"}>
          {events > 0 ? `${counted(events, "event")} since the server began, from all senders` : "No event since the server began"}
        </StatusIndicator>
        <Link href="/sources">Sources and health</Link>
      </div>
    );
  }
  const wanted = [...(wish.way === "queue" ? [queueUrl(wish)] : []), ...(wish.way === "bucket" || wish.isOld ? [bucketUri(wish)] : [])];
  return (
    <div className="live" role="status">
      {wanted.map((what) => {
        const feed = status.data.feeds.find((one) => one.what === what);
        if (!feed) {
          return (
            <StatusIndicator key={what} type="pending">
              {visible(what)}: the server does not read it yet
            </StatusIndicator>
          );
        }
        return (
          <StatusIndicator key={what} type={feed.trouble ? "error" : "success"}>
            {visible(what)}: {feed.trouble ? visible(feed.trouble) : "connected"}
          </StatusIndicator>
        );
      })}
      <Link href="/sources">Sources and health</Link>
    </div>
  );
}
