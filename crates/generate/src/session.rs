//! How sessions begin: sign-ins, and the calls of STS that hand out the key with which the session then acts.

use crate::actor::{Actor, Session};
use crate::benign::Life;
use crate::estate::{Estate, SECURITY, VIRGINIA};
use crate::layout::{Deliveries, Place};
use crate::people::Identity;
use crate::record::{self, Failure, Origin, Record, Through};
use crate::rng::{Rng, name};
use crate::service::{self, Call, Service, read, write};
use crate::template::{Scene, expand, key_text};

const ROLE: &str = r#"[{"accountId":"$account","type":"AWS::IAM::Role","ARN":"$myrolearn"}]"#;
const CREDENTIALS: &str = r#"{"credentials":{"accessKeyId":"$asia","sessionToken":"$token","expiration":"$expiry"},"assumedRoleUser":{"assumedRoleId":"$principal:$user","arn":"$arn"}}"#;

const BY_SERVICE: Call =
    read("AssumeRole", r#"{"roleArn":"$myrolearn","roleSessionName":"$user"}"#).gets(CREDENTIALS).on(ROLE);
const BY_ACCOUNT: Call = read(
    "AssumeRole",
    r#"{"roleArn":"$myrolearn","roleSessionName":"$user","externalId":"$hex12","durationSeconds":3600}"#,
)
.gets(CREDENTIALS)
.on(ROLE);
const BY_SAML: Call = read("AssumeRoleWithSAML", r#"{"sAMLAssertionID":"_$uuid","roleSessionName":"$user","durationSeconds":43200,"roleArn":"$myrolearn","principalArn":"arn:aws:iam::$account:saml-provider/AWSSSO_0a1b2c3d4e5f6071_DO_NOT_DELETE"}"#)
    .gets(r#"{"credentials":{"accessKeyId":"$asia","sessionToken":"$token","expiration":"$expiry"},"assumedRoleUser":{"assumedRoleId":"$principal:$user","arn":"$arn"},"subject":"$user","subjectType":"persistent","issuer":"https://portal.sso.eu-west-1.amazonaws.com/saml/assertion/example","audience":"https://signin.aws.amazon.com/saml"}"#)
    .on(ROLE);
const BY_WEB: Call = read("AssumeRoleWithWebIdentity", r#"{"roleArn":"$myrolearn","roleSessionName":"$user","durationSeconds":3600}"#)
    .gets(r#"{"credentials":{"accessKeyId":"$asia","sessionToken":"$token","expiration":"$expiry"},"subjectFromWebIdentityToken":"repo:example-org:ref:refs/heads/main","assumedRoleUser":{"assumedRoleId":"$principal:$user","arn":"$arn"},"provider":"arn:aws:iam::$account:oidc-provider/token.actions.githubusercontent.com","audience":"sts.amazonaws.com"}"#)
    .on(ROLE);
const CHECK_MFA: Call = write("CheckMfa", "null", r#"{"CheckMfa":"Success"}"#).adds(r#"{"MfaType":"Virtual MFA"}"#);
/// A sign-in with a second factor.
const LOGIN_MFA: Call = write("ConsoleLogin", "null", r#"{"ConsoleLogin":"Success"}"#)
    .adds(r#"{"LoginTo":"https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true","MobileVersion":"No","MFAIdentifier":"arn:aws:iam::$account:mfa/$user","MFAUsed":"Yes"}"#);
/// A sign-in without one; roles always look like this, whatever their identity provider asked for.
pub const LOGIN: Call = write("ConsoleLogin", "null", r#"{"ConsoleLogin":"Success"}"#)
    .adds(r#"{"LoginTo":"https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true","MobileVersion":"No","MFAUsed":"No"}"#);
const LOGIN_FAILED: Call = write("ConsoleLogin", "null", r#"{"ConsoleLogin":"Failure"}"#)
    .adds(r#"{"LoginTo":"https://console.aws.amazon.com/console/home?hashArgs=%23&isauthcode=true","MobileVersion":"No","MFAUsed":"No"}"#);

const PORTAL: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"IdentityCenterUser","accountId":"777788889999","onBehalfOf":{"userId":"$hex10-$uuid","identityStoreArn":"arn:aws:identitystore::777788889999:identitystore/d-9367example"},"credentialId":"$uuid2"},"eventTime":"$time","eventSource":"sso.amazonaws.com","eventName":"Federate","awsRegion":"$region","sourceIPAddress":"203.0.113.50","userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36","requestParameters":null,"responseElements":null,"requestID":"$uuid3","eventID":"$uuid4","readOnly":false,"eventType":"AwsServiceEvent","managementEvent":true,"recipientAccountId":"777788889999","serviceEventDetails":{"role_name":"$myrole","account_id":"$account"},"eventCategory":"Management"}"#;

const MISTYPED: f64 = 0.3;

/// One session at its beginning.
struct Start<'a> {
    actor: &'a Actor,
    estate: &'a Estate,
    session: Session,
    region: usize,
    address: &'static str,
    rng: &'a mut Rng,
    deliveries: &'a mut Deliveries,
}

/// Tells of every session of the actor that begins in this span.
pub fn begin(life: &mut Life, actor: &Actor) {
    let span = life.span.0..life.span.1;
    let (first, last) = (actor.session(span.start), actor.session(span.end - 1));
    let sessions = [first, last.filter(|last| Some(*last) != first)];
    for session in sessions.into_iter().flatten().filter(|session| span.contains(&session.start_ms)) {
        let addresses = actor.person.addresses;
        let address = if addresses.is_empty() { "" } else { life.rng.pick(addresses) };
        let (estate, region) = (&life.world.estates[actor.person.account], actor.person.regions[0]);
        let (rng, deliveries) = (&mut life.rng, &mut *life.deliveries);
        let mut start = Start { actor, estate, session, region, address, rng, deliveries };
        match actor.person.identity {
            Identity::User { mfa, .. } => start.sign_in(mfa),
            Identity::Sso { .. } => start.through_portal(),
            Identity::Pipeline { repository, .. } => start.by_token(repository),
            Identity::Runtime { by, .. } | Identity::Linked { by, .. } => start.by_service(by),
            Identity::Tool { .. } => start.by_account(),
            Identity::Key { .. } | Identity::Service { .. } => {}
        }
    }
}

/// A page of the sign-in: what is shown, to whom, how long before the session.
struct Page<'a> {
    call: &'a Call,
    identity: &'a str,
    before_s: i64,
    failure: Option<Failure<'a>>,
}

impl Start<'_> {
    fn sign_in(&mut self, mfa: Option<&str>) {
        let (id, names) = (self.estate.account.id, &self.actor.names);
        let (principal, arn, user) = (&names.principal, &names.arn, &names.user);
        let who = format!(
            r#"{{"type":"IAMUser","principalId":"{principal}","arn":"{arn}","accountId":"{id}","userName":"{user}"}}"#
        );
        let nobody = format!(
            r#"{{"type":"IAMUser","principalId":"{principal}","accountId":"{id}","accessKeyId":"","userName":"{user}"}}"#
        );
        if self.rng.chance(MISTYPED) {
            let failure = Some(Failure { code: "", message: "Failed authentication" });
            self.browse(Page { call: &LOGIN_FAILED, identity: &nobody, before_s: 41, failure });
        }
        if mfa.is_some() {
            self.browse(Page { call: &CHECK_MFA, identity: &who, before_s: 9, failure: None });
        }
        let call = if mfa.is_some() { &LOGIN_MFA } else { &LOGIN };
        self.browse(Page { call, identity: &who, before_s: 0, failure: None });
    }

    fn browse(&mut self, page: Page) {
        let agents = self.actor.person.agents;
        let agent = agents.iter().find(|agent| agent.through == Through::Console).unwrap_or(&agents[0]).text;
        let origin = Origin { address: self.address, agent, through: Through::Program };
        let (call, identity, failure) = (page.call, page.identity.as_bytes(), page.failure);
        let record = Record { service: signin(), call, identity, origin, failure, shared: None };
        self.tell(self.actor.person.account, VIRGINIA, page.before_s, |out, scene| record::write(out, &record, scene));
    }

    fn tell(&mut self, account: usize, region: usize, before_s: i64, write: impl FnOnce(&mut Vec<u8>, &Scene)) {
        let random = self.rng.next();
        let time_ms = self.session.start_ms - before_s * 1000;
        let (estate, names, issued) = (self.estate, &self.actor.names, self.session.number);
        let scene = Scene { estate, region, time_ms, random, names, issued };
        self.deliveries.take(Place::trail(account, region), |out| write(out, &scene));
    }

    fn through_portal(&mut self) {
        self.tell(SECURITY, self.region, 3, |out, scene| expand(out, PORTAL, scene));
        let user = &self.actor.names.user;
        let identity = format!(
            r#"{{"type":"SAMLUser","principalId":"example=:{user}","userName":"{user}","identityProvider":"example="}}"#
        );
        let agent = "aws-internal/3 aws-sdk-java/2.33.11";
        self.issue(&BY_SAML, &identity, Origin { address: self.address, agent, through: Through::Program });
        let mut who = Vec::new();
        self.actor.identity(&mut who, Some(self.session), "");
        let identity = &String::from_utf8_lossy(&who);
        self.browse(Page { call: &LOGIN, identity, before_s: 0, failure: None });
    }

    fn by_token(&mut self, repository: &str) {
        let provider =
            format!("arn:aws:iam::{}:oidc-provider/token.actions.githubusercontent.com", self.estate.account.id);
        let subject = format!("repo:{repository}:ref:refs/heads/main");
        let identity = format!(
            r#"{{"type":"WebIdentityUser","principalId":"{provider}:sts.amazonaws.com:{subject}","userName":"{subject}","identityProvider":"{provider}"}}"#
        );
        self.issue(&BY_WEB, &identity, self.program());
    }

    fn by_service(&mut self, by: &str) {
        let identity = format!(r#"{{"type":"AWSService","invokedBy":"{by}"}}"#);
        self.issue(&BY_SERVICE, &identity, Origin { address: by, agent: by, through: Through::Service });
    }

    fn by_account(&mut self) {
        let principal = key_text("AIDA", name(&self.actor.names.role));
        let identity = format!(r#"{{"type":"AWSAccount","principalId":"{principal}","accountId":"777788889999"}}"#);
        self.issue(&BY_ACCOUNT, &identity, self.program());
    }

    fn program(&self) -> Origin<'static> {
        Origin { address: self.address, agent: self.actor.person.agents[0].text, through: Through::Program }
    }

    fn issue(&mut self, call: &Call, identity: &str, origin: Origin) {
        let shared = Some(self.session.number ^ 1);
        let record = Record { service: sts(), call, identity: identity.as_bytes(), origin, failure: None, shared };
        self.tell(self.actor.person.account, self.region, 0, |out, scene| record::write(out, &record, scene));
    }
}

fn sts() -> &'static Service {
    service::find("sts").expect("STS is listed")
}

fn signin() -> &'static Service {
    service::find("signin").expect("sign-in is listed")
}
