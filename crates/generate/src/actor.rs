//! An actor ready to act: when it is at work, in which session, and its `userIdentity`.

use crate::estate::ACCOUNTS;
use crate::people::{Identity, Person, Rhythm};
use crate::record::Through;
use crate::rng::{Rng, below, join, mix, unit};
use crate::service::{self, Call, Service};
use crate::template::{escape, key_id, key_text};
use crate::time::{self, DAY_MS, HOUR_MS, MINUTE_MS};

/// A person or program of `people::ALL`, with the ids that the seed gives it.
pub struct Actor {
    pub person: &'static Person,
    pub seed: u64,
    pub names: Names,
    shape: Shape,
    diet: Vec<(&'static Service, &'static Call)>,
    /// Running sums of the diet's weights.
    weights: Vec<f64>,
}

/// `userIdentity` but for what changes with the session.
enum Shape {
    Fixed(String),
    /// Before the key, between the key and the date, after the date.
    Session([String; 3]),
}

/// A time for which temporary credentials are good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    pub start_ms: i64,
    /// The number that makes its key.
    pub number: u64,
}

impl Actor {
    pub fn new(person: &'static Person, seed: u64) -> Actor {
        let id = ACCOUNTS[person.account].id;
        let names = Names::of(&person.identity, id);
        let diet =
            person.diet.split_whitespace().map(|text| service::find_call(text).expect("diets name calls that exist"));
        let diet: Vec<_> = diet.collect();
        let mut sum = 0.0;
        let weights = (1..=diet.len()).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        let weights = weights.collect();
        let shape = names.shape(&person.identity, id, seed);
        Actor { person, seed, names, shape, diet, weights }
    }

    pub fn call(&self, rng: &mut Rng) -> (&'static Service, &'static Call) {
        let at = rng.unit() * self.weights.last().copied().unwrap_or_default();
        self.diet[self.weights.partition_point(|sum| *sum < at).min(self.diet.len() - 1)]
    }

    /// The part of the window in which it works, and how hard: 1 is its mean.
    pub fn at_work(&self, from_ms: i64, to_ms: i64) -> Option<(i64, i64, f64)> {
        let (start, end, zeal) = match self.person.rhythm {
            Rhythm::Steady => (from_ms, to_ms, 1.0),
            Rhythm::Follows => (from_ms, to_ms, demand(from_ms)),
            Rhythm::Nightly(hour) => {
                let start = from_ms.div_euclid(DAY_MS) * DAY_MS + hour * HOUR_MS;
                (start, start + HOUR_MS, 24.0)
            }
            Rhythm::Office { utc, weekend } => {
                let day = (from_ms + utc * HOUR_MS).div_euclid(DAY_MS);
                let random = join(self.seed, day as u64);
                if unit(random) >= if matches!(time::weekday(day * DAY_MS), 0 | 6) { weekend } else { 0.94 } {
                    return None;
                }
                let start = day * DAY_MS - utc * HOUR_MS + 7 * HOUR_MS + below(mix(random), 150) as i64 * MINUTE_MS;
                (start, start + 8 * HOUR_MS + below(mix(random ^ 1), 120) as i64 * MINUTE_MS, 2.7)
            }
        };
        let (start, end) = (start.max(from_ms), end.min(to_ms));
        (start < end).then_some((start, end, zeal))
    }

    /// The session in which it acts at this time: a working day for people, a few hours for programs.
    pub fn session(&self, time_ms: i64) -> Option<Session> {
        if let Rhythm::Office { utc, .. } = self.person.rhythm {
            let day = (time_ms + utc * HOUR_MS).div_euclid(DAY_MS);
            let midnight = day * DAY_MS - utc * HOUR_MS;
            let (start_ms, ..) = self.at_work(midnight, midnight + DAY_MS)?;
            return Some(Session { start_ms, number: join(self.seed, start_ms as u64) });
        }
        let length = match self.person.identity {
            Identity::Pipeline { .. } | Identity::Tool { .. } => HOUR_MS,
            _ => 6 * HOUR_MS,
        };
        let shift = below(self.seed, length as u64 / 1000) as i64 * 1000;
        let start_ms = (time_ms - shift).div_euclid(length) * length + shift;
        Some(Session { start_ms, number: join(self.seed, start_ms as u64) })
    }

    /// Writes `userIdentity`. `via` is the service that acts on its behalf, or empty.
    pub fn identity(&self, out: &mut Vec<u8>, session: Option<Session>, via: &str) {
        match (&self.shape, session) {
            (Shape::Session([head, between, tail]), Some(session)) => {
                out.extend_from_slice(head.as_bytes());
                key_id(out, "ASIA", session.number);
                out.extend_from_slice(between.as_bytes());
                time::iso(out, session.start_ms);
                out.extend_from_slice(tail.as_bytes());
            }
            (Shape::Fixed(text), _) => out.extend_from_slice(text.as_bytes()),
            (Shape::Session(_), None) => unreachable!("an actor out of its session does not act"),
        }
        if !via.is_empty() {
            out.pop();
            out.extend_from_slice(b",\"invokedBy\":\"");
            escape(out, via);
            out.extend_from_slice(b"\"}");
        }
    }

    /// How it reaches AWS: always the same way for a service, else one of its programs.
    pub fn agent(&self, rng: &mut Rng) -> (&'static str, Through) {
        match self.person.identity {
            Identity::Service { host } | Identity::Linked { by: host, .. } => (host, Through::Service),
            _ => {
                let agent = rng.pick(self.person.agents);
                (agent.text, agent.through)
            }
        }
    }
}

/// What the customers ask for: more by day and on weekdays.
fn demand(ms: i64) -> f64 {
    let hour = ms.rem_euclid(DAY_MS) as f64 / HOUR_MS as f64;
    let day = 1.0 + 0.75 * ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos();
    if matches!(time::weekday(ms), 0 | 6) { day * 0.6 } else { day * 1.15 }
}

/// What an actor is called.
pub struct Names {
    pub arn: String,
    /// The user, or the session of a role.
    pub user: String,
    /// The role behind a session; empty for users.
    pub role: String,
    pub role_arn: String,
    /// The unique id of the user or role.
    pub principal: String,
}

impl Names {
    fn of(identity: &Identity, id: &str) -> Names {
        let role = match identity {
            Identity::User { name, .. } | Identity::Key { name } => return Names::of_user(name, id),
            Identity::Service { host } => return Names::of_service(host),
            Identity::Sso { set, .. } => {
                format!("AWSReservedSSO_{set}_{:016x}", mix(crate::rng::name(set) ^ crate::rng::name(id)))
            }
            Identity::Pipeline { role, .. }
            | Identity::Runtime { role, .. }
            | Identity::Tool { role, .. }
            | Identity::Linked { role, .. } => (*role).to_owned(),
        };
        let user = match identity {
            Identity::Sso { email, .. } => (*email).to_owned(),
            Identity::Runtime { session, .. } | Identity::Tool { session, .. } | Identity::Linked { session, .. } => {
                (*session).to_owned()
            }
            _ => "GitHubActions".to_owned(),
        };
        let path = match identity {
            Identity::Sso { .. } => "aws-reserved/sso.amazonaws.com/eu-west-1/".to_owned(),
            Identity::Linked { by, .. } => format!("aws-service-role/{by}/"),
            _ => String::new(),
        };
        // A role has one unique id, whoever assumes it.
        let principal = key_text("AROA", join(crate::rng::name(&role), crate::rng::name(id)));
        Names {
            arn: format!("arn:aws:sts::{id}:assumed-role/{role}/{user}"),
            role_arn: format!("arn:aws:iam::{id}:role/{path}{role}"),
            user,
            role,
            principal,
        }
    }

    fn of_user(name: &str, id: &str) -> Names {
        let principal = user_id(name, id);
        let arn = format!("arn:aws:iam::{id}:user/{name}");
        Names { arn, user: name.to_owned(), role: String::new(), role_arn: String::new(), principal }
    }

    fn of_service(host: &str) -> Names {
        let (arn, role, role_arn, principal) = Default::default();
        Names { arn, user: host.to_owned(), role, role_arn, principal }
    }

    fn shape(&self, identity: &Identity, id: &str, seed: u64) -> Shape {
        let Names { arn, user, role, role_arn, principal } = self;
        let user_head = format!(
            r#"{{"type":"IAMUser","principalId":"{principal}","arn":"{arn}","accountId":"{id}","accessKeyId":""#
        );
        match identity {
            Identity::Service { host } => Shape::Fixed(format!(r#"{{"type":"AWSService","invokedBy":"{host}"}}"#)),
            Identity::Key { .. } => {
                Shape::Fixed(format!(r#"{user_head}{}","userName":"{user}"}}"#, key_text("AKIA", seed)))
            }
            Identity::User { mfa, .. } => Shape::Session([
                user_head,
                format!(r#"","userName":"{user}","sessionContext":{{"attributes":{{"creationDate":""#),
                format!(r#"","mfaAuthenticated":"{}"}}}}}}"#, mfa.is_some()),
            ]),
            _ => Shape::Session([
                format!(
                    r#"{{"type":"AssumedRole","principalId":"{principal}:{user}","arn":"{arn}","accountId":"{id}","accessKeyId":""#
                ),
                format!(
                    r#"","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{principal}","arn":"{role_arn}","accountId":"{id}","userName":"{role}"}},{}"attributes":{{"creationDate":""#,
                    federation(identity, id)
                ),
                format!(r#"","mfaAuthenticated":"false"}}{}}}{}}}"#, delivery(identity), invoked_by(identity)),
            ]),
        }
    }
}

/// The unique id of an IAM user.
pub fn user_id(name: &str, id: &str) -> String {
    key_text("AIDA", join(crate::rng::name(name), crate::rng::name(id)))
}

fn federation(identity: &Identity, id: &str) -> String {
    match identity {
        Identity::Pipeline { repository, .. } => format!(
            r#""webIdFederationData":{{"federatedProvider":"arn:aws:iam::{id}:oidc-provider/token.actions.githubusercontent.com","attributes":{{"sub":"repo:{repository}:ref:refs/heads/main"}}}},"#
        ),
        _ => String::new(),
    }
}

fn invoked_by(identity: &Identity) -> String {
    match identity {
        Identity::Linked { by, .. } => format!(r#","invokedBy":"{by}""#),
        _ => String::new(),
    }
}

fn delivery(identity: &Identity) -> &'static str {
    match identity {
        Identity::Runtime { by: "ec2.amazonaws.com", .. } => r#","ec2RoleDelivery":"2.0""#,
        _ => "",
    }
}
