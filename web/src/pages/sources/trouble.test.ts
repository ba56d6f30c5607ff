import { expect, it } from "vitest";
import { advice, arnOf, missing, statement } from "./trouble";

it("the missing permission is read out of what the server says", () => {
  const queue = "cannot read the queue https://sqs.eu-central-1.amazonaws.com/111122223333/skywarden: the permission sqs:ReceiveMessage on https://sqs.eu-central-1.amazonaws.com/111122223333/skywarden is missing: AWS answered 403 AccessDenied: no";
  expect(missing(queue)).toEqual({ action: "sqs:ReceiveMessage", resource: "https://sqs.eu-central-1.amazonaws.com/111122223333/skywarden" });
  expect(JSON.parse(statement(missing(queue)!))).toEqual({ Effect: "Allow", Action: "sqs:ReceiveMessage", Resource: "arn:aws:sqs:eu-central-1:111122223333:skywarden" });
  const object = missing("the permission s3:GetObject on arn:aws:s3:::trail/AWSLogs/1/x.json.gz is missing");
  expect(JSON.parse(statement(object!)).Resource).toBe("arn:aws:s3:::trail/AWSLogs/1/*");
  const list = missing("cannot list: the permission s3:ListBucket on arn:aws:s3:::trail is missing");
  expect(JSON.parse(statement(list!)).Resource).toBe("arn:aws:s3:::trail");
  const key = missing("the permission kms:Decrypt is missing: User: x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-central-1:1:key/2 because");
  expect(key).toEqual({ action: "kms:Decrypt", resource: "arn:aws:kms:eu-central-1:1:key/2" });
  expect(missing("AWS did not answer")).toBeNull();
  expect(arnOf("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q")).toBe("arn:aws-cn:sqs:cn-north-1:111122223333:q");
  expect(advice("neither variables nor profile nor container nor instance give credentials")).toContain("credentials");
});
