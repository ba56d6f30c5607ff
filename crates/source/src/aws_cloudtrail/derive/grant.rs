//! What a statement of an identity's policy grants: rights to everything, all of a service, or what leads to more rights.

use std::collections::BTreeSet;

use event::value::Value;
use predicate::pattern::Pattern;

use super::account::Own;
use super::glob::{glob, has_wildcard};
use super::walk::{members, texts};

/// The services that rule over others: who may do all there may soon do all elsewhere, or read every secret.
const CORE: [&str; 10] =
    ["iam", "sts", "organizations", "sso", "kms", "secretsmanager", "lambda", "ssm", "cloudformation", "ec2"];

/// The actions by which an identity gives itself, or a thing of its own, more rights.
const ESCALATIONS: [&str; 16] = [
    "iam:PassRole",
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:AttachUserPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachGroupPolicy",
    "iam:PutUserPolicy",
    "iam:PutRolePolicy",
    "iam:PutGroupPolicy",
    "iam:AddUserToGroup",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:UpdateAssumeRolePolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
];

/// Names that nothing has. A pattern that matches both, which have no end in common, matches every name.
const ANY_NAMES: [&str; 2] = ["Zq", "xJ0k"];
/// Stands for every service that has no literal name in a policy.
const ANY_SERVICE: &str = "zq";
/// Where no account is known, patterns that name one cover nothing.
const NO_ACCOUNT: &str = "000000000000";

/// What a statement grants.
#[derive(Debug, Default)]
pub struct Grant {
    /// Every action on every resource.
    pub admin: bool,
    /// The services of which every action is granted on all resources; where all are, only some are named.
    pub full_services: BTreeSet<String>,
    /// Those of [`ESCALATIONS`] that are granted on something in IAM.
    pub escalations: BTreeSet<&'static str>,
}

impl Grant {
    /// What an allowing statement grants to whoever has the policy.
    pub fn of(statement: &Value, own: &Own<'_>) -> Grant {
        let actions = Scope::of(statement, ["Action", "NotAction"], &covers_actions);
        let covers = |resource: &str, service: &str| covers_resources(resource, service, own);
        let resources = Scope::of(statement, ["Resource", "NotResource"], &covers);
        let mut grant = Grant { admin: actions.names_all() && resources.has(ANY_SERVICE), ..Grant::default() };
        if resources.patterns().any(touches_iam) || resources.but.is_some() {
            grant.escalations.extend(actions.matching(&ESCALATIONS));
        }
        let services = CORE.iter().copied().chain(actions.services()).chain(resources.services());
        let is_full = |service: &&str| {
            let has_iam = *service == "iam" && grant.escalations.len() == ESCALATIONS.len();
            resources.has(service) && (actions.has(service) || has_iam)
        };
        grant.full_services = services.filter(is_full).map(str::to_owned).collect();
        grant
    }
}

/// What a statement names (`Action`, `Resource`), and what it names as the exception (`NotAction`, `NotResource`).
struct Scope<'v> {
    named: Covered<'v>,
    but: Option<Covered<'v>>,
}

/// The patterns of one list, and the services of which one of them covers all.
#[derive(Default)]
struct Covered<'v> {
    patterns: Vec<&'v str>,
    all: bool,
    services: BTreeSet<String>,
}

impl<'v> Scope<'v> {
    fn of(statement: &'v Value, [key, not_key]: [&str; 2], covers: &dyn Fn(&str, &str) -> bool) -> Scope<'v> {
        let named = Covered::of(members(statement, key).flat_map(texts).collect(), covers);
        let mut excepted = members(statement, not_key).peekable();
        let but = excepted.peek().is_some().then(|| Covered::of(excepted.flat_map(texts).collect(), covers));
        Scope { named, but }
    }

    fn patterns(&self) -> impl Iterator<Item = &'v str> {
        self.named.patterns.iter().copied()
    }

    /// Whether it names everything, and not everything with exceptions.
    fn names_all(&self) -> bool {
        self.named.all
    }

    /// Whether it covers all of a service. What is excepted leaves most of it, unless that is all of it.
    fn has(&self, service: &str) -> bool {
        self.named.has(service) || self.but.as_ref().is_some_and(|but| !but.has(service))
    }

    /// The services that are named.
    fn services(&self) -> impl Iterator<Item = &str> {
        self.named.services.iter().map(String::as_str)
    }

    /// Those of the names that are covered.
    fn matching(&self, names: &[&'static str]) -> Vec<&'static str> {
        let globs = |covered: &Covered<'_>| covered.patterns.iter().map(|p| glob(p)).collect::<Vec<Pattern>>();
        let (named, but) = (globs(&self.named), self.but.as_ref().map(globs));
        let is_in = |globs: &[Pattern], name: &str| globs.iter().any(|glob| glob.matches(name));
        let covers = |name: &&&str| is_in(&named, name) || but.as_ref().is_some_and(|but| !is_in(but, name));
        names.iter().filter(covers).copied().collect()
    }
}

impl<'v> Covered<'v> {
    fn of(patterns: Vec<&'v str>, covers: &dyn Fn(&str, &str) -> bool) -> Covered<'v> {
        let mut covered = Covered::default();
        for pattern in &patterns {
            match service_of(pattern) {
                Some(service) if covers(pattern, service) => {
                    covered.services.insert(service.to_ascii_lowercase());
                }
                Some(_) => {}
                None => {
                    covered.all |= covers(pattern, ANY_SERVICE);
                    covered.services.extend(CORE.into_iter().filter(|s| covers(pattern, s)).map(str::to_owned));
                }
            }
        }
        Covered { patterns, ..covered }
    }

    fn has(&self, service: &str) -> bool {
        self.all || self.services.contains(service)
    }
}

/// The service that a pattern of actions (`iam:*`) or of resources (`arn:aws:iam::*`) names without a wildcard.
fn service_of(pattern: &str) -> Option<&str> {
    let mut parts = pattern.split(':');
    let first = parts.next()?;
    let service = if first.eq_ignore_ascii_case("arn") { parts.nth(1)? } else { first };
    (parts.next().is_some() && !has_wildcard(service)).then_some(service)
}

/// Whether the pattern matches every action of the service.
fn covers_actions(pattern: &str, service: &str) -> bool {
    let glob = glob(pattern);
    has_wildcard(pattern) && ANY_NAMES.iter().all(|name| glob.matches(&format!("{service}:{name}")))
}

/// Whether the pattern matches every resource of the service that the account has.
fn covers_resources(pattern: &str, service: &str, own: &Own<'_>) -> bool {
    if !has_wildcard(pattern) {
        return false;
    }
    let glob = glob(pattern);
    let partition = pattern.split(':').nth(1).filter(|part| !has_wildcard(part)).unwrap_or("aws");
    let account = own.account.unwrap_or(NO_ACCOUNT);
    // Services name their resources with Region and account, with the account only, or with neither.
    [("zq-xj-9", account), ("", account), ("", "")].iter().any(|(region, account)| {
        let arn = |name| format!("arn:{partition}:{service}:{region}:{account}:{name}/{name}");
        ANY_NAMES.iter().all(|name| glob.matches(&arn(name)))
    })
}

/// Whether the pattern of a resource matches something in IAM.
fn touches_iam(pattern: &str) -> bool {
    match pattern.split(':').nth(2) {
        Some(service) => glob(service).matches("iam"),
        None => has_wildcard(pattern),
    }
}
