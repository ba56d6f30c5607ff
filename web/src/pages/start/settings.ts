// What the server is told so that it reads: flags, or its file. Pure.
import { bucketUri, queueUrl, type Wish } from "./aws";

/** A word of a shell, whatever it holds. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A text of TOML: JSON's escapes are TOML's, but for DEL. */
export function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

type Setting = [name: string, value: string, isList: boolean];

function settings(wish: Wish): Setting[] {
  const own: Setting = ["own_account", wish.account, true];
  const region: Setting = ["region", wish.region, false];
  if (wish.way === "queue") {
    const old: Setting[] = wish.isOld ? [["bucket", bucketUri(wish), true]] : [];
    return [["queue", queueUrl(wish), true], ...old, region, own];
  }
  if (wish.way === "bucket") return [["bucket", bucketUri(wish), true], region, own];
  return [
    ["listen", "0.0.0.0:443", false],
    ["tls_cert", "/etc/skywarden/cert.pem", false],
    ["tls_key", "/etc/skywarden/key.pem", false],
    own,
  ];
}

export function command(wish: Wish): string {
  const flags = settings(wish).map(([name, value]) => `--${name.replaceAll("_", "-")} ${shellWord(value)}`);
  return ["skywarden serve --data ./data", ...flags].join(" \\\n  ") + "\n";
}

export function file(wish: Wish): string {
  const lines = settings(wish).map(([name, value, isList]) => `${name} = ${isList ? `[${tomlText(value)}]` : tomlText(value)}`);
  return ["# skywarden serve --config skywarden.toml", 'data = "./data"', ...lines].join("\n") + "\n";
}
