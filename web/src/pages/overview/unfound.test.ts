import { expect, it } from "vitest";
import { around, callsText, deedsOf, partOf, telling, type Deed } from "./unfound";

const deed = (what: string, first: string, more: Partial<Deed> = {}): Deed => ({ kind: "call", first, last: first, who: "user/mara", what, events: 1, errors: 0, bytes: 0, isRead: false, isWrite: false, to: "", ...more });
const BEGUN = "2026-11-23T01:43:00Z";

it("tells the way in, what was read and changed, and the most bytes, and not what failed", () => {
  const deeds = [
    deed("iam:ListUsers", "2026-11-23T01:41:00Z"),
    deed("sts:GetCallerIdentity", "2026-11-23T01:40:00Z"),
    deed("s3:GetObject", "2026-11-23T03:00:00Z", { isRead: true, events: 10 }),
    deed("ssm:GetParameter", "2026-11-23T03:01:00Z", { isRead: true, events: 50, errors: 50 }),
    deed("ec2:CreateTags", "2026-11-23T02:00:00Z", { isWrite: true }),
    deed("a", "2026-11-23T04:00:00Z", { kind: "flow", bytes: 5e6 }),
    deed("b", "2026-11-23T04:10:00Z", { kind: "flow", bytes: 13e9 }),
  ];
  expect(telling(deeds, BEGUN, 4).map((one) => one.what)).toEqual(["sts:GetCallerIdentity", "ec2:CreateTags", "s3:GetObject", "b"]);
  expect(telling(deeds, BEGUN, 2).map((one) => one.what)).toEqual(["sts:GetCallerIdentity", "b"]);
  expect(telling(deeds, "2026-11-23T01:00:00Z", 9).map((one) => one.what)).not.toContain("sts:GetCallerIdentity");
});

it("says which part each has", () => {
  expect(partOf(deed("x", "2026-11-23T01:40:00Z"), BEGUN)).toBe("Way in");
  expect(partOf(deed("x", "2026-11-23T03:00:00Z", { isRead: true }), BEGUN)).toBe("Damage");
  expect(partOf(deed("x", "2026-11-23T03:00:00Z"), BEGUN)).toBe("");
});

it("puts calls of one who and one name together, over all keys", () => {
  const row = { service: "s3.amazonaws.com", api: "GetObject", read_only: "true", type: "IAMUser", user_name: "mara", events: 4, errors: 1, first: "2026-11-23 03:00:00.000", last: "2026-11-23 03:01:00.000" };
  const [one, ...more] = deedsOf([{ ...row, access_key: "ASIA1" }, { ...row, access_key: "ASIA2", first: "2026-11-23 02:00:00.000" }], () => "/query");
  expect(more).toEqual([]);
  expect(one).toMatchObject({ who: "user/mara", what: "s3:GetObject", events: 8, errors: 2, first: "2026-11-23T02:00:00Z", last: "2026-11-23T03:01:00Z", isRead: true });
});

it("asks for a day around, in whole hours", () => {
  expect(around(BEGUN, "2026-11-23T04:06:00Z")).toEqual({ from: "2026-11-22T01:00:00Z", to: "2026-11-24T05:00:00Z" });
  expect(callsText("sourceIPAddress = '1'")).toContain("WHERE sourceIPAddress = '1') AS calls");
});
