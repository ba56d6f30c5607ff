// What is asked about every suspect, as one click. In the language in which people ask it.
import type { Entity } from "./entity";
import { inQl, listed } from "./predicate";

export interface Asked {
  id: string;
  label: string;
  text: string;
}

const PERSISTENCE = [
  "CreateUser", "CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "CreateRole", "UpdateAssumeRolePolicy", "AttachUserPolicy", "AttachRolePolicy",
  "AttachGroupPolicy", "PutUserPolicy", "PutRolePolicy", "AddUserToGroup", "CreatePolicyVersion", "CreateSAMLProvider", "CreateOpenIDConnectProvider", "UpdateAccessKey",
  "DeactivateMFADevice", "CreateKeyPair", "ImportKeyPair", "AddPermission20150331v2", "CreateFunction20150331", "UpdateFunctionCode20150331v2", "PutRule",
];
export const READS = [
  "GetObject", "SelectObjectContent", "GetSecretValue", "BatchGetSecretValue", "GetParameter", "GetParameters", "GetParametersByPath", "GetItem", "BatchGetItem", "Query",
  "Scan", "Decrypt", "GetPasswordData", "GetFunction20150331v2", "GetQueryResults", "GetAuthorizationToken", "GetLogEvents", "FilterLogEvents",
];
const LOGGING = [
  "StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "PutInsightSelectors", "DeleteFlowLogs", "DeleteLogGroup", "DeleteLogStream", "PutRetentionPolicy",
  "DeleteDetector", "UpdateDetector", "CreateIPSet", "CreateFilter", "DisassociateFromMasterAccount", "StopConfigurationRecorder", "DeleteConfigurationRecorder",
  "DeleteDeliveryChannel", "DisableSecurityHub", "DeleteAlarms", "DisableAlarmActions", "DeleteAnalyzer", "DeleteBucketLifecycle", "PutBucketLogging",
];
const SHARES = [
  "ModifySnapshotAttribute", "ModifyImageAttribute", "ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute", "PutBucketPolicy", "PutBucketAcl", "PutObjectAcl",
  "PutBucketReplication", "DeletePublicAccessBlock", "PutBucketPublicAccessBlock", "PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock", "AddPermission20150331v2",
  "AddLayerVersionPermission20181031", "SetRepositoryPolicy", "PutKeyPolicy", "CreateGrant", "PutResourcePolicy", "AuthorizeSecurityGroupIngress", "CreateResourceShare", "UpdateAssumeRolePolicy",
];
const SHOWN = "| fields @timestamp, eventName, eventSource, awsRegion, sourceIPAddress, errorCode, requestParameters";

/** `addresses` are those that it came from. */
export function questionsOf(entity: Entity, addresses: string[]): Asked[] {
  const all: Asked[] = [];
  if (entity.calls) {
    const its = `SOURCE 'cloudtrail'\n| filter ${inQl(entity.calls)}`;
    const named = (names: string[]) => `| filter eventName in [${listed(names, "ql")}]\n`;
    const isOne = entity.kind === "principal" || entity.kind === "session" || entity.kind === "key";
    all.push({
      id: "did",
      label: isOne ? "What did it do?" : entity.kind === "ip" ? "What was done from here?" : "What happened to it?",
      text: `${its}\n| fields @timestamp, userIdentity.arn, eventName, eventSource, sourceIPAddress, requestParameters, responseElements\n| sort @timestamp asc`,
    });
    if (!isOne) {
      all.push({
        id: "who",
        label: entity.kind === "ip" ? "Who used this address?" : "Who acted here?",
        text: `${its}\n| stats count(*) as events, min(@timestamp) as first, max(@timestamp) as last by userIdentity.arn, userIdentity.accessKeyId\n| sort events desc`,
      });
    } else if (addresses.length > 0) {
      all.push({
        id: "others",
        label: addresses.length === 1 ? "Who else used its address?" : "Who else used its addresses?",
        text: `SOURCE 'cloudtrail'\n| filter sourceIPAddress in [${listed(addresses, "ql")}]\n| filter not (${inQl(entity.calls)})\n| stats count(*) as events, min(@timestamp) as first, max(@timestamp) as last by sourceIPAddress, userIdentity.arn, userIdentity.accessKeyId\n| sort events desc`,
      });
    }
    all.push(
      {
        id: "accessed",
        label: "What resources were accessed?",
        text: `${its}\n| filter eventSource in ['s3.amazonaws.com', 'dynamodb.amazonaws.com', 'secretsmanager.amazonaws.com']\n| fields @timestamp, eventName, eventSource, errorCode, requestParameters\n| sort @timestamp asc`,
      },
      { id: "persistence", label: "Was persistence made?", text: `${its}\n${named(PERSISTENCE)}| fields @timestamp, userIdentity.arn, eventName, errorCode, requestParameters, responseElements\n| sort @timestamp asc` },
      { id: "read", label: "What data was read?", text: `${its}\n${named(READS)}${SHOWN}\n| sort @timestamp asc` },
      { id: "logging", label: "Was logging touched?", text: `${its}\n${named(LOGGING)}${SHOWN}\n| sort @timestamp asc` },
      { id: "shared", label: "Was anything shared or opened?", text: `${its}\n${named(SHARES)}${SHOWN}\n| sort @timestamp asc` },
      { id: "failed", label: "What failed?", text: `${its}\n| filter ispresent(errorCode)\n| stats count(*) as events, min(@timestamp) as first, max(@timestamp) as last by eventName, errorCode, errorMessage\n| sort events desc` },
    );
  }
  if (entity.flows) {
    all.push({
      id: "ports",
      label: "Which connections were unusual?",
      text: `SOURCE 'vpc'\n| filter ${inQl(entity.flows)}\n| filter action = 'ACCEPT' and dstport not in [80, 443]\n| stats sum(bytes) as bytes, count(*) as records, min(@timestamp) as first, max(@timestamp) as last by srcaddr, dstaddr, dstport\n| sort bytes desc`,
    });
  }
  return all;
}
