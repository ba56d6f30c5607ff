//! Who may do what: the one place that says it.

use serde::{Deserialize, Serialize};

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks and asks.
    Viewer,
    /// Judges findings too.
    Analyst,
    /// Acts on findings too.
    Responder,
    /// Does everything.
    Admin,
    /// Sends logs, and nothing else.
    IngestOnly,
}

/// What an operation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// To know who one is, and to log out.
    SessionOwn,
    /// To see findings.
    FindingsRead,
    /// To judge findings.
    FindingsWrite,
    /// To suppress findings.
    SuppressionsWrite,
    /// To ask the lake.
    QueryRun,
    /// To see rules.
    RulesRead,
    /// To write rules, and to switch them off and on.
    RulesWrite,
    /// To see how the server is doing.
    SystemRead,
    /// To send logs.
    IngestWrite,
    /// To make and change users and tokens.
    UsersManage,
    /// To read the audit.
    AuditRead,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 5] = [Role::Viewer, Role::Analyst, Role::Responder, Role::Admin, Role::IngestOnly];

    /// As people and files write it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Analyst => "analyst",
            Role::Responder => "responder",
            Role::Admin => "admin",
            Role::IngestOnly => "ingest-only",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == text)
    }

    /// Whether it may.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission::*;
        match self {
            Role::Admin => true,
            Role::IngestOnly => matches!(permission, IngestWrite | SessionOwn),
            Role::Viewer => matches!(permission, SessionOwn | FindingsRead | QueryRun | RulesRead | SystemRead),
            Role::Analyst => Role::Viewer.allows(permission) || matches!(permission, FindingsWrite | SuppressionsWrite),
            Role::Responder => Role::Analyst.allows(permission) || permission == RulesWrite,
        }
    }
}

impl Permission {
    /// Every permission.
    pub const ALL: [Permission; 11] = [
        Permission::SessionOwn,
        Permission::FindingsRead,
        Permission::FindingsWrite,
        Permission::SuppressionsWrite,
        Permission::QueryRun,
        Permission::RulesRead,
        Permission::RulesWrite,
        Permission::SystemRead,
        Permission::IngestWrite,
        Permission::UsersManage,
        Permission::AuditRead,
    ];

    /// As the API's description writes it.
    pub fn name(self) -> &'static str {
        match self {
            Permission::SessionOwn => "session:own",
            Permission::FindingsRead => "findings:read",
            Permission::FindingsWrite => "findings:write",
            Permission::SuppressionsWrite => "suppressions:write",
            Permission::QueryRun => "query:run",
            Permission::RulesRead => "rules:read",
            Permission::RulesWrite => "rules:write",
            Permission::SystemRead => "system:read",
            Permission::IngestWrite => "ingest:write",
            Permission::UsersManage => "users:manage",
            Permission::AuditRead => "audit:read",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Permission> {
        Permission::ALL.into_iter().find(|permission| permission.name() == text)
    }

    /// Whether it is about the whole installation, which nobody may who sees a part of the accounts only.
    fn is_of_all_accounts(self) -> bool {
        matches!(
            self,
            Permission::UsersManage | Permission::AuditRead | Permission::SystemRead | Permission::RulesWrite
        )
    }
}

/// How a caller showed who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person, by a session.
    User,
    /// A program, by a token.
    Token,
}

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Person or program.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The accounts it may see; all if nothing is said.
    pub accounts: Option<Vec<String>>,
}

impl Identity {
    /// What tells it from all others.
    pub fn id(&self) -> String {
        match self.kind {
            Kind::User => format!("user/{}", self.name),
            Kind::Token => format!("token/{}", self.name),
        }
    }

    /// Whether it may.
    pub fn allows(&self, permission: Permission) -> bool {
        self.role.allows(permission) && (self.accounts.is_none() || !permission.is_of_all_accounts())
    }

    /// Whether it may see what is of an account.
    pub fn sees(&self, account: &str) -> bool {
        self.accounts.as_ref().is_none_or(|accounts| accounts.iter().any(|have| have == account))
    }
}
