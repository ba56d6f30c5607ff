// What to do about a file that was not taken, or of which a part was set aside. Pure.

const AGAIN = "Nothing is taken twice, so the whole file can be sent again.";

/** About a refusal of the server; 0 if it did not answer. */
export function refusalAdvice(status: number): string {
  if (status === 0) return `Drop it again when the server answers. ${AGAIN}`;
  if (status === 401) return `Log in, and drop it again. ${AGAIN}`;
  if (status === 403) return "Your role may not send logs: an admin can, or can make a token with the role ingest-only.";
  if (status === 413) return "Split it, or read it on the server: skywarden serve --import FILE.";
  if (status === 429 || status === 503 || status === 507) return `The server is busy or its disk is full: look at Sources & health, wait a minute, and drop it again. ${AGAIN}`;
  if (status >= 500) return "Try again; if it stays, skywarden doctor on the server tells what is wrong.";
  return "Mend the file where it was made, and drop it again.";
}

/** About what was read and is no record, by the reason that stands in the quarantine. */
export function asideAdvice(reason: string): string {
  if (/cut off|truncated|unexpected end|ended early|incomplete|not whole/i.test(reason)) return `It is not whole: fetch it again and drop it again. ${AGAIN}`;
  if (/no record of a known log|no JSON|holds no records/i.test(reason)) {
    return "CloudTrail events and VPC flow logs are read, in AWS's files or one a line; a flow log of other columns needs its header line. Look at the piece under Quarantine: if it is another log, leave it out.";
  }
  if (/password|encrypted/i.test(reason)) return "Decrypt it first.";
  if (/deep|large|long|ratio|too many/i.test(reason)) return "It is over a limit that protects the server: split it, and drop the parts.";
  return "Look at the piece under Quarantine, mend it where it was made, and send it again.";
}
