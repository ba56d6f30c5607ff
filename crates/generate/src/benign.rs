//! Ordinary life: who is at work calls what it usually calls, and what happens besides is mixed in.

use crate::actor::Actor;
use crate::attack::Told;
use crate::estate::{ACCOUNTS, Estate, IRELAND, VIRGINIA};
use crate::layout::{Deliveries, Folder, Place};
use crate::people::{self, Identity};
use crate::record::{self, Failure, Origin, Record, Through};
use crate::rng::{Rng, join};
use crate::service::{Call, Home, Service};
use crate::session;
use crate::template::{Scene, expand};
use crate::time::MINUTE_MS;

/// The organization: its accounts and all who act in them.
pub struct World {
    pub estates: Vec<Estate>,
    pub actors: Vec<Actor>,
}

impl World {
    pub fn new(seed: u64) -> World {
        let estates = (0..ACCOUNTS.len()).map(|account| Estate::new(seed, account)).collect();
        let actors =
            people::ALL.iter().enumerate().map(|(i, person)| Actor::new(person, join(seed, i as u64))).collect();
        World { estates, actors }
    }

    /// `userIdentity` of the key that leaks.
    pub fn leaked_identity(&self) -> String {
        let of_victim =
            |actor: &&Actor| matches!(actor.person.identity, Identity::Key { name } if name == people::VICTIM);
        let victim = self.actors.iter().find(of_victim).expect("the victim is among the people");
        let mut out = Vec::new();
        victim.identity(&mut out, None, "");
        String::from_utf8(out).expect("identities are made of text")
    }

    /// How much is going on in this span, in no unit.
    pub fn activity(&self, from_ms: i64, to_ms: i64) -> f64 {
        self.at_work(from_ms, to_ms).last().map_or(0.0, |shift| shift.sum)
    }

    fn at_work(&self, from_ms: i64, to_ms: i64) -> Vec<Shift<'_>> {
        let mut sum = 0.0;
        let shifts = self.actors.iter().filter_map(|actor| {
            let (start_ms, end_ms, zeal) = actor.at_work(from_ms, to_ms)?;
            // Shares are of calls, while shifts are drawn by burst.
            let calls_per_burst = 1.0 + actor.person.burst as f64 / 4.0;
            sum += actor.person.share / calls_per_burst * zeal * (end_ms - start_ms) as f64;
            Some(Shift { actor, start_ms, end_ms, sum })
        });
        shifts.collect()
    }
}

/// An actor's part of a span, and the running sum of what all do.
struct Shift<'a> {
    actor: &'a Actor,
    start_ms: i64,
    end_ms: i64,
    sum: f64,
}

/// How often something rarer than a call happens, by burst of calls.
const ODDITY: f64 = 0.004;

/// One span of the corpus, being told.
pub struct Life<'a> {
    pub world: &'a World,
    pub span: (i64, i64),
    pub rng: Rng,
    pub deliveries: &'a mut Deliveries,
    /// What happens besides, mixed in among the rest.
    pub besides: Vec<&'a Told>,
}

impl Life<'_> {
    fn mix_in(&mut self, most: usize) {
        let rest = self.besides.len().saturating_sub(most);
        for told in self.besides.drain(rest..) {
            self.deliveries.take_on_time(Place::trail(told.account, told.region), &told.json);
        }
    }
}

/// Fills the span until `target` events are taken in all.
pub fn fill(life: &mut Life, target: u64) {
    let world = life.world;
    for actor in &world.actors {
        if life.deliveries.events < target {
            session::begin(life, actor);
        }
    }
    let shifts = world.at_work(life.span.0, life.span.1);
    let total = shifts.last().map_or(0.0, |shift| shift.sum);
    while total > 0.0 && life.deliveries.events < target {
        let at = life.rng.unit() * total;
        let shift = &shifts[shifts.partition_point(|shift| shift.sum <= at).min(shifts.len() - 1)];
        burst(life, shift, target);
        life.mix_in(1);
        if life.deliveries.events < target && life.rng.chance(ODDITY) {
            oddity(life, shift);
        }
    }
    life.mix_in(usize::MAX);
}

/// Some calls one after the other, from one place with one program.
fn burst(life: &mut Life, shift: &Shift, target: u64) {
    let (actor, person, rng) = (shift.actor, shift.actor.person, &mut life.rng);
    let mut time_ms = shift.start_ms + rng.below((shift.end_ms - shift.start_ms) as u64) as i64;
    let calls = 1 + rng.next() % (1 + rng.next() % person.burst);
    let here = *rng.pick(person.regions);
    let (agent, through) = actor.agent(rng);
    let address = if through == Through::Service { agent } else { *rng.pick(person.addresses) };
    let mut identity = Vec::new();
    for _ in 0..calls.min(target.saturating_sub(life.deliveries.events)) {
        let (service, call) = actor.call(rng);
        let region = if service.home == Home::Global { VIRGINIA } else { here };
        let (estate, names) = (&life.world.estates[person.account], &actor.names);
        let scene = Scene { estate, region, time_ms, random: rng.next(), names, issued: rng.next() };
        let via = if through == Through::Service { "" } else { call.via };
        let (address, agent, through) =
            if via.is_empty() { (address, agent, through) } else { (via, via, Through::Service) };
        let origin = Origin { address, agent, through };
        identity.clear();
        actor.identity(&mut identity, actor.session(time_ms), via);
        let failure = failure(person.trouble, service, call, rng);
        let record = Record { service, call, identity: &identity, origin, failure, shared: None };
        life.deliveries.take(Place::trail(person.account, region), |out| record::write(out, &record, &scene));
        time_ms = (time_ms + rng.below(2_500) as i64).min(shift.end_ms - 1);
    }
}

fn failure(trouble: f64, service: &Service, call: &Call, rng: &mut Rng) -> Option<Failure<'static>> {
    // Who one is can be asked by everyone, and signing in is told elsewhere.
    let open_to_all = call.name == "GetCallerIdentity" || service.event_type != "AwsApiCall";
    if open_to_all || service.failures.is_empty() || !rng.chance(trouble) {
        return None;
    }
    let (code, message) = *rng.pick(service.failures);
    Some(Failure { code, message })
}

const INSIGHT: [&str; 2] = [
    r#"{"eventVersion":"1.09","eventTime":"$time","awsRegion":"$region","eventID":"$uuid","eventType":"AwsCloudTrailInsight","recipientAccountId":"$account","sharedEventID":"$shared","insightDetails":{"state":"Start","eventSource":"ssm.amazonaws.com","eventName":"UpdateInstanceInformation","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":4.3125},"insight":{"average":31.6},"baselineDuration":10085},"attributions":[{"attribute":"userIdentityArn","insight":[{"value":"$arn","average":31.6}],"baseline":[{"value":"$arn","average":4.3125}]},{"attribute":"errorCode","insight":[{"value":"null","average":31.6}],"baseline":[{"value":"null","average":4.3125}]}]}},"eventCategory":"Insight"}"#,
    r#"{"eventVersion":"1.09","eventTime":"$time","awsRegion":"$region","eventID":"$uuid","eventType":"AwsCloudTrailInsight","recipientAccountId":"$account","sharedEventID":"$shared","insightDetails":{"state":"End","eventSource":"ssm.amazonaws.com","eventName":"UpdateInstanceInformation","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":4.3125},"insight":{"average":28.8},"insightDuration":7,"baselineDuration":10085},"attributions":[{"attribute":"userIdentityArn","insight":[{"value":"$arn","average":28.8}],"baseline":[{"value":"$arn","average":4.3125}]},{"attribute":"errorCode","insight":[{"value":"null","average":28.8}],"baseline":[{"value":"null","average":4.3125}]}]}},"eventCategory":"Insight"}"#,
];
const KEY_ROTATION: &str = r#"{"eventVersion":"1.11","userIdentity":{"accountId":"$account","invokedBy":"AWS Internal"},"eventTime":"$time","eventSource":"kms.amazonaws.com","eventName":"RotateKey","awsRegion":"$region","sourceIPAddress":"AWS Internal","userAgent":"AWS Internal","requestParameters":null,"responseElements":null,"eventID":"$uuid","readOnly":false,"resources":[{"accountId":"$account","type":"AWS::KMS::Key","ARN":"arn:aws:kms:$region:$account:key/$kms"}],"eventType":"AwsServiceEvent","managementEvent":true,"recipientAccountId":"$account","serviceEventDetails":{"rotationType":"AUTOMATIC","keyOrigin":"AWS_KMS","keyId":"$kms"},"eventCategory":"Management"}"#;
const SECRET_ROTATED: &str = r#"{"eventVersion":"1.08","userIdentity":{"accountId":"$account","invokedBy":"AWS Internal"},"eventTime":"$time","eventSource":"secretsmanager.amazonaws.com","eventName":"RotationSucceeded","awsRegion":"$region","sourceIPAddress":"AWS Internal","userAgent":"AWS Internal","requestParameters":null,"responseElements":null,"additionalEventData":{"SecretId":"arn:aws:secretsmanager:$region:$account:secret:$secret-$hex6"},"eventID":"$uuid","readOnly":false,"eventType":"AwsServiceEvent","managementEvent":true,"recipientAccountId":"$account","eventCategory":"Management"}"#;
const ENDPOINT: [&str; 2] = [
    r#"{"eventVersion":"1.09","userIdentity":{"type":"AWSAccount","principalId":"$aroa:$user","accountId":"$account"},"eventTime":"$time","eventSource":"kms.amazonaws.com","eventName":"Decrypt","awsRegion":"$region","sourceIPAddress":"$privateip","requestParameters":null,"responseElements":null,"requestID":"$uuid","eventID":"$uuid2","eventType":"AwsVpceEvent","recipientAccountId":"$account","sharedEventID":"$shared","vpcEndpointId":"$vpce","vpcEndpointAccountId":"$account","eventCategory":"NetworkActivity"}"#,
    r#"{"eventVersion":"1.09","userIdentity":{"type":"AWSAccount","principalId":"$aroa:$user","accountId":"$account"},"eventTime":"$time","eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"$region","sourceIPAddress":"$privateip","errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy","requestParameters":null,"responseElements":null,"requestID":"$uuid","eventID":"$uuid2","eventType":"AwsVpceEvent","recipientAccountId":"$account","sharedEventID":"$shared","vpcEndpointId":"$vpce","vpcEndpointAccountId":"$account","eventCategory":"NetworkActivity"}"#,
];

/// A record that is no call: an insight, an event of a service, a refusal at an endpoint.
fn oddity(life: &mut Life, shift: &Shift) {
    let (world, rng) = (life.world, &mut life.rng);
    let here = (shift.actor, *rng.pick(shift.actor.person.regions));
    // The fleet is what now and then calls more than it used to.
    let fleet = world.actors.iter().find(|actor| actor.names.role == "prod-fleet-role").map(|actor| (actor, IRELAND));
    let (folder, (actor, region), templates): (Folder, (&Actor, usize), &[&str]) = match rng.below(12) {
        0..2 => (Folder::Insight, fleet.unwrap_or(here), &INSIGHT),
        2..7 => (Folder::Network, here, &ENDPOINT[..1]),
        7..9 => (Folder::Network, here, &ENDPOINT[1..]),
        9..11 => (Folder::Trail, here, &[KEY_ROTATION]),
        _ => (Folder::Trail, here, &[SECRET_ROTATED]),
    };
    let (account, issued) = (actor.person.account, rng.next());
    for (template, minutes) in templates.iter().zip([0, 7]) {
        let time_ms = (shift.start_ms + minutes * MINUTE_MS).min(shift.end_ms - 1);
        let scene =
            Scene { estate: &world.estates[account], region, time_ms, random: rng.next(), names: &actor.names, issued };
        life.deliveries.take(Place { account, region, folder }, |out| expand(out, template, &scene));
    }
}
