//! What is sent: records of several sources, some of them again and again, some of them no records at all.

use wal::sim::Dice;

use super::super::super::frame::{Frame, Trust};
use super::world::BEGIN_MS;
use crate::pipeline::Piece;

/// Records that several deliveries have.
const SHARED: usize = 24;
/// Days in which events happen.
const DAYS: usize = 45;

/// A delivery, and what must become of it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What its sender calls it.
    pub name: String,
    /// The protocol.
    pub feed: &'static str,
    /// The texts.
    pub pieces: Vec<Vec<u8>>,
    /// Records of CloudTrail in it, as the lake has them.
    pub trail: Vec<String>,
    /// Rows of flow logs in it, as the lake has them.
    pub flow: Vec<String>,
    /// Pieces of text in it that are no records.
    pub poison: Vec<String>,
}

impl Delivery {
    /// As the log keeps it.
    pub fn frame(&self, at_ms: i64) -> Frame {
        let trust = if self.feed == "syslog" { Trust::Anonymous } else { Trust::Push };
        Frame { feed: self.feed.into(), name: self.name.clone(), trust, at_ms, pieces: self.pieces.clone() }
    }

    /// As the pipeline reads it.
    pub fn read(&self) -> Vec<Piece> {
        self.frame(0).into_pieces()
    }
}

/// What an action sends.
pub fn delivery(number: usize, dice: &mut Dice) -> Delivery {
    let feed = ["http", "firehose", "hec", "syslog"][dice.below(4)];
    let mut made = Delivery {
        name: format!("d{number}"),
        feed,
        pieces: Vec::new(),
        trail: Vec::new(),
        flow: Vec::new(),
        poison: Vec::new(),
    };
    match dice.below(6) {
        // Whole deliveries come again too: rows have no ids, and are told by what they came with.
        0 => flows(&mut made, [number * 100, dice.below(4)][dice.below(2)], dice.below(3)),
        1 => file(&mut made, number, dice),
        2 => poison(&mut made, number, dice),
        _ => lines(&mut made, number, dice),
    }
    made
}

/// A file of CloudTrail, as it lies in a bucket.
pub fn file(made: &mut Delivery, number: usize, dice: &mut Dice) {
    made.trail = trail(number, dice);
    made.pieces = vec![format!(r#"{{"Records":[{}]}}"#, made.trail.join(",")).into_bytes()];
}

/// Events a line, of which rules hold.
fn lines(made: &mut Delivery, number: usize, dice: &mut Dice) {
    made.trail = trail(number, dice);
    made.pieces = made.trail.iter().map(|text| text.clone().into_bytes()).collect();
}

fn poison(made: &mut Delivery, number: usize, dice: &mut Dice) {
    made.trail = trail(number, dice);
    made.poison = vec![format!(r#"{{"eventVersion":"1.09","eventID":"poison-{number}","awsRegion":"eu-west-1"}}"#)];
    let at = dice.below(made.trail.len() + 1);
    let mut all = made.trail.clone();
    all.splice(at..at, made.poison.iter().cloned());
    if dice.below(2) == 0 {
        // The end is cut off.
        let cut = format!(r#"{{"eventVersion":"1.09","eventID":"cut-{number}","eventT"#);
        made.poison.push(cut.clone());
        all.push(cut);
    }
    made.pieces = all.into_iter().map(String::into_bytes).collect();
}

fn flows(made: &mut Delivery, first: usize, n_more: usize) {
    // One row that other objects have too, and rows by which this object is known.
    made.flow = (0..=n_more).map(|n| flow((first * 10 + n_more) * 10 + n + 1)).chain([flow(0)]).collect();
    made.pieces = vec![(made.flow.join("\n") + "\n").into_bytes()];
}

fn trail(number: usize, dice: &mut Dice) -> Vec<String> {
    let mut ids: Vec<usize> = (0..1 + dice.below(6))
        .map(|n| if dice.below(3) == 0 { dice.below(SHARED) } else { 1_000 + number * 100 + n })
        .collect();
    ids.dedup();
    ids.into_iter().map(|id| event(id, dice.below(12) == 0)).collect()
}

/// The event with this id. A forged one has the id of another, and another time.
fn event(id: usize, is_forged: bool) -> String {
    let mut dice = Dice::new(id as u64);
    let at_ms = day(&mut dice) + (dice.below(80_000) * 1_000) as i64 + i64::from(is_forged) * 1_000;
    let time = event::time::rfc3339(at_ms);
    let user = ["anna", "ben", "clio"][dice.below(3)];
    let name = ["StopLogging", "DeleteTrail", "GetObject", "ListBuckets"][dice.below(4)];
    let source = if name.contains("Log") || name.contains("Trail") { "cloudtrail" } else { "s3" };
    let arn = format!("arn:aws:iam::111122223333:user/{user}");
    format!(
        r#"{{"eventVersion":"1.09","eventID":"e{id}","eventTime":"{time}","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","recipientAccountId":"111122223333","sourceIPAddress":"203.0.113.{}","userIdentity":{{"type":"IAMUser","arn":"{arn}","accountId":"111122223333","userName":"{user}"}},"requestParameters":{{"name":"main"}},"readOnly":false}}"#,
        1 + dice.below(4)
    )
}

/// Records of another process, of which no rule holds; some of them are the server's too.
pub fn others(number: usize, dice: &mut Dice) -> Vec<String> {
    let own = (0..2).map(|n| event_of(1_000 + number * 100 + 50 + n));
    let shared = (0..SHARED).map(event_of).filter(|text| is_harmless(text)).take(dice.below(4));
    own.chain(shared).collect()
}

fn event_of(id: usize) -> String {
    let text = event(id, false);
    // An own one keeps its id and becomes harmless.
    if id < SHARED { text } else { text.replace("StopLogging", "ListTrails").replace("DeleteTrail", "ListTrails") }
}

fn is_harmless(text: &str) -> bool {
    !text.contains("StopLogging") && !text.contains("DeleteTrail")
}

/// Most events are of two days, the others late by up to weeks.
fn day(dice: &mut Dice) -> i64 {
    let ago = if dice.below(4) == 0 { dice.below(DAYS) } else { dice.below(2) };
    BEGIN_MS - ago as i64 * 86_400_000
}

fn flow(id: usize) -> String {
    let mut dice = Dice::new(id as u64);
    let start = day(&mut dice) / 1_000 + dice.below(80_000) as i64;
    let (from, port) = (1 + dice.below(3), [443, 445][dice.below(2)]);
    format!(
        "2 111122223333 eni-0a1b2c3d4e5f60718 10.0.1.{from} 198.51.100.7 {} {port} 6 20 4249 {start} {} ACCEPT OK",
        40_000 + dice.below(9_000),
        start + 60
    )
}

/// The rules. More of them change the numbers of the others, and nothing else.
pub const RULES: [(&str, &str); 3] = [
    (
        "b_trail.yml",
        "title: Logging was ended\nid: 11111111-0000-4000-8000-000000000001\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  selection:\n    eventName: StopLogging\n  condition: selection\nlevel: high\n",
    ),
    (
        "c_trail.yml",
        "title: A trail was changed\nid: 11111111-0000-4000-8000-000000000002\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  selection:\n    eventName:\n      - StopLogging\n      - DeleteTrail\n  condition: selection\nlevel: medium\n",
    ),
    (
        "d_flow.yml",
        "title: Files were shared with strangers\nid: 11111111-0000-4000-8000-000000000003\nlogsource:\n  product: aws\n  service: vpcflow\ndetection:\n  selection:\n    dstport: 445\n  condition: selection\nlevel: high\n",
    ),
];

/// The rule that comes and goes.
pub const MORE_RULES: (&str, &str) = (
    "a_more.yml",
    "title: Nobody does that\nid: 11111111-0000-4000-8000-000000000004\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  selection:\n    eventName: NobodyDoesThat\n  condition: selection\nlevel: low\n",
);
