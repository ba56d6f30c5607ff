//! Our catalog of OCSF 1.3.0: the classes, activities and captions that the mappings write, and nothing else of the schema.

/// The version of ATT&CK whose names the bundled list carries.
pub const ATTACK_VERSION: &str = "18.1";

/// The versions of OCSF that a mapping can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcsfVersion {
    /// What Amazon Security Lake's own sources write.
    V1_1_0,
    /// The newest that Amazon Security Lake accepts, and what Skywarden writes.
    V1_3_0,
}

impl OcsfVersion {
    /// As `metadata.version` says it.
    pub fn text(self) -> &'static str {
        match self {
            OcsfVersion::V1_1_0 => "1.1.0",
            OcsfVersion::V1_3_0 => "1.3.0",
        }
    }
}

/// An attribute that holds a number with a meaning, and the attribute beside it that holds the meaning as text.
#[derive(Debug, PartialEq, Eq)]
pub struct Enum {
    /// The name of the text attribute beside it.
    pub sibling: &'static str,
    /// Each number and its caption.
    pub captions: &'static [(i64, &'static str)],
}

/// The number of a value that has no number of its own; the text beside it is then the source's.
pub const OTHER: i64 = 99;

impl Enum {
    /// The caption of a number.
    pub fn caption(&self, id: i64) -> Option<&'static str> {
        self.captions.iter().find(|(have, _)| *have == id).map(|(_, caption)| *caption)
    }

    /// The number of a caption, in exactly this spelling.
    pub fn id(&self, caption: &str) -> Option<i64> {
        self.captions.iter().find(|(_, have)| *have == caption).map(|(id, _)| *id)
    }
}

/// A class of events.
#[derive(Debug, PartialEq, Eq)]
pub struct Class {
    /// Its number.
    pub uid: i64,
    /// Its caption.
    pub caption: &'static str,
    /// The number of its category.
    pub category_uid: i64,
    /// The caption of its category.
    pub category: &'static str,
    /// What can happen in it.
    pub activities: Enum,
}

impl Class {
    /// The number of the class and the activity together.
    pub fn type_uid(&self, activity_id: i64) -> i64 {
        self.uid * 100 + activity_id
    }

    /// The caption of the class and the activity together.
    pub fn type_name(&self, activity: &str) -> String {
        format!("{}: {activity}", self.caption)
    }
}

/// Account Change.
pub const ACCOUNT_CHANGE: i64 = 3001;
/// Authentication.
pub const AUTHENTICATION: i64 = 3002;
/// Network Activity.
pub const NETWORK_ACTIVITY: i64 = 4001;
/// API Activity.
pub const API_ACTIVITY: i64 = 6003;
/// Detection Finding.
pub const DETECTION_FINDING: i64 = 2004;

/// The classes that Skywarden writes.
pub static CLASSES: [Class; 5] = [
    Class {
        uid: DETECTION_FINDING,
        caption: "Detection Finding",
        category_uid: 2,
        category: "Findings",
        activities: activities(&[(0, "Unknown"), (1, "Create"), (2, "Update"), (3, "Close"), (99, "Other")]),
    },
    Class {
        uid: ACCOUNT_CHANGE,
        caption: "Account Change",
        category_uid: 3,
        category: "Identity & Access Management",
        activities: activities(&[
            (0, "Unknown"),
            (1, "Create"),
            (2, "Enable"),
            (3, "Password Change"),
            (4, "Password Reset"),
            (5, "Disable"),
            (6, "Delete"),
            (7, "Attach Policy"),
            (8, "Detach Policy"),
            (9, "Lock"),
            (10, "MFA Factor Enable"),
            (11, "MFA Factor Disable"),
            (99, "Other"),
        ]),
    },
    Class {
        uid: AUTHENTICATION,
        caption: "Authentication",
        category_uid: 3,
        category: "Identity & Access Management",
        activities: activities(&[
            (0, "Unknown"),
            (1, "Logon"),
            (2, "Logoff"),
            (3, "Authentication Ticket"),
            (4, "Service Ticket Request"),
            (5, "Service Ticket Renew"),
            (6, "Preauth"),
            (99, "Other"),
        ]),
    },
    Class {
        uid: NETWORK_ACTIVITY,
        caption: "Network Activity",
        category_uid: 4,
        category: "Network Activity",
        activities: activities(&[
            (0, "Unknown"),
            (1, "Open"),
            (2, "Close"),
            (3, "Reset"),
            (4, "Fail"),
            (5, "Refuse"),
            (6, "Traffic"),
            (7, "Listen"),
            (99, "Other"),
        ]),
    },
    Class {
        uid: API_ACTIVITY,
        caption: "API Activity",
        category_uid: 6,
        category: "Application Activity",
        activities: activities(&[
            (0, "Unknown"),
            (1, "Create"),
            (2, "Read"),
            (3, "Update"),
            (4, "Delete"),
            (99, "Other"),
        ]),
    },
];

const fn activities(captions: &'static [(i64, &'static str)]) -> Enum {
    Enum { sibling: "activity_name", captions }
}

/// The class with this number.
pub fn class(uid: i64) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.uid == uid)
}

/// How bad.
pub static SEVERITY: Enum = Enum {
    sibling: "severity",
    captions: &[
        (0, "Unknown"),
        (1, "Informational"),
        (2, "Low"),
        (3, "Medium"),
        (4, "High"),
        (5, "Critical"),
        (6, "Fatal"),
        (99, "Other"),
    ],
};

/// How an event that is no finding ended.
pub static STATUS: Enum =
    Enum { sibling: "status", captions: &[(0, "Unknown"), (1, "Success"), (2, "Failure"), (99, "Other")] };

/// What kind of user.
pub static USER_TYPE: Enum =
    Enum { sibling: "type", captions: &[(0, "Unknown"), (1, "User"), (2, "Admin"), (3, "System"), (99, "Other")] };

/// What a control did.
pub static ACTION: Enum =
    Enum { sibling: "action", captions: &[(0, "Unknown"), (1, "Allowed"), (2, "Denied"), (99, "Other")] };

/// What became of it; only what a flow log can say.
pub static DISPOSITION: Enum =
    Enum { sibling: "disposition", captions: &[(0, "Unknown"), (1, "Allowed"), (2, "Blocked"), (99, "Other")] };

/// Which way a connection went.
pub static DIRECTION: Enum = Enum {
    sibling: "direction",
    captions: &[(0, "Unknown"), (1, "Inbound"), (2, "Outbound"), (3, "Lateral"), (99, "Other")],
};

/// Which boundary a connection crossed.
pub static BOUNDARY: Enum = Enum {
    sibling: "boundary",
    captions: &[
        (0, "Unknown"),
        (1, "Localhost"),
        (2, "Internal"),
        (3, "External"),
        (4, "Same VPC"),
        (5, "Internet/VPC Gateway"),
        (6, "Virtual Private Gateway"),
        (7, "Intra-region VPC"),
        (8, "Inter-region VPC"),
        (9, "Local Gateway"),
        (10, "Gateway VPC"),
        (11, "Internet Gateway"),
        (99, "Other"),
    ],
};

/// Which Internet Protocol.
pub static PROTOCOL_VER: Enum = Enum {
    sibling: "protocol_ver",
    captions: &[
        (0, "Unknown"),
        (4, "Internet Protocol version 4 (IPv4)"),
        (6, "Internet Protocol version 6 (IPv6)"),
        (99, "Other"),
    ],
};

/// What kind of thing an observable is.
pub static OBSERVABLE: Enum =
    Enum { sibling: "type", captions: &[(2, "IP Address"), (4, "User Name"), (10, "Resource UID")] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_captions_agree() {
        let api = class(API_ACTIVITY).expect("the class is listed");
        assert_eq!(api.type_uid(2), 600_302);
        assert_eq!(api.activities.caption(2), Some("Read"));
        assert_eq!(api.activities.id("Read"), Some(2));
        assert_eq!(api.type_name("Read"), "API Activity: Read");
        assert_eq!(SEVERITY.id("severe"), None);
        assert_eq!(class(1), None);
    }
}
