// The first minutes on an empty server: files dropped on the page become events and findings, and AWS is connected with the least rights.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { barriers, mistakes, openAsAdmin, openBrowser, settled, shot } from "./browser.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer({ command: "serve" }), openBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path, look) {
  const page = await openAsAdmin(browser, server, look);
  await page.goto(`${server.base}${path}`);
  await settled(page);
  return page;
}

const record = {
  eventVersion: "1.08",
  userIdentity: { type: "IAMUser", arn: "arn:aws:iam::111122223333:user/zed", accountId: "111122223333", userName: "zed" },
  eventTime: new Date(Date.now() - 60_000).toISOString().replace(/\.\d+Z/, "Z"),
  eventSource: "cloudtrail.amazonaws.com",
  eventName: "StopLogging",
  awsRegion: "us-east-1",
  sourceIPAddress: "203.0.113.9",
  eventID: "5d1c6f0e-0000-4000-8000-000000000001",
  recipientAccountId: "111122223333",
};
const NAMED = `"><img src=x onerror=alert(1)>'.json`;

test("dropped files become events and findings, and each file says what became of it", async () => {
  const page = await open("/start");
  await page.getByText("skywarden demo", { exact: true }).waitFor();
  const folder = await mkdtemp(join(tmpdir(), "skywarden-drop-"));
  const files = [[NAMED, JSON.stringify({ Records: [record] })], ["notes.txt", "hello <b>there</b>, this is no log"], ["empty.json", ""], ["large.log", Buffer.alloc(33 * 1024 * 1024, "a")]];
  for (const [name, content] of files) await writeFile(join(folder, name), content);
  await page.locator("input[type=file]").setInputFiles(files.map(([name]) => join(folder, name)));
  const line = (name) => page.getByRole("list", { name: "Files" }).getByRole("listitem").filter({ hasText: name });
  await line("empty.json").getByText("It is empty").waitFor();
  await line("large.log").getByText(/32 MiB is the most/).waitFor();
  await line("onerror").getByText("Taken: 1 new event").waitFor({ timeout: 30_000 });
  await line("notes.txt").getByText("1 piece quarantined").waitFor();
  await line("notes.txt").getByText(/Look at the piece under Quarantine/).waitFor();
  await page.getByText(/Events arrive: 1 since/).waitFor();
  await page.getByRole("link", { name: /zed stopped the logging/ }).waitFor();
  await shot(page, "start-dropped", { full: true });
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(await mistakes(page), []);

  await rm(folder, { recursive: true });

  // Dragged onto the page, the same again adds nothing, and says so.
  await page.reload();
  await settled(page);
  const carried = await page.evaluateHandle((text) => {
    const carry = new DataTransfer();
    carry.items.add(new File([text], "again.json", { type: "application/json" }));
    return carry;
  }, JSON.stringify({ Records: [record] }));
  const zone = page.getByText(/CloudTrail files, VPC flow logs/);
  await zone.dispatchEvent("dragover", { dataTransfer: carried });
  await zone.dispatchEvent("drop", { dataTransfer: carried });
  await line("again.json").getByText(/nothing new/).waitFor({ timeout: 30_000 });
});

test("the wizard checks what is typed, and makes policy, Terraform and settings of it", async () => {
  const page = await open("/start");
  await page.getByText(/Still needed: Bucket, Account id/).waitFor();
  await page.getByLabel("Bucket").fill("Not_A_Bucket");
  await page.getByText(/small letters/).waitFor();
  await page.getByLabel("Bucket").fill("org-trail");
  await page.getByLabel("Account id").fill("111122223333");
  await page.getByLabel("Region").fill("eu-central-1");
  await page.getByLabel("Prefix").fill('AWSLogs/"${x}*/');
  const code = (name) => page.locator(`pre[aria-label="${name}"]`);
  const hcl = await code("Terraform").innerText();
  assert.ok(hcl.includes('filter_prefix = "AWSLogs/\\"$${x}*/"'), hcl);
  await page.getByRole("tab", { name: "IAM policy" }).click();
  const policy = JSON.parse(await code("IAM policy of the server").innerText());
  assert.deepEqual(policy.Statement[0].Action, ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]);
  assert.equal(policy.Statement[1].Resource, 'arn:aws:s3:::org-trail/AWSLogs/"${$}{x}${*}/*');
  await page.getByRole("tab", { name: "Settings of the server" }).click();
  assert.match(await code("As a file").innerText(), /queue = \["https:\/\/sqs\.eu-central-1\.amazonaws\.com\/111122223333\/skywarden"\]/);
  await page.getByText(/skywarden: the server does not read it yet/).waitFor();

  // The address shows the same again.
  await page.reload();
  await settled(page);
  assert.equal(await page.getByLabel("Bucket").inputValue(), "org-trail");
  await page.getByRole("radio", { name: /Amazon Data Firehose/ }).check();
  await page.getByText("Still needed: Address of this server").waitFor();
  await page.getByLabel("Address of this server").fill("https://logs.example.com");
  assert.match(await code("Terraform").innerText(), /url += "https:\/\/logs\.example\.com\/firehose"/);
  assert.deepEqual(await mistakes(page), []);
});

test("the page is sound in each look", async () => {
  for (const [mode, density, width] of [["light", "comfortable", 1440], ["dark", "comfortable", 1440], ["dark", "compact", 1440], ["light", "comfortable", 420]]) {
    const page = await open("/start?bucket=org-trail&account=111122223333&old=1", { mode, density, width });
    await shot(page, `start-${mode}-${density}-${width}`, { full: true });
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, "nothing is wider than the screen");
    if (width > 1000) assert.deepEqual(await barriers(page), []);
    assert.deepEqual(await mistakes(page), []);
    await page.context().close();
  }
});
