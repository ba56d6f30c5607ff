// Terraform of a way that logs come. Pure.
import { firehosePolicy, partition, queuePolicy, readerPolicy, subscriptionPolicy, trust, type Runs, type Wish } from "./aws";

/** A text of HCL. There `${` and `%{` begin a template. */
export function hclText(text: string): string {
  const inner = text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t")
    .replace(/([$%])\{/g, "$1$1{");
  return `"${inner}"`;
}

/** A value of JSON as an expression of HCL. */
export function hclValue(value: unknown, indent = ""): string {
  if (typeof value === "string") return hclText(value);
  if (value === null || typeof value !== "object") return String(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === "string") && value.length < 3) return `[${value.map((item) => hclText(item)).join(", ")}]`;
    return `[\n${value.map((item) => `${deeper}${hclValue(item, deeper)},\n`).join("")}${indent}]`;
  }
  const entries = Object.entries(value);
  // `terraform fmt` lines up values of one line that follow each other.
  const key = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : hclText(name));
  const shown = entries.map(([name, item]) => [key(name), hclValue(item, deeper)] as const);
  const out: string[] = [];
  let group: (readonly [string, string])[] = [];
  const close = () => {
    const width = Math.max(0, ...group.map(([name]) => name.length));
    out.push(...group.map(([name, text]) => `${deeper}${name.padEnd(width)} = ${text}\n`));
    group = [];
  };
  for (const one of shown) {
    if (one[1].includes("\n")) close();
    group.push(one);
    if (one[1].includes("\n")) close();
  }
  close();
  return `{\n${out.join("")}${indent}}`;
}

const json = (value: unknown, indent = "  ") => `jsonencode(${hclValue(value, indent)})`;

function head({ region }: Wish): string {
  return `terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = ${hclText(region)}
}
`;
}

function reader(wish: Wish): string {
  const rights = json(readerPolicy(wish));
  if (wish.runs === "user") {
    return `
resource "aws_iam_user" "skywarden" {
  name = "skywarden"
}

resource "aws_iam_user_policy" "skywarden" {
  name = "skywarden-read"
  user = aws_iam_user.skywarden.name
  policy = ${rights}
}

# A key made here would stand in the state, so make it by hand:
# aws iam create-access-key --user-name skywarden
`;
  }
  const service: Record<Exclude<Runs, "user">, string> = { ec2: "ec2.amazonaws.com", ecs: "ecs-tasks.amazonaws.com" };
  const role = `
resource "aws_iam_role" "skywarden" {
  name = "skywarden"
  assume_role_policy = ${json(trust(service[wish.runs]))}
}

resource "aws_iam_role_policy" "skywarden" {
  name = "skywarden-read"
  role = aws_iam_role.skywarden.id
  policy = ${rights}
}
`;
  if (wish.runs === "ecs") return `${role}
output "task_role" {
  value = aws_iam_role.skywarden.arn
}
`;
  return `${role}
resource "aws_iam_instance_profile" "skywarden" {
  name = "skywarden"
  role = aws_iam_role.skywarden.name
}
`;
}

function queue(wish: Wish): string {
  const told: [string, string][] = [
    ["queue_arn", "aws_sqs_queue.skywarden.arn"],
    ["events", '["s3:ObjectCreated:*"]'],
    ...(wish.prefix === "" ? [] : [["filter_prefix", hclText(wish.prefix)] as [string, string]]),
  ];
  const width = Math.max(...told.map(([name]) => name.length));
  const block = told.map(([name, text]) => `    ${name.padEnd(width)} = ${text}\n`).join("");
  return `
resource "aws_sqs_queue" "dead" {
  name                      = ${hclText(`${wish.queue}-bad`)}
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "skywarden" {
  name                       = ${hclText(wish.queue)}
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 300
  sqs_managed_sse_enabled    = true

  # Messages that fail often are set aside instead of coming for ever.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 20
  })
}

resource "aws_sqs_queue_policy" "skywarden" {
  queue_url = aws_sqs_queue.skywarden.url
  policy = ${json(queuePolicy(wish))}
}

# A bucket has one list of notifications, and this resource replaces it.
# If the bucket tells others already, add the queue block to the resource that says so.
resource "aws_s3_bucket_notification" "skywarden" {
  bucket     = ${hclText(wish.bucket)}
  depends_on = [aws_sqs_queue_policy.skywarden]

  queue {
${block}  }
}
`;
}

function firehose(wish: Wish): string {
  const bucket = hclText(`arn:${partition(wish.region)}:s3:::${wish.bucket}`);
  const url = `${wish.url.replace(/\/$/, "")}/firehose`;
  return `
variable "skywarden_token" {
  description = "A token of Skywarden with the role ingest-only."
  type        = string
  sensitive   = true
}

resource "aws_iam_role" "firehose" {
  name = "skywarden-firehose"
  assume_role_policy = ${json(trust("firehose.amazonaws.com", { StringEquals: { "sts:ExternalId": wish.account } }))}
}

resource "aws_iam_role_policy" "firehose" {
  name = "skywarden-firehose"
  role = aws_iam_role.firehose.id
  policy = ${json(firehosePolicy(wish))}
}

resource "aws_kinesis_firehose_delivery_stream" "skywarden" {
  name        = "skywarden"
  destination = "http_endpoint"
  depends_on  = [aws_iam_role_policy.firehose]

  http_endpoint_configuration {
    name               = "Skywarden"
    url                = ${hclText(url)}
    access_key         = var.skywarden_token
    role_arn           = aws_iam_role.firehose.arn
    buffering_size     = 1
    buffering_interval = 60
    retry_duration     = 7200
    s3_backup_mode     = "FailedDataOnly"

    request_configuration {
      content_encoding = "GZIP"
    }

    s3_configuration {
      role_arn           = aws_iam_role.firehose.arn
      bucket_arn         = ${bucket}
      prefix             = "skywarden-not-sent/"
      compression_format = "GZIP"
    }
  }
}
`;
}

function subscription(wish: Wish): string {
  const source = `arn:${partition(wish.region)}:logs:${wish.region}:${wish.account}:*`;
  return `
resource "aws_iam_role" "logs" {
  name = "skywarden-logs"
  assume_role_policy = ${json(trust("logs.amazonaws.com", { StringLike: { "aws:SourceArn": source } }))}
}

resource "aws_iam_role_policy" "logs" {
  name = "skywarden-logs"
  role = aws_iam_role.logs.id
  policy = ${json(subscriptionPolicy(wish))}
}

resource "aws_cloudwatch_log_subscription_filter" "skywarden" {
  name            = "skywarden"
  log_group_name  = ${hclText(wish.group)}
  filter_pattern  = ""
  destination_arn = aws_kinesis_firehose_delivery_stream.skywarden.arn
  role_arn        = aws_iam_role.logs.arn
  depends_on      = [aws_iam_role_policy.logs]
}
`;
}

export function terraform(wish: Wish): string {
  if (wish.way === "bucket") return head(wish) + reader(wish);
  if (wish.way === "queue") return head(wish) + queue(wish) + reader(wish);
  return head(wish) + firehose(wish) + (wish.way === "logs" ? subscription(wish) : "");
}
