import { describe, expect, it } from "vitest";
import { literal, queuePolicy, readerPolicy, wrongs, type Wish } from "./aws";
import { command, file, shellWord, tomlText } from "./settings";
import { hclText, hclValue, terraform } from "./terraform";

const wish: Wish = {
  way: "queue",
  bucket: "org-trail",
  prefix: "AWSLogs/o-abc/",
  region: "eu-central-1",
  account: "111122223333",
  queue: "skywarden",
  isOld: true,
  key: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd",
  runs: "ec2",
  url: "https://skywarden.example.com",
  group: "/aws/cloudtrail",
};

describe("the least rights", () => {
  it("are those that the server uses of the queue, the objects, the list and the key", () => {
    const made = readerPolicy(wish);
    expect(made.Statement.flatMap((one) => one.Action).sort()).toEqual(
      ["kms:Decrypt", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"].sort(),
    );
    expect(made.Statement.every((one) => one.Resource !== "*")).toBe(true);
    expect(made.Statement.find((one) => one.Sid === "ReadObjects")?.Resource).toBe("arn:aws:s3:::org-trail/AWSLogs/o-abc/*");
    expect(made.Statement.find((one) => one.Sid === "DecryptObjects")?.Condition).toEqual({ StringEquals: { "kms:ViaService": "s3.eu-central-1.amazonaws.com" } });
  });
  it("leave out what is not asked for", () => {
    const made = readerPolicy({ ...wish, isOld: false, key: "" });
    expect(made.Statement.flatMap((one) => one.Action)).not.toContain("s3:ListBucket");
    expect(made.Statement.flatMap((one) => one.Action)).not.toContain("kms:Decrypt");
    expect(readerPolicy({ ...wish, way: "bucket", key: "" }).Statement.flatMap((one) => one.Action)).toEqual(["s3:GetObject", "s3:ListBucket"]);
  });
  it("name the partition of the Region", () => {
    expect(readerPolicy({ ...wish, region: "us-gov-west-1" }).Statement[0]?.Resource).toMatch(/^arn:aws-us-gov:/);
    expect(readerPolicy({ ...wish, region: "cn-north-1" }).Statement[0]?.Resource).toMatch(/^arn:aws-cn:/);
  });
  it("let only this bucket of this account tell the queue", () => {
    expect(queuePolicy(wish).Statement[0]?.Condition).toEqual({
      ArnEquals: { "aws:SourceArn": "arn:aws:s3:::org-trail" },
      StringEquals: { "aws:SourceAccount": "111122223333" },
    });
  });
  it("take no sign of a prefix for a wildcard or a variable", () => {
    expect(literal("a*b?c${aws:username}")).toBe("a${*}b${?}c${$}{aws:username}");
  });
});

describe("what is typed", () => {
  it("is checked, and what is empty only in the end", () => {
    const bad: Wish = { ...wish, bucket: "Bad_Bucket", prefix: "/x", region: "Frankfurt", account: "12", queue: "a b", key: "alias/x" };
    expect(Object.keys(wrongs(bad, false)).sort()).toEqual(["account", "bucket", "key", "prefix", "queue", "region"]);
    expect(wrongs({ ...wish, bucket: "" }, false)).toEqual({});
    expect(Object.keys(wrongs({ ...wish, bucket: "" }, true))).toEqual(["bucket"]);
    expect(wrongs(wish, true)).toEqual({});
    expect(wrongs({ ...wish, way: "firehose", url: "http://plain" }, true)).toHaveProperty("url");
    for (const name of ["1.2.3.4", "a..b", "ab", "a\nb", "-ab"]) expect(wrongs({ ...wish, bucket: name }, true)).toHaveProperty("bucket");
  });
  it("stays a text in HCL, TOML and a shell", () => {
    expect(hclText('a"b\\c${d}%{e}$$')).toBe('"a\\"b\\\\c$${d}%%{e}$$"');
    expect(hclValue({ "aws:SourceArn": "${x}", Action: ["a", "b"] })).toBe('{\n  "aws:SourceArn" = "$${x}"\n  Action          = ["a", "b"]\n}');
    expect(tomlText('a"\\\u007f')).toBe('"a\\"\\\\\\u007f"');
    expect(shellWord("it's; rm -rf $HOME")).toBe("'it'\\''s; rm -rf $HOME'");
  });
});

describe("settings", () => {
  it("have the names that the server has", () => {
    expect(command(wish)).toBe(
      "skywarden serve --data ./data \\\n  --queue https://sqs.eu-central-1.amazonaws.com/111122223333/skywarden \\\n  --bucket s3://org-trail/AWSLogs/o-abc/ \\\n  --region eu-central-1 \\\n  --own-account 111122223333\n",
    );
    expect(file({ ...wish, way: "bucket" })).toContain('bucket = ["s3://org-trail/AWSLogs/o-abc/"]');
    expect(command({ ...wish, region: "cn-north-1" })).toContain("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/skywarden");
  });
});

describe("Terraform", () => {
  const all = (["queue", "bucket", "firehose", "logs"] as const).flatMap((way) => (["ec2", "ecs", "user"] as const).map((runs) => ({ ...wish, way, runs })));
  it("holds the same rights", () => {
    for (const one of all.slice(0, 6)) expect(terraform(one)).toContain(one.way === "queue" ? '"sqs:ReceiveMessage"' : '"s3:ListBucket"');
    expect(terraform({ ...wish, way: "logs" })).toContain("aws_cloudwatch_log_subscription_filter");
    expect(terraform({ ...wish, prefix: "x${path.module}/" })).toContain('filter_prefix = "x$${path.module}/"');
    expect(terraform({ ...wish, prefix: "x${path.module}/" })).not.toMatch(/[^$]\$\{path/);
  });
});
