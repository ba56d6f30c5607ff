// The texts that panels ask the lake.
import { quoted } from "../../api/query";
import { WHO_COLUMNS } from "./entity";
import { inSql, listed, type Predicate } from "./predicate";

const AGENT = "btrim(userAgent, '[]')";
const PRINCIPAL = "coalesce(userIdentity.sessionContext.sessionIssuer.arn, userIdentity.arn, userIdentity.invokedBy, userIdentity.principalId, userIdentity.userName, userIdentity.accountId, userIdentity.type)";

/** Events, errors and writes of each hour. */
export function hoursText(calls: Predicate): string {
  return `SELECT date_trunc('hour', time_dt) AS hour, count(*) AS events, count(errorCode) AS errors,
  count(*) FILTER (WHERE readOnly = 'false') AS writes, min(time_dt) AS first, max(time_dt) AS last
FROM cloudtrail
WHERE ${inSql(calls)}
GROUP BY 1
ORDER BY 1`;
}

/** How many events it has, and the last. */
export function kindsText(calls: Predicate): string {
  return `SELECT count(*) AS events, max(time_dt) AS last
FROM cloudtrail
WHERE ${inSql(calls)}`;
}

export const FACETS = ["api", "region", "from", "account", "key"] as const;

/** All that it is seen with, counted in the window that begins at `since` and before it. */
export function traitsText(calls: Predicate, since: string): string {
  const now = `FILTER (WHERE time_dt >= ${quoted(since, "sql")})`;
  return `SELECT CASE WHEN grouping(api) = 0 THEN 'api' WHEN grouping(region) = 0 THEN 'region'
    WHEN grouping(agent) = 0 THEN 'from' WHEN grouping(recipient) = 0 THEN 'account' ELSE 'key' END AS facet,
  service, api, region, address, agent, recipient, access_key, type, arn, user_name, account, invoked_by, provider,
  count(*) ${now} AS events, count(*) - count(*) ${now} AS before, count(error) ${now} AS errors,
  min(time_dt) ${now} AS first, max(time_dt) ${now} AS last
FROM (SELECT time_dt, eventSource AS service, eventName AS api, awsRegion AS region, sourceIPAddress AS address, ${AGENT} AS agent,
    recipientAccountId AS recipient, errorCode AS error, userIdentity.accessKeyId AS access_key, ${WHO_COLUMNS}
  FROM cloudtrail WHERE ${inSql(calls)}) AS calls
GROUP BY GROUPING SETS ((service, api), (region), (address, agent), (recipient),
  (access_key, type, arn, user_name, account, invoked_by, provider))
ORDER BY events DESC`;
}

/** How many principals of all use what is new to one. */
export function rarityText(seen: { apis: string[]; regions: string[]; addresses: string[]; agents: string[] }): string | null {
  const parts = [
    ["api", "eventName", seen.apis.slice(0, 60)],
    ["region", "awsRegion", seen.regions.slice(0, 40)],
    ["address", "sourceIPAddress", seen.addresses.slice(0, 60)],
    ["agent", AGENT, seen.agents.filter((agent) => agent.length < 300).slice(0, 10)],
  ].filter((part) => (part[2] as string[]).length > 0) as [string, string, string[]][];
  if (parts.length === 0) return null;
  return `SELECT ${parts.map(([name]) => name).join(", ")}, count(DISTINCT principal) AS principals
FROM (SELECT ${parts.map(([name, column]) => `${column} AS ${name}`).join(", ")}, ${PRINCIPAL} AS principal
  FROM cloudtrail
  WHERE ${parts.map(([, column, values]) => `${column} IN (${listed(values, "sql")})`).join("\n    OR ")}) AS calls
GROUP BY GROUPING SETS (${parts.map(([name]) => `(${name})`).join(", ")})`;
}

/** Members of requests that name what a call is about, the most telling first. */
const TARGETS = [
  "bucketName", "userName", "roleName", "roleArn", "groupName", "policyArn", "functionName", "instanceId", "snapshotId", "imageId", "groupId", "secretId",
  "keyId", "dBSnapshotIdentifier", "dBInstanceIdentifier", "name", "trailName", "detectorId", "vpcId", "documentName", "logGroupName", "volumeId",
  "stackName", "clusterName", "repositoryName", "topicArn", "queueUrl", "tableName",
];

export function resourcesText(calls: Predicate): string {
  return `SELECT resources, coalesce(${TARGETS.map((name) => `requestParameters.${name}`).join(", ")}) AS target, eventSource, eventName, readOnly,
  count(*) AS events, count(errorCode) AS errors, min(time_dt) AS first, max(time_dt) AS last
FROM cloudtrail
WHERE ${inSql(calls)}
GROUP BY 1, 2, 3, 4, 5
HAVING resources IS NOT NULL OR target IS NOT NULL
ORDER BY readOnly, events DESC`;
}

export function flowsText(flows: Predicate): string {
  return `SELECT srcaddr, dstaddr, dst_endpoint_port AS port, native_action AS action,
  sum(traffic_bytes) AS bytes, sum(traffic_packets) AS packets, count(*) AS records, min(time_dt) AS first, max(time_dt) AS last
FROM vpc
WHERE ${inSql(flows)}
GROUP BY 1, 2, 3, 4
ORDER BY bytes DESC NULLS LAST
LIMIT 500`;
}

/** Where one call came from and the next from elsewhere. */
export function movesText(calls: Predicate): string {
  return `SELECT * FROM (SELECT time_dt AS at, sourceIPAddress AS address,
    lag(time_dt) OVER (ORDER BY time_dt) AS at_before, lag(sourceIPAddress) OVER (ORDER BY time_dt) AS address_before
  FROM cloudtrail
  WHERE ${inSql(calls)}) AS moves
WHERE address <> address_before
ORDER BY at
LIMIT 2000`;
}

/** Who logged in to the console from where, in the time and before \`since\`. */
export function loginsText(since: string): string {
  const now = `FILTER (WHERE time_dt >= ${quoted(since, "sql")})`;
  return `SELECT sourceIPAddress AS value, count(*) ${now} AS events, count(*) - count(*) ${now} AS before, count(*) ${now} - count(*) FILTER (WHERE time_dt >= ${quoted(since, "sql")} AND responseElements.ConsoleLogin = 'Success') AS errors
FROM cloudtrail
WHERE eventName = 'ConsoleLogin'
GROUP BY 1
ORDER BY events DESC
LIMIT 1000`;
}

export const TIMELINE_ROWS = 2000;

/** Its newest events, each with how many rules found it. */
export function timelineText(calls: Predicate): string {
  return `SELECT calls.*, found.rules
FROM (SELECT time_dt, event_identity, eventSource, eventName, readOnly, errorCode, awsRegion, sourceIPAddress, recipientAccountId,
    ${WHO_COLUMNS},
    coalesce(${TARGETS.map((name) => `requestParameters.${name}`).join(", ")}) AS target
  FROM cloudtrail
  WHERE ${inSql(calls)}
  ORDER BY time_dt DESC
  LIMIT ${TIMELINE_ROWS}) AS calls
LEFT JOIN (SELECT hit_event, count(DISTINCT rule_uid) AS rules FROM hits GROUP BY 1) AS found ON found.hit_event = calls.event_identity
ORDER BY time_dt DESC`;
}

/** One event as it came. */
export function rawText(identity: string): string {
  return `SELECT raw FROM cloudtrail WHERE encode(event_identity, 'hex') = ${quoted(identity, "sql")} LIMIT 1`;
}

/** Calls that hand out credentials. */
export const GRANTS = [
  "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetSessionToken", "GetFederationToken", "CreateAccessKey", "CreateLoginProfile",
];

/** Who was given one of these keys, and what was given to who used one of those. */
export function grantsText(given: string[], used: string[]): string {
  const or = [
    given.length > 0 ? `responseElements.credentials.accessKeyId IN (${listed(given, "sql")})` : "",
    given.length > 0 ? `responseElements.accessKey.accessKeyId IN (${listed(given, "sql")})` : "",
    used.length > 0 ? `userIdentity.accessKeyId IN (${listed(used, "sql")})` : "",
  ].filter(Boolean);
  return `SELECT time_dt, eventID, eventName, recipientAccountId, sourceIPAddress, errorCode, sharedEventID, userIdentity.accessKeyId AS access_key, ${WHO_COLUMNS},
  requestParameters.roleArn AS role, requestParameters.roleSessionName AS session_name, requestParameters.userName AS for_user,
  responseElements.credentials.accessKeyId AS new_key, responseElements.assumedRoleUser.arn AS new_arn, responseElements.accessKey.accessKeyId AS made_key
FROM cloudtrail
WHERE eventName IN (${listed(GRANTS, "sql")})
  AND (${or.join("\n    OR ")})
ORDER BY time_dt
LIMIT 2000`;
}

/** The same of flow records, for an address that makes no calls. */
export function flowHoursText(flows: Predicate): string {
  return `SELECT date_trunc('hour', time_dt) AS hour, count(*) AS events, count(*) FILTER (WHERE native_action = 'REJECT') AS errors, 0 AS writes,
  min(time_dt) AS first, max(time_dt) AS last
FROM vpc
WHERE ${inSql(flows)}
GROUP BY 1
ORDER BY 1`;
}
