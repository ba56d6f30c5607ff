//! What a record is: its class, its activity, how it ended, and whom it is about.

use event::mapping::text_at;
use event::ocsf::{ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION};
use event::value::Value;
use serde_json::{Value as Json, json};

/// Names of calls that are somebody's sign-in.
const AUTHENTICATIONS: [&str; 9] = [
    "ConsoleLogin",
    "ExternalIdPDirectoryLogin",
    "CheckMfa",
    "CredentialChallenge",
    "CredentialVerification",
    "UserAuthentication",
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
];

/// What IAM creates, updates and deletes that makes an account change.
const ACCOUNT_NOUNS: [&str; 9] = [
    "User",
    "Role",
    "Group",
    "LoginProfile",
    "AccessKey",
    "InstanceProfile",
    "ServiceLinkedRole",
    "VirtualMFADevice",
    "AccountAlias",
];

/// The other names of calls that change an account.
const ACCOUNT_CHANGES: [&str; 24] = [
    "AddUserToGroup",
    "RemoveUserFromGroup",
    "AddRoleToInstanceProfile",
    "RemoveRoleFromInstanceProfile",
    "ChangePassword",
    "UpdateAccountPasswordPolicy",
    "DeleteAccountPasswordPolicy",
    "EnableMFADevice",
    "DeactivateMFADevice",
    "ResyncMFADevice",
    "UpdateAssumeRolePolicy",
    "UpdateRoleDescription",
    "TagUser",
    "TagRole",
    "TagInstanceProfile",
    "UntagUser",
    "UntagRole",
    "UntagInstanceProfile",
    "DeletePolicy",
    "PasswordUpdated",
    "EmailUpdated",
    "AccountNameUpdated",
    "PutUserPermissionsBoundary",
    "PutRolePermissionsBoundary",
];

/// Where the user or role of an account change is named.
const CHANGED: [&str; 6] = [
    "responseElements.user.userName",
    "responseElements.user.arn",
    "responseElements.role.roleName",
    "responseElements.role.arn",
    "requestParameters.userName",
    "requestParameters.roleName",
];

/// Where the caller is named in a way that makes a user of OCSF: its alternative id alone does not.
const CALLER_AS_USER: [&str; 3] = ["userIdentity.arn", "userIdentity.userName", "userIdentity.accountId"];

/// The number of the class: that of the name, if the record has the user that the class requires.
pub fn class(record: &Value) -> Option<Json> {
    Some(json!(class_uid(record)))
}

fn class_uid(record: &Value) -> i64 {
    let name = name(record);
    if AUTHENTICATIONS.contains(&name) {
        return if names_role(record) || has_any(record, &CALLER_AS_USER) { AUTHENTICATION } else { API_ACTIVITY };
    }
    if is_account_change(record, name) && has_any(record, &CHANGED) | has_any(record, &CALLER_AS_USER) {
        return ACCOUNT_CHANGE;
    }
    API_ACTIVITY
}

/// Other services have calls of the same names.
fn is_account_change(record: &Value, name: &str) -> bool {
    let source = text_at(record, "eventSource").unwrap_or_default();
    let (verb, noun) = name.split_at(verb(name).len());
    let policy = matches!(noun, "UserPolicy" | "RolePolicy" | "GroupPolicy");
    let listed = match verb {
        "Create" | "Update" => ACCOUNT_NOUNS.contains(&noun),
        "Delete" => {
            ACCOUNT_NOUNS.contains(&noun)
                || policy
                || matches!(noun, "UserPermissionsBoundary" | "RolePermissionsBoundary")
        }
        "Attach" | "Detach" | "Put" => policy,
        _ => false,
    };
    matches!(source, "iam.amazonaws.com" | "signin.amazonaws.com") && (listed || ACCOUNT_CHANGES.contains(&name))
}

/// The caption of the activity in the record's class, else the verb of the call's name.
pub fn activity(record: &Value) -> Option<Json> {
    let name = name(record);
    let caption = match class_uid(record) {
        AUTHENTICATION => "Logon",
        ACCOUNT_CHANGE => account_activity(name),
        _ => api_activity(record, name),
    };
    Some(json!(caption))
}

fn account_activity(name: &str) -> &str {
    match (verb(name), name) {
        (_, "EnableMFADevice") => "MFA Factor Enable",
        (_, "DeactivateMFADevice") => "MFA Factor Disable",
        (_, "ChangePassword" | "PasswordUpdated") => "Password Change",
        ("Attach" | "Put", _) | (_, "AddUserToGroup") => "Attach Policy",
        ("Detach" | "Remove", _) => "Detach Policy",
        (verb, _) => verb,
    }
}

fn api_activity<'r>(record: &'r Value, name: &'r str) -> &'r str {
    match verb(name) {
        "Create" | "Run" | "Generate" => "Create",
        "Get" | "List" | "Describe" | "Search" | "Lookup" | "Head" => "Read",
        "Update" | "Put" | "Modify" | "Add" | "Remove" | "Start" | "Stop" | "Attach" | "Detach" | "Associate"
        | "Disassociate" | "Tag" | "Untag" | "Enable" | "Disable" | "Register" | "Deregister" => "Update",
        "Delete" | "Terminate" => "Delete",
        _ if text_at(record, "readOnly") == Some("true") => "Read",
        "" => no_call(record),
        verb => verb,
    }
}

/// What a record that is no call tells of.
fn no_call(record: &Value) -> &'static str {
    match text_at(record, "eventType") {
        Some("AwsCloudTrailInsight") => "Insight",
        Some("AwsAggregatedEvent") => "Aggregate",
        _ => "Unknown",
    }
}

/// How the call ended; a record that is no call did not end.
pub fn status(record: &Value) -> Option<Json> {
    if matches!(no_call(record), "Insight" | "Aggregate") {
        return None;
    }
    Some(json!(if super::super::derive::failed(record) { "Failure" } else { "Success" }))
}

fn name(record: &Value) -> &str {
    text_at(record, "eventName").unwrap_or_default()
}

/// The first word of a name in camel case: `Get` of `GetObject`.
fn verb(name: &str) -> &str {
    let word = name.char_indices().skip(1).find(|(_, c)| !c.is_lowercase());
    word.map_or(name, |(end, _)| &name[..end])
}

fn has_any(record: &Value, paths: &[&str]) -> bool {
    paths.iter().any(|path| text_at(record, path).is_some())
}

fn names_role(record: &Value) -> bool {
    name(record).starts_with("AssumeRole")
        && has_any(record, &["requestParameters.roleArn", "requestParameters.roleSessionName"])
}

/// Whether a user or role is named by no more than its kind or key.
pub fn is_bare_caller(record: &Value) -> bool {
    let some = has_any(
        record,
        &["userIdentity.type", "userIdentity.principalId", "userIdentity.accessKeyId", "userIdentity.credentialId"],
    );
    some && !has_any(record, &CALLER_AS_USER)
}

/// Whether an account was changed and the record does not say whose.
pub fn is_change_of_caller(record: &Value) -> bool {
    class_uid(record) == ACCOUNT_CHANGE && !has_any(record, &CHANGED)
}

/// Whether somebody took on a role.
pub fn is_role_assumed(record: &Value) -> bool {
    class_uid(record) == AUTHENTICATION && names_role(record)
}

/// Whether somebody authenticated as themselves.
pub fn is_sign_in(record: &Value) -> bool {
    class_uid(record) == AUTHENTICATION && !names_role(record)
}

/// Whether somebody did whose ARN is not told.
pub fn is_sign_in_without_arn(record: &Value) -> bool {
    is_sign_in(record) && text_at(record, "userIdentity.arn").is_none()
}

/// Whether the record does not say where an authentication led.
pub fn is_authentication_to_nowhere(record: &Value) -> bool {
    class_uid(record) == AUTHENTICATION && text_at(record, "additionalEventData.LoginTo").is_none()
}
