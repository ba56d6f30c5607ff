// Questions to begin with.
import Box from "@cloudscape-design/components/box";
import { Link } from "wouter";
import { queryLink } from "../../app/url";

interface Example {
  title: string;
  why: string;
  text: string;
}

const SUSPECT = "arn:aws:iam::111122223333:user/suspect";
export const EXAMPLES: Example[] = [
  {
    title: "Failed console logins",
    why: "by address and user",
    text: 'filter eventName = "ConsoleLogin" and responseElements.ConsoleLogin = "Failure"\n| stats count(*) as failures by sourceIPAddress, userIdentity.userName\n| sort failures desc',
  },
  {
    title: "What root did",
    why: "best if there is nothing",
    text: 'fields @timestamp, eventName, sourceIPAddress, userAgent\n| filter userIdentity.type = "Root" and eventName not like /ConsoleLogin/\n| sort @timestamp desc\n| limit 1000',
  },
  {
    title: "Security groups changed",
    why: "who opened or closed what",
    text: 'fields @timestamp, eventName, userIdentity.arn, requestParameters.groupId, sourceIPAddress\n| filter eventSource = "ec2.amazonaws.com"\n| filter eventName like /^(Authorize|Revoke)SecurityGroup/\n| sort @timestamp desc\n| limit 1000',
  },
  {
    title: "Policies changed",
    why: "made, attached, written, deleted",
    text: 'fields @timestamp, eventName, userIdentity.arn, requestParameters.policyName, requestParameters.policyArn\n| filter eventSource = "iam.amazonaws.com"\n| filter eventName like /^(Create|Delete|Attach|Detach|Put).*Policy$/\n| sort @timestamp desc\n| limit 1000',
  },
  {
    title: "Buckets read from outside addresses",
    why: "which addresses, which buckets",
    text: 'filter eventSource = "s3.amazonaws.com" and isValidIp(sourceIPAddress) and not isPrivateIP(sourceIPAddress)\n| stats count(*) as calls by sourceIPAddress, requestParameters.bucketName\n| sort calls desc',
  },
  {
    title: "Users who log in from many addresses",
    why: "compare with what is usual for them",
    text: 'filter eventName = "ConsoleLogin"\n| stats count(*) as logins, count_distinct(sourceIPAddress) as addresses by userIdentity.arn\n| sort addresses desc',
  },
  {
    title: "Everything from one address",
    why: "put in the address",
    text: 'fields @timestamp, userIdentity.arn, eventSource, eventName, errorCode\n| filter sourceIPAddress = "198.51.100.77"\n| sort @timestamp asc\n| limit 1000',
  },
  {
    title: "Everything one principal did",
    why: "put in the ARN",
    text: `fields @timestamp, eventSource, eventName, sourceIPAddress, errorCode\n| filter userIdentity.arn = "${SUSPECT}"\n| sort @timestamp asc\n| limit 1000`,
  },
  {
    title: "Data that was touched",
    why: "S3, DynamoDB and secrets, by principal",
    text: 'filter eventSource in ["s3.amazonaws.com", "dynamodb.amazonaws.com", "secretsmanager.amazonaws.com"]\n| stats count(*) as calls by userIdentity.arn, eventSource\n| sort calls desc',
  },
  {
    title: "Ways back in",
    why: "keys, users, roles and logins that were made",
    text: 'fields @timestamp, eventName, userIdentity.arn, requestParameters.userName, requestParameters.roleName, sourceIPAddress\n| filter eventName in ["CreateAccessKey", "CreateUser", "CreateRole", "CreateLoginProfile"]\n| sort @timestamp asc\n| limit 1000',
  },
  {
    title: "Large flows to unusual ports",
    why: "accepted, neither 80 nor 443",
    text: 'fields @timestamp, srcaddr, dstaddr, dstport, bytes, interfaceId\n| filter action = "ACCEPT" and dstport not in [80, 443]\n| sort bytes desc\n| limit 1000',
  },
];

export function Examples() {
  return (
    <section aria-label="Examples">
      <Box variant="h2" padding={{ bottom: "xs" }}>
        Questions to begin with
      </Box>
      <div className="examples">
        {EXAMPLES.map((example) => (
          <Link key={example.title} href={queryLink(example.text)} className="example">
            <b>{example.title}</b>
            <span className="muted small">{example.why}</span>
          </Link>
        ))}
      </div>
      <Box variant="small" color="text-body-secondary">
        They ask all logs over all time; a question without rows means that no event matches.
      </Box>
    </section>
  );
}
