// What is wrong with a feed, and what to do. Pure.

export interface Missing {
  action: string;
  resource: string | null;
}

/** The permission that the server says is missing. */
export function missing(trouble: string): Missing | null {
  const found = /permission ([a-z0-9]+:[A-Za-z]+)(?: on (\S+))? is missing/.exec(trouble);
  // Where a key's permission is missing, AWS says so within its answer to another call.
  const key = /kms:Decrypt[^:]*?on resource: (arn:\S+)/.exec(trouble);
  if (/kms:Decrypt/.test(trouble)) return { action: "kms:Decrypt", resource: key?.[1]?.replace(/[.,;]$/, "") ?? null };
  if (!found?.[1]) return null;
  return { action: found[1], resource: found[2] ?? null };
}

/** The ARN of what stands in a message: queues are told by URL. */
export function arnOf(resource: string | null): string {
  if (resource === null) return "arn of what is read";
  const queue = /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?\/(\d{12})\/([A-Za-z0-9_.-]+)$/.exec(resource);
  if (queue) return `arn:aws${queue[2] ? "-cn" : (queue[1] ?? "").startsWith("us-gov-") ? "-us-gov" : ""}:sqs:${queue[1]}:${queue[3]}:${queue[4]}`;
  return resource;
}

/** The statement that a policy lacks. */
export function statement({ action, resource }: Missing): string {
  // What is missing for one object is missing for those beside it.
  const folder = action.startsWith("s3:GetObject") && resource ? resource.replace(/(arn:[^/]+\/(?:[^/]+\/)*)[^/]*$/, "$1*") : resource;
  return `${JSON.stringify({ Effect: "Allow", Action: action, Resource: arnOf(folder) }, null, 2)}\n`;
}

/** What to do about it, in words. */
export function advice(trouble: string): string {
  if (missing(trouble)) return "Add this to the policy of the server's role or user. It tries again by itself every few seconds.";
  if (/neither variables nor profile nor container nor instance/.test(trouble)) return "The server has no credentials: give it a role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";
  if (/ExpiredToken|RequestExpired/.test(trouble)) return "Its credentials have expired: renew them, and look at the machine's clock.";
  if (/NoSuchBucket|NonExistentQueue|QueueDoesNotExist/.test(trouble)) return "It is not there: look at the name, the Region and the account.";
  if (/did not answer/.test(trouble)) return "AWS cannot be reached: look at the network, a proxy, or an endpoint of the VPC.";
  return "It tries again by itself. The server's log has each attempt.";
}
