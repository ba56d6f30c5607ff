//! What goes wrong between a queue, a bucket and a sink, and that each object is handed over once all the same.

use std::sync::Arc;
use std::time::Duration;

use aws::feed::S3Queue;
use aws::s3::{At, Bucket, S3};

use crate::fake::{Fake, Fault, Taken, World, answer, feed};

fn steps(feed: &mut S3Queue, n: usize) {
    for _ in 0..n {
        feed.step().unwrap();
    }
}

#[test]
fn one_object_told_of_five_times_is_handed_over_once() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    *taken.holds_back.lock().unwrap() = Some(Vec::new());
    world.put("a", b"hello");
    for _ in 0..5 {
        world.notify("a");
    }
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 7);
    assert_eq!((taken.keys().len(), world.n_messages()), (1, 5));
    taken.holds_back.lock().unwrap().take().unwrap().pop().unwrap()();
    steps(&mut feed, 2);
    assert_eq!((taken.keys().len(), world.n_messages(), feed.n_under_way()), (1, 0, 0));
    world.notify("a");
    steps(&mut feed, 3);
    assert_eq!((taken.keys().len(), world.n_messages()), (1, 0));
}

#[test]
fn what_passes_is_tried_again() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    world.put("a", b"hello, world");
    world.notify("a");
    world.fail("ReceiveMessage", Fault::Status(500, "InternalError"));
    world.fail("/a", Fault::Status(503, "SlowDown"));
    world.fail("/a", Fault::Timeout);
    world.fail("/a", Fault::Cut(5));
    world.fail("/a", Fault::Status(500, ""));
    world.fail("/a", Fault::Cut(3));
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 4);
    assert_eq!(*taken.got.lock().unwrap(), [("a".to_owned(), b"hello, world".to_vec())]);
    assert_eq!(world.n_messages(), 0);
}

#[test]
fn a_delete_that_fails_does_no_harm() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    world.put("a", b"hello");
    world.notify("a");
    world.fail("DeleteMessage", Fault::Status(403, "AccessDenied"));
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 3);
    assert_eq!((taken.keys().len(), world.n_messages()), (1, 1));
    world.pass(Duration::from_secs(301));
    steps(&mut feed, 4);
    assert_eq!((taken.keys().len(), world.n_messages()), (1, 0));
}

#[test]
fn a_message_is_kept_while_its_object_is_under_way() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    *taken.holds_back.lock().unwrap() = Some(Vec::new());
    world.put("a", b"hello");
    world.notify("a");
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 3);
    for _ in 0..20 {
        world.pass(Duration::from_secs(101));
        feed.holds().beat();
    }
    steps(&mut feed, 3);
    assert!(world.n_called("ChangeMessageVisibility") >= 20);
    // Nobody beats for so long that the message comes again, while its object is still under way.
    world.pass(Duration::from_secs(1000));
    steps(&mut feed, 4);
    taken.holds_back.lock().unwrap().take().unwrap().pop().unwrap()();
    steps(&mut feed, 2);
    assert_eq!((taken.keys().len(), world.n_messages()), (1, 0));
}

#[test]
fn a_message_whose_time_ends_while_its_object_is_read_is_read_once() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    world.put("a", b"hello");
    world.notify("a");
    world.state().slow = Duration::from_secs(1000);
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 6);
    assert_eq!((taken.keys().len(), world.n_messages()), (1, 0));
}

#[test]
fn poison_is_reported_with_its_reason() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    world.send("no notice");
    world.put("b", b"x");
    world.notify("b");
    world.fail("/b", Fault::Status(403, "AccessDenied"));
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 2);
    let troubles = feed.troubles();
    let reason = |i: usize| troubles[i].reason.as_str();
    assert!(reason(0).starts_with("cannot read a notification: it is no JSON"), "{}", reason(0));
    assert!(reason(1).contains("the permission s3:GetObject on arn:aws:s3:::logs/b is missing"), "{}", reason(1));
    assert_eq!((troubles[0].body.as_str(), troubles[0].is_poison), ("no notice", false));
    for _ in 0..4 {
        world.pass(Duration::from_secs(61));
        steps(&mut feed, 3);
    }
    assert!(feed.troubles().last().unwrap().is_poison);
    assert_eq!((taken.keys(), world.n_messages()), (vec!["b".to_owned()], 1));
}

#[test]
fn bytes_under_way_are_bounded() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    *taken.holds_back.lock().unwrap() = Some(Vec::new());
    for key in ["a", "b", "c"] {
        world.put(key, format!("{key}{}", "x".repeat(59)).as_bytes());
        world.notify(key);
    }
    let mut feed = feed(&world, &taken, 100);
    for n in 1..=3 {
        while taken.keys().len() < n {
            feed.step().unwrap();
        }
        let next = taken.holds_back.lock().unwrap().as_mut().unwrap().pop().unwrap();
        next();
    }
    steps(&mut feed, 2);
    assert_eq!((taken.keys().len(), world.n_messages()), (3, 0));
}

#[test]
fn what_the_sink_drops_comes_again() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    *taken.holds_back.lock().unwrap() = Some(Vec::new());
    world.put("a", b"hello");
    world.notify("a");
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 2);
    // Dropped, and not called.
    *taken.holds_back.lock().unwrap() = None;
    steps(&mut feed, 1);
    assert_eq!(feed.troubles()[0].reason, "an object was taken and not made safe");
    world.pass(Duration::from_secs(61));
    steps(&mut feed, 3);
    assert_eq!((taken.keys().len(), world.n_messages()), (2, 0));
}

#[test]
fn credentials_that_ended_are_asked_for_again_and_nobody_waits_for_a_denial() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    let mut feed = feed(&world, &taken, 100);
    world.fail("ReceiveMessage", Fault::Status(400, "ExpiredToken"));
    steps(&mut feed, 1);
    assert_eq!(world.n_called("ReceiveMessage"), 2);
    world.fail("ReceiveMessage", Fault::Status(403, "AccessDenied"));
    let err = feed.step().unwrap_err();
    assert_eq!(world.n_called("ReceiveMessage"), 3);
    let permission = "the permission sqs:ReceiveMessage on https://sqs.us-east-1.amazonaws.com/1/q is missing";
    assert_eq!(err.err.to_string(), permission);
    for _ in 0..5 {
        world.fail("ReceiveMessage", Fault::Status(503, ""));
    }
    feed.step().unwrap_err();
    assert_eq!(world.n_called("ReceiveMessage"), 8);
    feed.step().unwrap();
}

#[test]
fn a_key_of_steps_is_not_asked_for() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    world.put("a/../../other/key", b"hello");
    world.notify("a/../../other/key");
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 2);
    assert!(feed.troubles()[0].reason.ends_with("a part of it is only dots"));
    assert_eq!(world.n_called("other"), 0);
}

#[test]
fn an_object_put_again_before_it_is_read_is_handed_over_as_what_it_is() {
    let (world, taken) = (World::default(), Arc::new(Taken::default()));
    world.put("a", b"old");
    world.notify("a");
    world.put("a", b"new");
    world.notify("a");
    let mut feed = feed(&world, &taken, 100);
    steps(&mut feed, 4);
    assert_eq!(*taken.got.lock().unwrap(), [("a".to_owned(), b"new".to_vec())]);
    assert_eq!((feed.troubles(), world.n_messages()), (Vec::new(), 0));
}

#[test]
fn a_bucket_of_another_region_is_asked_there() {
    let http = Fake::answering(|request| {
        if request.url.contains(".us-east-1.") {
            return answer(301, &[("x-amz-bucket-region", "eu-west-1".to_owned())], b"");
        }
        assert!(request.url.starts_with("https://logs.s3.eu-west-1.amazonaws.com/"), "{}", request.url);
        answer(200, &[("content-length", "3".to_owned())], b"")
    });
    let mut aws = World::default().aws();
    aws.http = Arc::new(http.clone());
    let (s3, bucket) = (S3::new(aws), Bucket::parse("logs").unwrap());
    for n_calls in [2, 3] {
        assert_eq!(s3.head(&At { bucket: &bucket, key: "a", version_id: None }).unwrap().size, 3);
        assert_eq!(http.n_calls(), n_calls);
    }
}
