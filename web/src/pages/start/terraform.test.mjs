// What other programs say of the texts that are made: a shell, and Terraform's own formatter where it is at hand.
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { shellWord } from "./settings";
import { terraform } from "./terraform";

const wish = {
  bucket: "org-trail",
  prefix: "AWSLogs/o-abc/",
  region: "eu-central-1",
  account: "111122223333",
  queue: "skywarden",
  isOld: true,
  key: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd",
  url: "https://skywarden.example.com",
  group: "/aws/cloudtrail",
};

it("a word of a shell is that word", () => {
  const word = "a'b\"c$(id)`id`\\ $HOME";
  expect(execFileSync("sh", ["-c", `printf %s ${shellWord(word)}`]).toString()).toBe(word);
});

it("Terraform is written as its formatter writes it", (ctx) => {
  try {
    execFileSync("terraform", ["version"], { stdio: "ignore" });
  } catch {
    ctx.skip();
  }
  const ways = ["queue", "bucket", "firehose", "logs"].flatMap((way) => ["ec2", "ecs", "user"].map((runs) => ({ ...wish, way, runs })));
  const odd = [{ prefix: "" }, { prefix: 'a"${b}%{c}*?' }, { key: "", isOld: false }].map((change) => ({ ...wish, way: "queue", runs: "ec2", ...change }));
  for (const one of [...ways, ...odd]) {
    const text = terraform(one);
    expect(execFileSync("terraform", ["fmt", "-"], { input: text, stdio: ["pipe", "pipe", "ignore"] }).toString()).toBe(text);
  }
});
