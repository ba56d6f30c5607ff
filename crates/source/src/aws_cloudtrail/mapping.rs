//! CloudTrail records as OCSF: Account Change, Authentication, and API Activity for everything else.
//!
//! Where a record lacks what a class requires, it is API Activity, and what is missing there stands as `unknown`.

mod choose;

use event::mapping::{Entry, Expr, Kind, Mapping, Names, Native, Type, When};
use event::ocsf::{ACCOUNT_CHANGE, API_ACTIVITY, AUTHENTICATION, SEVERITY, STATUS, USER_TYPE};

/// The mapping of CloudTrail records.
pub static MAPPING: Mapping = Mapping {
    source: "aws_cloudtrail",
    title: "AWS CloudTrail",
    profiles: &["cloud", "datetime"],
    entries: ENTRIES,
    observables: &[("src_endpoint.ip", 2), ("actor.user.name", 4), ("user.name", 4)],
    natives: NATIVES,
    open: &["requestParameters", "responseElements", "additionalEventData", "serviceEventDetails"],
    looks: choose::LOOKS,
    names: Names::new(),
};

/// What an exact column holds where the record has nothing and OCSF requires something.
const UNKNOWN: Expr = Expr::Const("unknown");

const SIGN_IN_WITHOUT_ARN: When =
    When::IsIn(&[AUTHENTICATION], "somebody without an ARN signs in", choose::names_no_role_or_arn);

const ENTRIES: &[Entry] = &[
    derived("class_uid", Type::Class, Expr::Function { name: "class of the call", reads: &[], call: choose::class }),
    derived(
        "activity_id",
        Type::Activity,
        Expr::Function { name: "activity of the call", reads: &[], call: choose::activity },
    ),
    derived("severity_id", Type::Enum(&SEVERITY), Expr::Const("Informational")),
    derived(
        "status_id",
        Type::Enum(&STATUS),
        Expr::Function { name: "whether it failed", reads: &[], call: choose::status },
    ),
    derived(
        "time",
        Type::Timestamp,
        Expr::FirstOf(&[
            Expr::Path("eventTime"),
            Expr::Path("timeWindow.windowStart"),
            Expr::Path("timeWindow.windowEnd"),
            Expr::Const("1970-01-01T00:00:00Z"),
        ]),
    ),
    derived("start_time", Type::Timestamp, Expr::Path("timeWindow.windowStart")),
    derived("end_time", Type::Timestamp, Expr::Path("timeWindow.windowEnd")),
    // The event itself
    derived("metadata.uid", Type::Text, Expr::FirstOf(&[Expr::Path("eventID"), Expr::Path("eventId")])),
    exact("metadata.event_code", Expr::Path("eventType")),
    derived("metadata.product.name", Type::Text, Expr::Const("CloudTrail")),
    derived("metadata.product.vendor_name", Type::Text, Expr::Const("AWS")),
    exact("metadata.product.version", Expr::Path("eventVersion")),
    exact(
        "metadata.product.feature.name",
        Expr::FirstOf(&[Expr::Path("eventCategory"), Expr::Const("Management, Data, and Insights")]),
    ),
    derived("cloud.provider", Type::Text, Expr::Const("AWS")),
    exact("cloud.region", Expr::Path("awsRegion")),
    // The call
    exact("api.operation", Expr::FirstOf(&[Expr::Path("eventName"), UNKNOWN])),
    exact("api.service.name", Expr::Path("eventSource")),
    exact("api.version", Expr::Path("apiVersion")),
    derived("api.request.uid", Type::Text, Expr::Path("requestID")),
    Entry {
        when: When::Has("requestParameters"),
        ..derived("api.request.uid", Type::Text, Expr::FirstOf(&[Expr::Path("eventID"), UNKNOWN]))
    },
    Entry { ty: Type::Json, ..exact("api.request.data", Expr::Path("requestParameters")) },
    exact("api.response.error", Expr::Path("errorCode")),
    exact("api.response.message", Expr::Path("errorMessage")),
    Entry { ty: Type::Json, ..exact("api.response.data", Expr::Path("responseElements")) },
    exact("http_request.user_agent", Expr::Path("userAgent")),
    // Who called
    Entry { ty: Type::Enum(&USER_TYPE), ..exact("actor.user.type_id", Expr::Path("userIdentity.type")) },
    exact("actor.user.uid", Expr::Path("userIdentity.arn")),
    exact("actor.user.uid_alt", Expr::Path("userIdentity.principalId")),
    exact("actor.user.name", Expr::Path("userIdentity.userName")),
    exact("actor.user.account.uid", Expr::Path("userIdentity.accountId")),
    derived(
        "actor.user.credential_uid",
        Type::Text,
        Expr::FirstOf(&[Expr::Path("userIdentity.accessKeyId"), Expr::Path("userIdentity.credentialId")]),
    ),
    // OCSF wants a user's name, id or account; a service that calls has none.
    Entry {
        when: When::Is("the caller has a type or a key only", choose::is_bare_caller),
        ..derived("actor.user.account.name", Type::Text, UNKNOWN)
    },
    derived(
        "actor.session.created_time",
        Type::Timestamp,
        Expr::Path("userIdentity.sessionContext.attributes.creationDate"),
    ),
    derived(
        "actor.session.is_mfa",
        Type::Boolean,
        Expr::Path("userIdentity.sessionContext.attributes.mfaAuthenticated"),
    ),
    exact("actor.session.issuer", Expr::Path("userIdentity.sessionContext.sessionIssuer.arn")),
    derived(
        "actor.idp.name",
        Type::Text,
        Expr::FirstOf(&[
            Expr::Path("userIdentity.sessionContext.webIdFederationData.federatedProvider"),
            Expr::Path("userIdentity.identityProvider"),
        ]),
    ),
    exact("actor.idp.uid", Expr::Path("userIdentity.onBehalfOf.identityStoreArn")),
    exact("actor.invoked_by", Expr::Path("userIdentity.invokedBy")),
    Entry {
        when: When::Without(&["actor.user", "actor.session", "actor.invoked_by"]),
        ..exact("actor.invoked_by", UNKNOWN)
    },
    // From where
    derived("src_endpoint.ip", Type::Ip, Expr::Path("sourceIPAddress")),
    Entry {
        when: When::Without(&["src_endpoint.ip"]),
        ..derived("src_endpoint.domain", Type::Text, Expr::Path("sourceIPAddress"))
    },
    Entry {
        when: When::Without(&["src_endpoint.ip"]),
        ..derived("src_endpoint.svc_name", Type::Text, Expr::Path("sourceIPAddress"))
    },
    exact("src_endpoint.uid", Expr::Path("vpcEndpointId")),
    Entry {
        when: When::Without(&["src_endpoint"]),
        ..derived("src_endpoint.name", Type::Text, Expr::FirstOf(&[Expr::Path("userIdentity.invokedBy"), UNKNOWN]))
    },
    // To what; OCSF has a place for it in API Activity only
    Entry {
        when: When::Class(&[API_ACTIVITY]),
        ..derived(
            "resources",
            Type::Objects,
            Expr::Each {
                of: "resources",
                entries: &[
                    derived("uid", Type::Text, Expr::FirstOf(&[Expr::Path("ARN"), Expr::Path("ARNPrefix")])),
                    exact("type", Expr::Path("type")),
                    exact("owner.account.uid", Expr::Path("accountId")),
                ],
                need: &["uid"],
            },
        )
    },
    // Account changes: the user or role that was changed, else the caller
    changed(
        "user.name",
        &[
            Expr::Path("responseElements.user.userName"),
            Expr::Path("responseElements.role.roleName"),
            Expr::Path("requestParameters.userName"),
            Expr::Path("requestParameters.roleName"),
        ],
    ),
    changed("user.uid", &[Expr::Path("responseElements.user.arn"), Expr::Path("responseElements.role.arn")]),
    changed("user.uid_alt", &[Expr::Path("responseElements.user.userId"), Expr::Path("responseElements.role.roleId")]),
    of_caller("user.name", "userIdentity.userName"),
    of_caller("user.uid", "userIdentity.arn"),
    of_caller("user.uid_alt", "userIdentity.principalId"),
    of_caller("user.account.uid", "userIdentity.accountId"),
    // Authentication: the role that was assumed, else whoever signed in
    assumed("user.uid", "requestParameters.roleArn"),
    assumed("user.name", "requestParameters.roleSessionName"),
    assumed("user.uid_alt", "responseElements.assumedRoleUser.assumedRoleId"),
    signed_in("user.uid", "userIdentity.arn"),
    signed_in("user.uid_alt", "userIdentity.principalId"),
    Entry { when: SIGN_IN_WITHOUT_ARN, ..derived("user.name", Type::Text, Expr::Path("userIdentity.userName")) },
    Entry {
        when: SIGN_IN_WITHOUT_ARN,
        ..derived("user.account.uid", Type::Text, Expr::Path("userIdentity.accountId"))
    },
    authentication("is_mfa", Type::Boolean, Expr::Path("additionalEventData.MFAUsed")),
    authentication("dst_endpoint.svc_name", Type::Text, Expr::Path("additionalEventData.LoginTo")),
    Entry {
        when: When::IsIn(&[AUTHENTICATION], "an authentication that does not say where", choose::names_no_destination),
        ..derived("service.name", Type::Text, Expr::FirstOf(&[Expr::Path("eventSource"), UNKNOWN]))
    },
];

const fn exact(to: &'static str, from: Expr) -> Entry {
    Entry { when: When::Always, to, ty: Type::Text, from, kind: Kind::Exact, alias: &[] }
}

const fn derived(to: &'static str, ty: Type, from: Expr) -> Entry {
    Entry { when: When::Always, to, ty, from, kind: Kind::Derived, alias: &[] }
}

const fn changed(to: &'static str, from: &'static [Expr]) -> Entry {
    Entry {
        when: When::Class(&[ACCOUNT_CHANGE]),
        to,
        ty: Type::Text,
        from: Expr::FirstOf(from),
        kind: Kind::Derived,
        alias: &[],
    }
}

const fn of_caller(to: &'static str, from: &'static str) -> Entry {
    named(When::IsIn(&[ACCOUNT_CHANGE], "an account change that names no user", choose::names_no_user), to, from)
}

const fn assumed(to: &'static str, from: &'static str) -> Entry {
    named(When::IsIn(&[AUTHENTICATION], "a role is assumed", choose::names_role), to, from)
}

const fn signed_in(to: &'static str, from: &'static str) -> Entry {
    named(When::IsIn(&[AUTHENTICATION], "somebody signs in", choose::names_no_role), to, from)
}

const fn named(when: When, to: &'static str, from: &'static str) -> Entry {
    Entry { when, to, ty: Type::Text, from: Expr::Path(from), kind: Kind::Derived, alias: &[] }
}

const fn authentication(to: &'static str, ty: Type, from: Expr) -> Entry {
    Entry { when: When::Class(&[AUTHENTICATION]), to, ty, from, kind: Kind::Derived, alias: &[] }
}

const fn native(path: &'static str) -> Native {
    Native { path, alias: &[] }
}

const NATIVES: &[Native] = &[
    native("eventVersion"),
    native("eventTime"),
    native("eventSource"),
    native("eventName"),
    native("awsRegion"),
    native("sourceIPAddress"),
    native("userAgent"),
    native("errorCode"),
    native("errorMessage"),
    native("requestParameters"),
    native("responseElements"),
    native("additionalEventData"),
    native("requestID"),
    native("eventID"),
    native("eventId"),
    native("eventType"),
    native("readOnly"),
    native("managementEvent"),
    native("eventCategory"),
    native("resources"),
    native("apiVersion"),
    native("recipientAccountId"),
    native("sharedEventID"),
    native("vpcEndpointId"),
    native("vpcEndpointAccountId"),
    native("serviceEventDetails"),
    native("sessionCredentialFromConsole"),
    native("addendum.reason"),
    native("addendum.updatedFields"),
    native("addendum.originalRequestID"),
    native("addendum.originalEventID"),
    native("edgeDeviceDetails"),
    native("tlsDetails.tlsVersion"),
    native("tlsDetails.cipherSuite"),
    native("tlsDetails.clientProvidedHostHeader"),
    native("tlsDetails.keyExchange"),
    native("insightDetails.state"),
    native("insightDetails.eventSource"),
    native("insightDetails.eventName"),
    native("insightDetails.insightType"),
    native("insightDetails.errorCode"),
    native("timeWindow.windowStart"),
    native("timeWindow.windowEnd"),
    native("timeWindow.windowSize"),
    native("userIdentity.type"),
    native("userIdentity.principalId"),
    native("userIdentity.arn"),
    native("userIdentity.accountId"),
    native("userIdentity.accessKeyId"),
    native("userIdentity.userName"),
    native("userIdentity.invokedBy"),
    native("userIdentity.invokedByDelegate.accountId"),
    native("userIdentity.identityProvider"),
    native("userIdentity.credentialId"),
    native("userIdentity.onBehalfOf.userId"),
    native("userIdentity.onBehalfOf.identityStoreArn"),
    native("userIdentity.inScopeOf.sourceArn"),
    native("userIdentity.inScopeOf.sourceAccount"),
    native("userIdentity.inScopeOf.issuerType"),
    native("userIdentity.inScopeOf.credentialsIssuedTo"),
    native("userIdentity.sessionContext.sessionIssuer.type"),
    native("userIdentity.sessionContext.sessionIssuer.principalId"),
    native("userIdentity.sessionContext.sessionIssuer.arn"),
    native("userIdentity.sessionContext.sessionIssuer.accountId"),
    native("userIdentity.sessionContext.sessionIssuer.userName"),
    native("userIdentity.sessionContext.webIdFederationData.federatedProvider"),
    native("userIdentity.sessionContext.attributes.creationDate"),
    native("userIdentity.sessionContext.attributes.mfaAuthenticated"),
    native("userIdentity.sessionContext.sourceIdentity"),
    native("userIdentity.sessionContext.ec2RoleDelivery"),
    native("userIdentity.sessionContext.assumedRoot"),
];
