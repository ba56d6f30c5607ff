//! AWS CloudTrail: account activity, as management, data, network-activity, aggregated and Insights events.

pub mod credentials;
pub mod derive;
pub mod mapping;
pub mod terms;

use std::borrow::Cow;
use std::sync::OnceLock;

use event::event::{Description, Envelope};
use event::layout::{Derived, Fields};
use event::scan::{Keys, ScanError, Slot, blanks, colon, skip, string};
use event::value::{Value, View, unescape};

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
        "resources",
        "requestParameters",
        "eventSource",
        "eventName",
        "errorCode",
    ],
    envelope,
    describe,
    brief,
    targets,
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

/// So many ARNs of one record are named.
const ARNS_MAX: usize = 10;

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
    let raw = fields.raw;
    let (values, _) = fields.at(*source);
    let text = |slot: &Slot| match values.first(*slot, raw) {
        Some(View::String(text)) => text,
        _ => Cow::default(),
    };
    let name = text(name);
    if !matches!(&*name, "" | "ConsoleLogin") {
        return (action(&text(source), &name), text(error).into_owned());
    }
    // What was done, or how it failed, stands elsewhere.
    let mut description = Description::default();
    describe(&Value::parse(raw).unwrap_or(Value::Null), &mut description);
    (description.action, description.error)
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
    let arns = record.get("resources").map(arns).unwrap_or_default();
    if !arns.is_empty() {
        return arns;
    }
    let Some(request) = record.get("requestParameters") else { return Vec::new() };
    TARGETS.iter().find_map(|key| request.get(key)?.as_str()).map(str::to_owned).into_iter().collect()
}

/// The ARNs of a list of resources.
fn arns(resources: &Value) -> Vec<String> {
    let Value::Array(items) = resources else { return Vec::new() };
    items.iter().filter_map(|r| r.get("ARN")?.as_str()).map(str::to_owned).take(ARNS_MAX).collect()
}

/// What [`resources`] finds, without a tree of the record.
fn targets(fields: &mut Fields<'_>, slots: &[Slot], add: &mut dyn FnMut(&str)) {
    let [.., resources, request, _, _, _] = slots else { return };
    let (values, raw) = fields.at(*resources);
    let json = |slot: Slot| values.spans(slot).next().and_then(|span| values.json(span, raw));
    let arns = json(*resources).and_then(|text| Value::parse(text).ok()).map(|list| arns(&list)).unwrap_or_default();
    arns.iter().for_each(|arn| add(arn));
    if let Some(request) = json(*request).filter(|_| arns.is_empty())
        && let Ok(Some(inside)) = target(request.as_bytes())
    {
        // It was scanned before, so it is UTF-8 as the record is.
        let inside = std::str::from_utf8(inside).unwrap_or("");
        if inside.contains('\\') { add(&unescape(inside)) } else { add(inside) }
    }
}

/// The inside of the string under the most telling key of an object.
fn target(object: &[u8]) -> Result<Option<&[u8]>, ScanError> {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    let keys = KEYS.get_or_init(|| Keys::new(TARGETS.iter().map(|name| (*name).into()).zip(0..).collect()));
    let (mut seen, mut best) = (0u64, None);
    let mut at = blanks(object, 1);
    while object.get(at) == Some(&b'"') {
        let (key_end, is_escaped) = string(object, at)?;
        let key = &object[at + 1..key_end - 1];
        let found = if is_escaped {
            keys.find(unescape(std::str::from_utf8(key).unwrap_or("")).as_bytes())
        } else {
            keys.find(key)
        };
        at = colon(object, key_end)?;
        let end = skip(object, at, 0)?;
        // Of a key that is there twice the first counts, as in a tree.
        if let Some((rank, _)) = found.filter(|(rank, _)| seen & 1 << rank == 0) {
            seen |= 1 << rank;
            if object[at] == b'"' && best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, &object[at + 1..end - 1]));
            }
        }
        at = blanks(object, end);
        at = blanks(object, at + usize::from(object.get(at) == Some(&b',')));
    }
    Ok(best.map(|(_, inside)| inside))
}
