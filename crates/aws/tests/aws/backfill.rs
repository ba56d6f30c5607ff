//! Days are walked downward, go on after a restart, and nothing is handed over twice.

use std::sync::{Arc, Mutex};

use aws::feed::{Backfill, BoxError, Checkpoints, S3Backfill};
use aws::s3::Bucket;

use crate::fake::{Fault, Taken, World, feed, transfers};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<Vec<u8>>>>);

impl Checkpoints for Kept {
    fn load(&self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(self.0.lock().unwrap().clone())
    }
    fn save(&self, checkpoint: &[u8]) -> Result<(), BoxError> {
        *self.0.lock().unwrap() = Some(checkpoint.to_vec());
        Ok(())
    }
}

fn walk(world: &World, taken: &Arc<Taken>, kept: &Kept) -> S3Backfill {
    let options = Backfill {
        bucket: Bucket::parse("logs").unwrap(),
        prefix: "x/AWSLogs/".into(),
        oldest: Some("2023/12/31".into()),
        attempts_max: 3,
    };
    S3Backfill::new(options, transfers(world.aws(), taken, 1000), Box::new(kept.clone())).unwrap()
}

fn world() -> (World, Vec<String>) {
    let world = World::default();
    let mut expected = Vec::new();
    for day in ["2024/02/01", "2024/01/31", "2023/12/31", "2023/12/30"] {
        for place in ["111111111111/CloudTrail/eu-west-1", "o-abc/222222222222/CloudTrail/us-east-1"] {
            for n in 1..=5 {
                let key = format!("x/AWSLogs/{place}/{day}/{n}.json.gz");
                world.put(&key, key.as_bytes());
                expected.push(key);
            }
        }
    }
    expected.truncate(30);
    world.put("x/AWSLogs/111111111111/CloudTrail-Digest/eu-west-1/2024/01/31/d.json.gz", b"no log");
    (world, expected)
}

#[test]
fn days_are_walked_downward_and_go_on_after_a_restart() {
    let (world, expected) = world();
    let (taken, kept) = (Arc::new(Taken::default()), Kept::default());
    // What a notice told of is not read again.
    world.notify(&expected[3]);
    let mut notified = feed(&world, &taken, 1000);
    while world.n_messages() > 0 {
        notified.step().unwrap();
    }
    let mut keys = expected.clone();
    let first = keys.remove(3);
    keys.insert(0, first);
    for restart_at in [1, 7, 12, 21, 31] {
        let mut walk = walk(&world, &taken, &kept);
        while taken.keys().len() < restart_at && !walk.progress().is_complete {
            // What fails now and then is tried by the next step.
            if restart_at == 12 && world.n_called("list-type").is_multiple_of(3) {
                world.fail("list-type", Fault::Timeout);
            }
            walk.step().unwrap();
        }
        if restart_at == 31 {
            let progress = walk.progress();
            assert_eq!((progress.objects_done, progress.objects_known), (30, 30));
            assert_eq!(progress.bytes_done, progress.bytes_known);
        }
    }
    assert_eq!(taken.keys(), keys);
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let (world, expected) = world();
    let (taken, kept) = (Arc::new(Taken::default()), Kept::default());
    for _ in 0..3 {
        world.fail("2024/01/31/4.json.gz", Fault::Status(403, "AccessDenied"));
    }
    let mut walk = walk(&world, &taken, &kept);
    while !walk.progress().is_complete {
        walk.step().unwrap();
    }
    let gaps = &walk.progress().gaps;
    assert_eq!((gaps.len(), taken.keys().len()), (1, expected.len() - 1));
    assert!(gaps[0].1.contains("s3:GetObject on arn:aws:s3:::logs/x/AWSLogs/"), "{gaps:?}");
}

#[test]
fn a_gap_is_tried_again_when_the_walk_is_over_also_after_a_restart() {
    let (world, expected) = world();
    let (taken, kept) = (Arc::new(Taken::default()), Kept::default());
    let forbid = |n: usize| (0..n).for_each(|_| world.fail("2024/01/31/4.json.gz", Fault::Status(403, "AccessDenied")));
    let over = |walk: &mut S3Backfill| {
        while !walk.progress().is_complete {
            walk.step().unwrap();
        }
    };
    forbid(3);
    let mut first = walk(&world, &taken, &kept);
    assert!(!first.retry_gaps(), "there are none yet");
    over(&mut first);
    // It is still forbidden, so it stays a gap, once.
    forbid(3);
    assert!(first.retry_gaps());
    over(&mut first);
    assert_eq!((first.progress().gaps.len(), taken.keys().len()), (1, expected.len() - 1));
    let before = first.progress().objects_done;
    drop(first);

    // Now it may be read, and nothing else is read again.
    let mut second = walk(&world, &taken, &kept);
    assert!(second.progress().is_complete && second.retry_gaps());
    over(&mut second);
    assert!(second.progress().gaps.is_empty() && !second.retry_gaps());
    assert_eq!(second.progress().objects_done, before + 1);
    let mut keys = taken.keys();
    keys.sort();
    let mut all = expected.clone();
    all.sort();
    assert_eq!(keys, all);
    assert!(walk(&world, &taken, &kept).progress().is_complete, "that is kept");
}

#[test]
fn a_gap_that_is_gone_from_the_bucket_stays_one_and_says_so() {
    let (world, _) = world();
    let (taken, kept) = (Arc::new(Taken::default()), Kept::default());
    (0..3).for_each(|_| world.fail("2024/01/31/4.json.gz", Fault::Status(403, "AccessDenied")));
    let mut walk = walk(&world, &taken, &kept);
    while !walk.progress().is_complete {
        walk.step().unwrap();
    }
    let key = walk.progress().gaps[0].0.clone();
    world.state().objects.remove(&key);
    assert!(walk.retry_gaps());
    while !walk.progress().is_complete {
        walk.step().unwrap();
    }
    assert_eq!(walk.progress().gaps, [(key, "it is not in the bucket any more".to_owned())]);
}
