//! What is known of every event, whatever its log.

/// What is known of each record without reading it as a whole. It is reused, so that no record costs an allocation.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// When it happened; nothing when the record does not say.
    pub time_ms: Option<i64>,
    /// The source's own id; empty where it has none.
    pub uid: String,
    /// The account it happened in.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The actor's stable id.
    pub principal_uid: String,
    /// Where the call or packet came from.
    pub source_ip: String,
    /// The access key it was signed with.
    pub access_key: String,
}

impl Envelope {
    /// Forgets the record before.
    pub fn clear(&mut self) {
        self.time_ms = None;
        let texts = [
            &mut self.uid,
            &mut self.account,
            &mut self.region,
            &mut self.principal_uid,
            &mut self.source_ip,
            &mut self.access_key,
        ];
        for text in texts {
            text.clear();
        }
    }
}

/// What a person wants to read of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Who: `user/alice`, `role/admin (session x)`, `root`, `service lambda.amazonaws.com`.
    pub principal: String,
    /// What: `iam:CreateAccessKey`, `tcp 203.0.113.9 > 10.0.0.5:22`.
    pub action: String,
    /// How it failed; empty when it did not.
    pub error: String,
    /// To what: ARNs or names.
    pub resources: Vec<String>,
}

/// Credentials that one identity handed to another, or to itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// The access key that was handed out.
    pub access_key: String,
    /// For whom: `role/admin (session x)`, `user/bob`.
    pub to: String,
    /// By which call: `AssumeRole`.
    pub by: String,
}
