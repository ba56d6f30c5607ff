// What AWS needs so that logs come: least rights, and the names of things. Pure.

export type Way = "queue" | "bucket" | "firehose" | "logs";
export type Runs = "ec2" | "ecs" | "user";
export interface Wish {
  way: Way;
  bucket: string;
  prefix: string;
  region: string;
  account: string;
  queue: string;
  /** Also what is in the bucket already. */
  isOld: boolean;
  /** The key that objects are encrypted with; none if S3's own. */
  key: string;
  runs: Runs;
  /** Where Firehose reaches this server: `https://…`. */
  url: string;
  /** The log group whose events are sent. */
  group: string;
}

export type Wrong = Partial<Record<keyof Wish, string>>;

const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** Which parts each way asks for. */
export const ASKED: Record<Way, (keyof Wish)[]> = {
  queue: ["bucket", "prefix", "region", "account", "queue", "key"],
  bucket: ["bucket", "prefix", "region", "account", "key"],
  firehose: ["bucket", "region", "account", "url"],
  logs: ["bucket", "region", "account", "url", "group"],
};

function isBucket(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes("..") && !/^\d+\.\d+\.\d+\.\d+$/.test(name);
}

const CHECKS: Partial<Record<keyof Wish, (value: string) => string | null>> = {
  bucket: (name) => (isBucket(name) ? null : "3 to 63 small letters, digits, dots and hyphens"),
  prefix: (text) => {
    if (text.startsWith("/")) return "Keys begin without a slash: AWSLogs/…";
    // eslint-disable-next-line no-control-regex
    if (/[\u0000-\u001f\u007f]/.test(text)) return "Without control characters";
    return text.length <= 500 ? null : "500 characters at most";
  },
  region: (name) => (REGION.test(name) ? null : "Like eu-central-1"),
  account: (id) => (/^\d{12}$/.test(id) ? null : "12 digits"),
  queue: (name) => (/^[A-Za-z0-9_-]{1,76}$/.test(name) ? null : "Letters, digits, _ and -, 76 at most"),
  key: (arn) => (arn === "" || /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/.test(arn) ? null : "Like arn:aws:kms:eu-central-1:111122223333:key/…, not an alias"),
  url: (text) => (/^https:\/\/[A-Za-z0-9.-]+(:\d+)?\/?$/.test(text) ? null : "Firehose calls only https:// with a name that is known on the internet"),
  group: (name) => (/^[A-Za-z0-9_/.#-]{1,512}$/.test(name) ? null : "Letters, digits and _ - / . #"),
};

/** What is wrong with what was typed; nothing of what was not typed yet unless `isAll`. */
export function wrongs(wish: Wish, isAll: boolean): Wrong {
  const out: Wrong = {};
  for (const name of ASKED[wish.way]) {
    const value = wish[name] as string;
    if (value === "" && !isAll) continue;
    const said = CHECKS[name]?.(value);
    if (said) out[name] = said;
  }
  return out;
}

export function partition(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

export function queueUrl({ region, account, queue }: Wish): string {
  return `https://sqs.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}/${account}/${queue}`;
}

export function bucketUri({ bucket, prefix }: Wish): string {
  return `s3://${bucket}/${prefix}`;
}

/** A text as it stands in a policy: there `*`, `?` and `${` mean something. */
export function literal(text: string): string {
  return text.replace(/[$*?]/g, (sign) => `\${${sign}}`);
}

export interface Statement {
  Sid: string;
  Effect: "Allow";
  Principal?: Record<string, string>;
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}
export interface Policy {
  Version: "2012-10-17";
  Statement: Statement[];
}

function policy(...statements: Statement[]): Policy {
  return { Version: "2012-10-17", Statement: statements };
}

/** What the server calls, and nothing else. */
export function readerPolicy(wish: Wish): Policy {
  const arn = `arn:${partition(wish.region)}`;
  const bucket = `${arn}:s3:::${wish.bucket}`;
  const prefix = literal(wish.prefix);
  const statements: Statement[] = [];
  if (wish.way === "queue") {
    statements.push({
      Sid: "HearOfNewObjects",
      Effect: "Allow",
      Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
      Resource: `${arn}:sqs:${wish.region}:${wish.account}:${wish.queue}`,
    });
  }
  // A bucket with versions is asked for the version that the message names.
  const read = wish.way === "queue" ? ["s3:GetObject", "s3:GetObjectVersion"] : "s3:GetObject";
  statements.push({ Sid: "ReadObjects", Effect: "Allow", Action: read, Resource: `${bucket}/${prefix}*` });
  if (wish.way === "bucket" || wish.isOld) {
    statements.push({
      Sid: "ListOldObjects",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: bucket,
      Condition: { StringLike: { "s3:prefix": `${prefix}*` } },
    });
  }
  if (wish.key !== "") {
    const via = wish.key.split(":")[3] ?? wish.region;
    const domain = via.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    statements.push({
      Sid: "DecryptObjects",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: wish.key,
      Condition: { StringEquals: { "kms:ViaService": `s3.${via}.${domain}` } },
    });
  }
  return policy(...statements);
}

/** What the queue lets in: what this bucket of this account tells. */
export function queuePolicy(wish: Wish): Policy {
  const arn = `arn:${partition(wish.region)}`;
  return policy({
    Sid: "BucketTells",
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "sqs:SendMessage",
    Resource: `${arn}:sqs:${wish.region}:${wish.account}:${wish.queue}`,
    Condition: { ArnEquals: { "aws:SourceArn": `${arn}:s3:::${wish.bucket}` }, StringEquals: { "aws:SourceAccount": wish.account } },
  });
}

/** Firehose keeps what it cannot deliver in the bucket. */
export function firehosePolicy(wish: Wish): Policy {
  const bucket = `arn:${partition(wish.region)}:s3:::${wish.bucket}`;
  return policy({
    Sid: "KeepWhatCannotBeSent",
    Effect: "Allow",
    Action: ["s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:PutObject"],
    Resource: [bucket, `${bucket}/*`],
  });
}

/** CloudWatch Logs may put into the stream. */
export function subscriptionPolicy(wish: Wish): Policy {
  const arn = `arn:${partition(wish.region)}`;
  return policy({
    Sid: "SendToStream",
    Effect: "Allow",
    Action: ["firehose:PutRecord", "firehose:PutRecordBatch"],
    Resource: `${arn}:firehose:${wish.region}:${wish.account}:deliverystream/skywarden`,
  });
}

/** Who may become a role. */
export function trust(service: string, condition?: Statement["Condition"]): Record<string, unknown> {
  const statement = { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole", ...(condition ? { Condition: condition } : {}) };
  return { Version: "2012-10-17", Statement: [statement] };
}

/** The rights that are shown as JSON. */
export function shownPolicy(wish: Wish): { label: string; policy: Policy }[] {
  if (wish.way === "queue" || wish.way === "bucket") return [{ label: "IAM policy of the server", policy: readerPolicy(wish) }];
  const firehose = { label: "IAM policy of Firehose's role", policy: firehosePolicy(wish) };
  return wish.way === "firehose" ? [firehose] : [firehose, { label: "IAM policy of the subscription's role", policy: subscriptionPolicy(wish) }];
}
