import { expect, test } from "vitest";
import { fieldsOf, seen, short, type Seen } from "./events";
import { netOf } from "./links";

const trail = (more: object) => seen({ time_dt: "2026-11-23 02:09:20.000", event_uid: "u1", event_source: "aws_cloudtrail", event_account: "111122223333", event_format: "", raw: JSON.stringify(more) });
const assumed = {
  userIdentity: {
    type: "AssumedRole", arn: "arn:aws:sts::111122223333:assumed-role/Admin/deploy", accountId: "111122223333", accessKeyId: "ASIAX",
    sessionContext: { sessionIssuer: { arn: "arn:aws:iam::111122223333:role/Admin" } },
  },
  eventSource: "cloudtrail.amazonaws.com", eventName: "StopLogging", sourceIPAddress: "198.51.100.77", awsRegion: "eu-west-1", readOnly: false,
  requestParameters: { name: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/prod-trail", clientToken: "t" },
};

test("a CloudTrail record tells who did what from where to what", () => {
  const event = trail(assumed);
  expect(event.principal).toBe("arn:aws:iam::111122223333:role/Admin");
  expect(event.session).toBe("arn:aws:sts::111122223333:assumed-role/Admin/deploy");
  expect([event.name, event.service, event.ip, event.key, event.isRead]).toEqual(["StopLogging", "cloudtrail", "198.51.100.77", "ASIAX", false]);
  expect(event.resources).toEqual(["arn:aws:cloudtrail:eu-west-1:111122223333:trail/prod-trail"]);
});

test("a flow record is read by the names of its format", () => {
  const event = seen({
    time_dt: "2026-11-23 06:01:52.000", event_uid: "f1", event_source: "aws_vpc_flow", event_account: "111122223333",
    event_format: "${version} ${instance-id} ${interface-id} ${srcaddr} ${dstaddr} ${dstport} ${protocol} ${action} ${region}",
    raw: "5 i-0e3e eni-01 203.0.113.51 10.0.1.26 22 6 ACCEPT eu-west-1",
  });
  expect([event.name, event.ip, event.principal, event.region]).toEqual(["ACCEPT TCP 22", "203.0.113.51", "eni-01", "eu-west-1"]);
  expect(event.resources).toEqual(["10.0.1.26", "i-0e3e"]);
  expect(event.tried).toBe("2 - eni-01 203.0.113.51 10.0.1.26 - 22 6 - - - - ACCEPT -");
});

test("records of another form, of wrong types, or none at all are shown and break nothing", () => {
  for (const raw of ["", "{", "null", "[]", "7", '"x"', '{"userIdentity":[],"eventName":{},"resources":{"a":1},"requestParameters":[[[[[["x"]]]]]]}', '{"userIdentity":null,"responseElements":"no"}']) {
    expect(seen({ time_dt: "nonsense", raw }).raw).toBe(raw);
  }
});

test("the fields of a rule are read out of its predicate", () => {
  const predicate = 'all {\n  any {\n    userAgent[*] ~ /(?i)kali/\n    requestParameters.items[*].name = "x"\n  }\n  not {\n    ~skywarden[*].by_service[*] = "true"i\n  }\n}';
  expect(fieldsOf(predicate)).toEqual(["userAgent", "requestParameters.items.name", "skywarden.by_service"]);
});

test("names are short", () => {
  expect(short("arn:aws:sts::1:assumed-role/Admin/deploy")).toBe("Admin/deploy");
  expect(short("arn:aws:iam::1:user/path/mara")).toBe("user/mara");
  expect(short("arn:aws:s3:::bucket")).toBe("bucket");
  expect(short("i-0e3e")).toBe("i-0e3e");
});

test("events tie address, key, principal, call and resource", () => {
  const { nodes, edges } = netOf([trail(assumed), trail(assumed)]);
  expect(nodes.map((node) => node.kind).sort()).toEqual(["api", "ip", "key", "principal", "resource", "session"]);
  expect(edges.find((edge) => edge.what === "called")).toMatchObject({ events: 2, to: "api cloudtrail:StopLogging" });
});

test("more than fits is put together, and said", () => {
  const many: Seen[] = Array.from({ length: 500 }, (_, at) => ({ ...trail(assumed), resources: [`bucket-${at}`] }));
  const net = netOf(many, 200);
  expect(net.nodes.length).toBeLessThanOrEqual(200);
  expect(net.clustered).toBeGreaterThan(300);
  const rare: Seen[] = Array.from({ length: 300 }, (_, at) => ({ ...trail(assumed), ip: `198.51.100.${at}`, key: `K${at}`, session: "", principal: `p${at}`, name: `Call${at}`, resources: [`r${at}`] }));
  expect(netOf(rare, 200).nodes.length).toBeLessThanOrEqual(200);
});
