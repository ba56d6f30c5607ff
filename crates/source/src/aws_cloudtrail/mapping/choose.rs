//! What a record is: its class, its activity, how it ended, and whom it is about.

use std::borrow::Cow;

use event::mapping::{Got, Natives, text_at};
use event::ocsf::{ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION};
use event::value::View;

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

/// Every native path that is looked at here.
pub const LOOKS: &[&str] = &[
    "additionalEventData.LoginTo",
    "errorCode",
    "eventName",
    "eventSource",
    "eventType",
    "readOnly",
    "requestParameters.roleArn",
    "requestParameters.roleName",
    "requestParameters.roleSessionName",
    "requestParameters.userName",
    "responseElements.ConsoleLogin",
    "responseElements.role.arn",
    "responseElements.role.roleName",
    "responseElements.user.arn",
    "responseElements.user.userName",
    "userIdentity.accessKeyId",
    "userIdentity.accountId",
    "userIdentity.arn",
    "userIdentity.credentialId",
    "userIdentity.principalId",
    "userIdentity.type",
    "userIdentity.userName",
];

/// The number of the class: that of the name, if the record has the user that the class requires.
pub fn class(record: &dyn Natives) -> Option<Got<'_>> {
    Some(Got::Integer(class_uid(record, &name(record))))
}

fn class_uid(record: &dyn Natives, name: &str) -> i64 {
    if AUTHENTICATIONS.contains(&name) {
        let names_user = names_role_of(record, name) || has_any(record, &CALLER_AS_USER);
        return if names_user { AUTHENTICATION } else { API_ACTIVITY };
    }
    if is_account_change(record, name) && has_any(record, &CHANGED) | has_any(record, &CALLER_AS_USER) {
        return ACCOUNT_CHANGE;
    }
    API_ACTIVITY
}

/// Other services have calls of the same names.
fn is_account_change(record: &dyn Natives, name: &str) -> bool {
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
    let is_named = listed || ACCOUNT_CHANGES.contains(&name);
    is_named && matches!(text_at(record, "eventSource").as_deref(), Some("iam.amazonaws.com" | "signin.amazonaws.com"))
}

/// The caption of the activity in the record's class, else the verb of the call's name.
pub fn activity(record: &dyn Natives) -> Option<Got<'_>> {
    let name = name(record);
    Some(Got::Text(match class_uid(record, &name) {
        AUTHENTICATION => "Logon".into(),
        ACCOUNT_CHANGE => account_activity(name),
        _ => api_activity(record, name),
    }))
}

fn account_activity(name: Cow<'_, str>) -> Cow<'_, str> {
    let caption = match (verb(&name), &*name) {
        (_, "EnableMFADevice") => "MFA Factor Enable",
        (_, "DeactivateMFADevice") => "MFA Factor Disable",
        (_, "ChangePassword" | "PasswordUpdated") => "Password Change",
        ("Attach" | "Put", _) | (_, "AddUserToGroup") => "Attach Policy",
        ("Detach" | "Remove", _) => "Detach Policy",
        _ => return verb_of(name),
    };
    caption.into()
}

fn api_activity<'r>(record: &'r dyn Natives, name: Cow<'r, str>) -> Cow<'r, str> {
    let caption = match verb(&name) {
        "Create" | "Run" | "Generate" => "Create",
        "Get" | "List" | "Describe" | "Search" | "Lookup" | "Head" => "Read",
        "Update" | "Put" | "Modify" | "Add" | "Remove" | "Start" | "Stop" | "Attach" | "Detach" | "Associate"
        | "Disassociate" | "Tag" | "Untag" | "Enable" | "Disable" | "Register" | "Deregister" => "Update",
        "Delete" | "Terminate" => "Delete",
        _ if text_at(record, "readOnly").as_deref() == Some("true") => "Read",
        "" => no_call(record),
        _ => return verb_of(name),
    };
    caption.into()
}

/// What a record that is no call tells of.
fn no_call(record: &dyn Natives) -> &'static str {
    match text_at(record, "eventType").as_deref() {
        Some("AwsCloudTrailInsight") => "Insight",
        Some("AwsAggregatedEvent") => "Aggregate",
        _ => "Unknown",
    }
}

/// How the call ended; a record that is no call did not end.
pub fn status(record: &dyn Natives) -> Option<Got<'_>> {
    if matches!(no_call(record), "Insight" | "Aggregate") {
        return None;
    }
    Some(Got::text(if failed(record) { "Failure" } else { "Success" }))
}

/// As [`crate::aws_cloudtrail::terms::failed`] has it, which is a predicate over a tree.
fn failed(record: &dyn Natives) -> bool {
    let (mut has_code, mut is_empty) = (false, false);
    record.any("errorCode", &mut |code| {
        has_code = true;
        is_empty |= *code == View::Null || code.scalar_text() == Some("");
        is_empty
    });
    has_code && !is_empty
        || record.any("responseElements.ConsoleLogin", &mut |login| login.scalar_text() == Some("Failure"))
}

fn name(record: &dyn Natives) -> Cow<'_, str> {
    text_at(record, "eventName").unwrap_or_default()
}

/// The first word of a name in camel case: `Get` of `GetObject`.
fn verb(name: &str) -> &str {
    let word = name.char_indices().skip(1).find(|(_, c)| !c.is_lowercase());
    word.map_or(name, |(end, _)| &name[..end])
}

fn verb_of(name: Cow<'_, str>) -> Cow<'_, str> {
    match name {
        Cow::Borrowed(name) => verb(name).into(),
        Cow::Owned(name) => verb(&name).to_owned().into(),
    }
}

fn has_any(record: &dyn Natives, paths: &[&str]) -> bool {
    paths.iter().any(|path| text_at(record, path).is_some())
}

/// Whether a call that takes on a role says which.
pub fn names_role(record: &dyn Natives) -> bool {
    names_role_of(record, &name(record))
}

fn names_role_of(record: &dyn Natives, name: &str) -> bool {
    name.starts_with("AssumeRole")
        && has_any(record, &["requestParameters.roleArn", "requestParameters.roleSessionName"])
}

/// Whether no role is named: somebody authenticates as themselves.
pub fn names_no_role(record: &dyn Natives) -> bool {
    !names_role(record)
}

/// Whether somebody does whose ARN is not told.
pub fn names_no_role_or_arn(record: &dyn Natives) -> bool {
    !names_role(record) && text_at(record, "userIdentity.arn").is_none()
}

/// Whether a user or role is named by no more than its kind or key.
pub fn is_bare_caller(record: &dyn Natives) -> bool {
    !has_any(record, &CALLER_AS_USER)
        && has_any(
            record,
            &["userIdentity.type", "userIdentity.principalId", "userIdentity.accessKeyId", "userIdentity.credentialId"],
        )
}

/// Whether the record does not say whose account was changed.
pub fn names_no_user(record: &dyn Natives) -> bool {
    !has_any(record, &CHANGED)
}

/// Whether the record does not say where an authentication led.
pub fn names_no_destination(record: &dyn Natives) -> bool {
    text_at(record, "additionalEventData.LoginTo").is_none()
}
