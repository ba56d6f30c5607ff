import { describe, expect, it } from "vitest";
import { entityOf, whoEntity, whoWords } from "./entity";
import { inQl, inSql, pattern } from "./predicate";

const sql = (kind: Parameters<typeof entityOf>[0], value: string) => inSql(entityOf(kind, value).calls ?? []);

describe("a principal is the same in the words of findings and in ARNs", () => {
  it("reads users, roles and sessions", () => {
    expect(sql("principal", "user/alice")).toBe("userIdentity.type = 'IAMUser' AND userIdentity.userName = 'alice'");
    expect(sql("principal", "arn:aws:iam::111122223333:user/team/alice")).toBe("userIdentity.arn = 'arn:aws:iam::111122223333:user/team/alice'");
    expect(sql("principal", "role/deployer (session ci)")).toBe("userIdentity.sessionContext.sessionIssuer.userName = 'deployer' AND ends_with(userIdentity.arn, '/ci')");
    expect(sql("session", "arn:aws:sts::111122223333:assumed-role/deployer/ci")).toBe("userIdentity.arn = 'arn:aws:sts::111122223333:assumed-role/deployer/ci'");
    expect(sql("principal", "role/deployer")).toBe("userIdentity.sessionContext.sessionIssuer.userName = 'deployer'");
    expect(sql("principal", "root")).toBe("userIdentity.type = 'Root'");
    expect(sql("principal", "account 444455556666")).toBe("userIdentity.type = 'AWSAccount' AND userIdentity.accountId = '444455556666'");
    expect(entityOf("principal", "arn:aws:iam::111122223333:user/team/alice").name).toBe("user/alice");
  });

  it("finds the findings of exactly this one", () => {
    const meant = (value: string, principal: string) => entityOf("principal", value).findings.isMeant({ principal, account: "" });
    expect(meant("user/al", "user/alice")).toBe(false);
    expect(meant("arn:aws:iam::111122223333:user/alice", "user/alice")).toBe(true);
    expect(meant("role/deployer", "role/deployer (session ci)")).toBe(true);
    expect(meant("role/deployer (session ci)", "role/deployer (session cd)")).toBe(false);
  });

  it("says who acted as findings say it", () => {
    const row = { type: "AssumedRole", arn: "arn:aws:sts::111122223333:assumed-role/deployer/ci" };
    expect(whoWords(row)).toBe("role/deployer (session ci)");
    expect(whoEntity(row)).toEqual({ kind: "session", value: row.arn });
    expect(whoWords({ type: "IAMUser", user_name: "alice" })).toBe("user/alice");
    expect(whoWords({ type: "AWSAccount", account: "444455556666" })).toBe("account 444455556666");
  });
});

describe("what comes from logs stays a value", () => {
  const evil = `x' OR 1=1 -- "\\ / $ */ | delete`;

  it("in SQL", () => {
    const quotes = sql("principal", `user/${evil}`).replace("userIdentity.type = 'IAMUser' AND ", "");
    expect(quotes).toBe(`userIdentity.userName = 'x'' OR 1=1 -- "\\ / $ */ | delete'`);
  });

  it("in Logs Insights QL", () => {
    expect(inQl(entityOf("ip", `1" or "1"="1`).calls ?? [])).toBe(`sourceIPAddress = "1\\" or \\"1\\"=\\"1"`);
    expect(inQl(entityOf("principal", "role/r (session a/.*|b)").calls ?? [])).toContain(String.raw`like /\x{2f}a\x{2f}\x{2e}\x{2a}\x{7c}b$/`);
    expect(pattern("a/b\n")).toBe(String.raw`a\x{2f}b\x{a}`);
  });
});

it("finds resources by ARN, and within the account by the short name", () => {
  expect(sql("resource", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main")).toContain(`(strpos(requestParameters, '"main"') > 0 AND recipientAccountId = '111122223333')`);
  expect(entityOf("resource", "eni-0abc").flows).not.toBeNull();
  expect(entityOf("principal", "eni-0abc").flows).not.toBeNull();
});
