import { expect, it } from "vitest";
import type { Row } from "../../api/query";
import { chainOf, walk } from "./chain";

const user = { type: "IAMUser", arn: "arn:aws:iam::444455556666:user/mara", user_name: "mara", account: "444455556666", access_key: "AKIAMARA" };
const dev = "arn:aws:sts::444455556666:assumed-role/dev/deploy";
const org = "arn:aws:sts::111122223333:assumed-role/org/deploy";
const first: Row = { eventID: "1", eventName: "AssumeRole", time_dt: "2026-11-23 02:06:20.000", recipientAccountId: "444455556666", sourceIPAddress: "198.51.100.7", ...user, new_key: "ASIADEV", new_arn: dev };
const second: Row = {
  eventID: "2", eventName: "AssumeRole", time_dt: "2026-11-23 02:07:20.000", recipientAccountId: "444455556666", sharedEventID: "s", type: "AssumedRole", arn: dev, account: "444455556666",
  access_key: "ASIADEV", new_key: "ASIAORG", new_arn: org,
};
const twin: Row = { eventID: "3", eventName: "AssumeRole", time_dt: "2026-11-23 02:07:20.000", recipientAccountId: "111122223333", sharedEventID: "s", type: "AWSAccount", account: "444455556666", new_key: "ASIAORG", new_arn: org };
const log = [first, second, twin];

/** Answers as the lake would. */
const lake = async (text: string): Promise<Row[]> => log.filter((row) => [row.access_key, row.new_key].some((key) => key && new RegExp(`'${String(key)}'`).test(text)));

it("walks from the last session to the human who began", async () => {
  const { grants, isCut } = await walk(["ASIAORG"], lake);
  expect(grants).toHaveLength(3);
  expect(isCut).toBe(false);
  const chain = chainOf(grants, [{ type: "AssumedRole", arn: org, account: "111122223333" }], isCut);
  expect(chain.people.map((person) => [person.label, person.layer, person.isFirst, person.isIts])).toEqual([
    ["user/mara", 0, true, false],
    ["role/dev (session deploy)", 1, false, false],
    ["role/org (session deploy)", 2, false, true],
  ]);
  expect(chain.steps.map((step) => [step.call, step.times, step.keys])).toEqual([
    ["AssumeRole", 1, ["ASIADEV"]],
    ["AssumeRole", 1, ["ASIAORG"]],
  ]);
});

it("walks on to what was assumed next", async () => {
  const { grants } = await walk(["AKIAMARA"], lake);
  const chain = chainOf(grants, [user], false);
  expect(chain.people.at(-1)?.value).toBe(org);
});

it("ends where roles assume each other in a circle", () => {
  const a = "arn:aws:sts::444455556666:assumed-role/a/s";
  const b = "arn:aws:sts::444455556666:assumed-role/b/s";
  const grant = (from: string, to: string, id: string): Row => ({ eventID: id, eventName: "AssumeRole", time_dt: "2026-11-23 02:00:00.000", recipientAccountId: "444455556666", type: "AssumedRole", arn: from, account: "444455556666", new_arn: to });
  const chain = chainOf([grant(a, b, "1"), grant(b, a, "2")], [], false);
  expect(chain.people).toHaveLength(2);
  expect(chain.steps).toHaveLength(2);
});
