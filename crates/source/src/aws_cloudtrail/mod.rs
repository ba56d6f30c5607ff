//! AWS CloudTrail: account activity, as management, data, network-activity, aggregated and Insights events.

pub mod credentials;
pub mod derive;
pub mod mapping;
pub mod terms;

use event::event::{Description, Envelope};
use event::layout::{Derived, Fields};
use event::scan::Slot;
use event::value::Value;

use crate::source::Source;

/// AWS CloudTrail.
pub const SOURCE: Source = Source {
    name: "aws_cloudtrail",
    product: "aws",
    services: &["cloudtrail", "aws_cloudtrail"],
    envelope_paths: &[
        "eventTime",
        "eventID",
        "recipientAccountId",
        "userIdentity.accountId",
        "awsRegion",
        "sourceIPAddress",
        "userIdentity.type",
        "userIdentity.arn",
        "userIdentity.sessionContext.sessionIssuer.arn",
        "userIdentity.invokedBy",
        "userIdentity.principalId",
        "userIdentity.onBehalfOf.userId",
        "timeWindow.windowStart",
        "eventId",
        "accountId",
        "userIdentity.accessKeyId",
        "eventVersion",
        "eventSource",
        "eventName",
        "errorCode",
    ],
    envelope,
    describe,
    brief,
    issues: credentials::issues,
    issued: credentials::issued,
    terms: terms::TERMS,
    derived: Some(Derived { name: "skywarden", derive: derive::derive }),
    mapping: &mapping::MAPPING,
    parse: |raw| Value::parse(raw).unwrap_or(Value::Null),
};

fn envelope(fields: &mut Fields<'_>, slots: &[Slot], out: &mut Envelope) {
    let [
        time,
        id,
        recipient,
        account,
        region,
        ip,
        kind,
        arn,
        issuer,
        invoked_by,
        principal_id,
        behalf,
        window,
        small_id,
        own,
        key,
        version,
        ..,
    ] = slots
    else {
        return;
    };
    let (values, raw) = fields.at(*time);
    let text = |slot: &Slot| values.text(*slot, raw).unwrap_or_default();
    // Every CloudTrail record says its version; lists of events made by other tools have times and names as well.
    if values.spans(*version).next().is_none() {
        return;
    }
    // Aggregated events have a window in place of a time, and write the id with a small letter.
    out.time_ms = event::time::parse(&text(time)).or_else(|| event::time::parse(&text(window)));
    push_first(&mut out.uid, &[&text(id), &text(small_id)]);
    push_first(&mut out.account, &[&text(recipient), &text(account), &text(own)]);
    out.region.push_str(&text(region));
    out.source_ip.push_str(&text(ip));
    out.access_key.push_str(&text(key));
    match &*text(kind) {
        "AssumedRole" => push_first(&mut out.principal_uid, &[&text(issuer), &text(arn)]),
        "AWSService" => push_first(&mut out.principal_uid, &[&text(invoked_by), &text(ip)]),
        "IdentityCenterUser" => push_first(&mut out.principal_uid, &[&text(behalf), &text(principal_id)]),
        "AWSAccount" => out.principal_uid.push_str(&format!("{}:{}", text(account), text(principal_id))),
        _ => push_first(&mut out.principal_uid, &[&text(arn), &text(principal_id), &text(invoked_by), &text(ip)]),
    }
}

fn push_first(out: &mut String, texts: &[&str]) {
    out.push_str(texts.iter().find(|text| !text.is_empty()).unwrap_or(&""));
}

/// Request members that name what a call is about, the most telling first.
const TARGETS: &[&str] = &[
    "userName",
    "roleName",
    "groupName",
    "policyArn",
    "bucketName",
    "functionName",
    "instanceId",
    "snapshotId",
    "imageId",
    "groupId",
    "secretId",
    "keyId",
    "dBSnapshotIdentifier",
    "dBInstanceIdentifier",
    "name",
    "trailName",
    "detectorId",
    "vpcId",
    "documentName",
    "roleArn",
    "logGroupName",
    "volumeId",
    "stackName",
    "clusterName",
    "repositoryName",
    "topicArn",
    "queueUrl",
    "tableName",
];

fn brief(fields: &mut Fields<'_>, slots: &[Slot]) -> (String, String) {
    let [.., source, name, error] = slots else { return Default::default() };
    let (values, raw) = fields.at(*source);
    let text = |slot: &Slot| values.text(*slot, raw).unwrap_or_default();
    (action(&text(source), &text(name)), text(error).into_owned())
}

/// `iam:CreateUser`
fn action(source: &str, name: &str) -> String {
    let service = source.strip_suffix(".amazonaws.com").unwrap_or(source);
    if service.is_empty() { name.to_owned() } else { format!("{service}:{name}") }
}

fn describe(record: &Value, out: &mut Description) {
    let text = |path: &str| path.split('.').try_fold(record, |v, key| v.get(key)).and_then(Value::as_str).unwrap_or("");
    let name = ["eventName", "insightDetails.eventName", "eventType"]
        .into_iter()
        .map(text)
        .find(|t| !t.is_empty())
        .unwrap_or("event");
    out.action = action(text("eventSource"), name);
    out.error = text("errorCode").to_owned();
    if out.error.is_empty() && text("responseElements.ConsoleLogin") == "Failure" {
        out.error = "Failure".into();
    }
    out.principal = principal(record);
    out.resources = resources(record);
}

/// Who acted, in the words of the console.
pub fn principal(record: &Value) -> String {
    let text = |path: &str| path.split('.').try_fold(record, |v, key| v.get(key)).and_then(Value::as_str).unwrap_or("");
    let arn = text("userIdentity.arn");
    let behind = |marker: &str| arn.split_once(marker).map_or("", |(_, rest)| rest);
    let or = |a: &str, b: &str| if a.is_empty() { b.to_owned() } else { a.to_owned() };
    match text("userIdentity.type") {
        "Root" => "root".into(),
        "IAMUser" => format!("user/{}", or(text("userIdentity.userName"), behind(":user/"))),
        "AssumedRole" => {
            let (role, session) = behind(":assumed-role/").rsplit_once('/').unwrap_or((behind(":assumed-role/"), ""));
            let role = or(text("userIdentity.sessionContext.sessionIssuer.userName"), role);
            if session.is_empty() { format!("role/{role}") } else { format!("role/{role} (session {session})") }
        }
        "FederatedUser" => format!("federated user {}", or(behind(":federated-user/"), arn)),
        "AWSService" => format!("service {}", or(text("userIdentity.invokedBy"), text("sourceIPAddress"))),
        "AWSAccount" => format!("account {}", or(text("userIdentity.accountId"), "unknown")),
        "IdentityCenterUser" => format!("identity center user {}", text("userIdentity.onBehalfOf.userId")),
        "SAMLUser" | "WebIdentityUser" => {
            format!("{} of {}", or(text("userIdentity.userName"), "someone"), text("userIdentity.identityProvider"))
        }
        _ => {
            let names = [
                "userIdentity.userName",
                "userIdentity.arn",
                "userIdentity.invokedBy",
                "userIdentity.principalId",
                "sourceIPAddress",
            ];
            names.into_iter().map(text).find(|t| !t.is_empty()).unwrap_or("someone").to_owned()
        }
    }
}

fn resources(record: &Value) -> Vec<String> {
    if let Some(Value::Array(items)) = record.get("resources") {
        let arns: Vec<String> =
            items.iter().filter_map(|r| r.get("ARN")?.as_str()).map(str::to_owned).take(10).collect();
        if !arns.is_empty() {
            return arns;
        }
    }
    let Some(request) = record.get("requestParameters") else { return Vec::new() };
    TARGETS.iter().find_map(|key| request.get(key)?.as_str()).map(str::to_owned).into_iter().collect()
}
