//! A crash at each step, and races: each row once, and the counters balance.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use lake::{Counts, Faults, Lake, Mode, Options, Step};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, PutOptions, PutPayload};

use crate::world::{
    NOON_MS, Still, StopAt, append, assert_balanced, batch, def, folder, ids, open, options, rows, try_append,
};

#[test]
fn a_crash_at_any_step_loses_and_doubles_nothing() {
    for step in Step::ALL {
        let env = Still::new(20);
        let folder = folder(&format!("crash-{step:?}"));
        append(&open(&folder, &env).table(&def()).expect("a table"), &rows(NOON_MS, 1, 10));
        {
            let stop = Options { faults: Arc::new(StopAt(step)), ..options(&env) };
            let lake = Lake::open_with(folder.to_str().expect("UTF-8"), Mode::Create, stop).expect("the lake opens");
            try_append(&lake.open_table("events").expect("the table"), &rows(NOON_MS, 6, 10))
                .expect_err("it is stopped");
        }
        let lake = open(&folder, &env);
        let table = lake.table(&def()).expect("a table");
        let was_committed = table.snapshots().expect("snapshots").len() == 2;
        assert_eq!(was_committed, step == Step::AfterSwap, "{step:?}");
        let done = append(&table, &rows(NOON_MS, 6, 10));
        let expected = if was_committed { (0, 10) } else { (5, 5) };
        assert_eq!((done.rows, done.duplicates), expected, "{step:?}");
        assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (1..=15).collect::<Vec<_>>(), "{step:?}");
        assert_balanced(&lake, &table);
    }
}

/// Lets another writer commit just before the swap, this many times.
struct Overtake {
    other: Lake,
    times: std::sync::atomic::AtomicU32,
}

impl Faults for Overtake {
    fn at(&self, step: Step) -> std::io::Result<()> {
        if step == Step::BeforeSwap && self.times.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() {
            let left = u64::from(self.times.load(SeqCst));
            // Half of what the loser is about to write, and something of its own.
            let mut theirs = rows(NOON_MS, 1 + left, 1);
            theirs.extend(rows(NOON_MS + 500_000, 1000 + left, 1));
            append(&self.other.table(&def()).expect("a table"), &theirs);
        }
        Ok(())
    }
}

fn in_memory(objects: &Arc<InMemory>, env: &Arc<Still>, faults: Arc<dyn Faults>) -> Lake {
    let options = Options { objects: Some(Arc::clone(objects) as Arc<_>), faults, ..options(env) };
    Lake::open_with("memory://lake", Mode::Create, options).expect("the lake opens")
}

#[test]
fn who_loses_a_race_looks_again() {
    let objects = Arc::new(InMemory::new());
    let env = Still::new(21);
    let other = in_memory(&objects, &Still::new(22), Arc::new(lake::NoFaults));
    other.table(&def()).expect("a table");
    let lake = in_memory(&objects, &env, Arc::new(Overtake { other, times: 3.into() }));
    let table = lake.table(&def()).expect("a table");
    let done = append(&table, &rows(NOON_MS, 1, 5));
    assert_eq!((done.rows, done.duplicates), (2, 3));
    assert_eq!(ids(&lake, &table.current().expect("a snapshot")), [1, 2, 3, 4, 5, 1000, 1001, 1002]);
    assert_eq!(table.snapshots().expect("snapshots").len(), 4);
    assert_balanced(&lake, &table);
}

#[test]
fn races_have_an_end() {
    let objects = Arc::new(InMemory::new());
    let other = in_memory(&objects, &Still::new(23), Arc::new(lake::NoFaults));
    other.table(&def()).expect("a table");
    let faults = Arc::new(Overtake { other, times: 1000.into() });
    let options =
        Options { objects: Some(Arc::clone(&objects) as Arc<_>), faults, attempts: 3, ..options(&Still::new(24)) };
    let lake = Lake::open_with("memory://lake", Mode::Create, options).expect("the lake opens");
    let table = lake.table(&def()).expect("a table");
    let err = try_append(&table, &rows(NOON_MS, 5000, 5)).expect_err("others are always faster");
    assert!(
        matches!(err, lake::AppendError::Commit { err: lake::CommitError::Contended { attempts: 3, .. }, .. }),
        "{err:?}"
    );
    assert_balanced(&lake, &table);
}

#[test]
fn threads_that_append_at_once_all_get_in() {
    let objects = Arc::new(InMemory::new());
    in_memory(&objects, &Still::new(25), Arc::new(lake::NoFaults)).table(&def()).expect("a table");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let objects = &objects;
            scope.spawn(move || {
                let lake = in_memory(objects, &Still::new(26 + writer), Arc::new(lake::NoFaults));
                let table = lake.table(&def()).expect("a table");
                for n in 0..5 {
                    // Each row is given by two writers.
                    append(&table, &rows(NOON_MS, 100 * (writer / 2) + 10 * n, 10));
                }
            });
        }
    });
    let lake = in_memory(&objects, &Still::new(40), Arc::new(lake::NoFaults));
    let table = lake.open_table("events").expect("the table");
    let snapshot = table.current().expect("a snapshot");
    assert_eq!(ids(&lake, &snapshot), (0..50).chain(100..150).collect::<Vec<_>>());
    assert_eq!((snapshot.counters()["in"], snapshot.counters()["duplicates"]), (200, 100));
    assert_balanced(&lake, &table);
}

/// A store that fails: at one call, by doing what a commit asks and then saying that it did not, or by doing it some calls later.
#[derive(Debug)]
struct Failing {
    inner: Arc<InMemory>,
    /// Calls until the one that fails; never, if negative.
    calls_left: AtomicI64,
    is_mute: AtomicBool,
    /// After how many calls the next commit arrives; at once, if negative.
    late_by: AtomicI64,
    late: Mutex<Option<(Path, PutPayload, PutOptions)>>,
}

impl Failing {
    fn new(inner: &Arc<InMemory>) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            calls_left: (-1).into(),
            is_mute: false.into(),
            late_by: (-1).into(),
            late: Mutex::default(),
        })
    }

    fn open(self: &Arc<Self>, seed: u64) -> Lake {
        let options = Options { objects: Some(Arc::clone(self) as Arc<_>), ..options(&Still::new(seed)) };
        Lake::open_with("memory://lake", Mode::Create, options).expect("the lake opens")
    }

    fn call(&self) -> object_store::Result<()> {
        let mut late = self.late.lock().expect("no panic");
        if late.is_some() && self.late_by.fetch_sub(1, SeqCst) == 0 {
            let (path, payload, options) = late.take().expect("it is there");
            // Another may be there already.
            let _unheard = self.inner.put_opts(&path, payload, options).now_or_never().expect("memory answers at once");
        }
        if self.calls_left.fetch_sub(1, SeqCst) == 0 { Err(failure("the call fails")) } else { Ok(()) }
    }
}

fn failure(why: &str) -> object_store::Error {
    object_store::Error::Generic { store: "failing", source: why.into() }
}

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failing")
    }
}

mod failing {
    use futures::stream::{BoxStream, StreamExt};
    use object_store::path::Path;
    use object_store::*;

    #[async_trait::async_trait]
    impl ObjectStore for super::Failing {
        async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
            self.call()?;
            let is_commit = path.as_ref().ends_with(".metadata.json");
            if is_commit && self.late_by.load(super::SeqCst) >= 0 && self.late.lock().expect("no panic").is_none() {
                *self.late.lock().expect("no panic") = Some((path.clone(), payload, options));
                return Err(super::failure("no reply in time"));
            }
            let done = self.inner.put_opts(path, payload, options).await?;
            if is_commit && self.is_mute.swap(false, super::SeqCst) {
                return Err(super::failure("the reply is lost"));
            }
            Ok(done)
        }
        async fn put_multipart_opts(
            &self,
            path: &Path,
            options: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            self.call()?;
            self.inner.put_multipart_opts(path, options).await
        }
        async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
            self.call()?;
            self.inner.get_opts(path, options).await
        }
        fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
            match self.call() {
                Ok(()) => self.inner.delete_stream(paths),
                Err(err) => futures::stream::iter([Err(err)]).boxed(),
            }
        }
        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            match self.call() {
                Ok(()) => self.inner.list(prefix),
                Err(err) => futures::stream::iter([Err(err)]).boxed(),
            }
        }
        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.call()?;
            self.inner.list_with_delimiter(prefix).await
        }
        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
            self.inner.copy_opts(from, to, options).await
        }
    }
}

#[test]
fn a_failure_of_any_call_leaves_a_sound_lake() {
    let objects = Arc::new(InMemory::new());
    let failing = Failing::new(&objects);
    let mut expected: Vec<u64> = Vec::new();
    let mut n_failed = 0;
    for call in 0.. {
        // Opened anew, so that nothing is in memory.
        let lake = failing.open(300 + call);
        let table = lake.table(&def()).expect("a table");
        let (new, old) = (10 * call, 10 * call.saturating_sub(1));
        let mut given = rows(NOON_MS + 10_000 * new as i64, new, 10);
        given.extend(rows(NOON_MS + 10_000 * old as i64, old, 10));
        failing.calls_left.store(call as i64, SeqCst);
        let appended = try_append(&table, &given);
        let compacted = table.compact(&lake::CompactOptions { level: 1, ..Default::default() });
        let expired = table.expire(&lake::ExpireOptions { keep: 1, age_ms: -1 });
        let was_reached = failing.calls_left.swap(-1, SeqCst) < 0;
        n_failed += usize::from(appended.is_err()) + usize::from(compacted.is_err()) + usize::from(expired.is_err());
        append(&table, &given);
        expected.extend(new..new + 10);
        assert_eq!(ids(&lake, &table.current().expect("a snapshot")), expected, "call {call}");
        assert_balanced(&lake, &table);
        let report = lake.fsck(&lake::FsckOptions::default()).expect("it is checked");
        assert!(report.is_sound(), "call {call}: {:?}", report.problems);
        if !was_reached {
            break;
        }
    }
    assert!(expected.len() > 200 && n_failed > 15, "{} rows, {n_failed} failures", expected.len());
}

#[test]
fn a_commit_whose_reply_is_lost_is_found_and_not_repeated() {
    let objects = Arc::new(InMemory::new());
    in_memory(&objects, &Still::new(50), Arc::new(lake::NoFaults)).table(&def()).expect("a table");
    let failing = Failing::new(&objects);
    let lake = failing.open(51);
    let table = lake.table(&def()).expect("a table");
    let counts = Counts { read: 6, ..Counts::default() };
    let mut twice = rows(NOON_MS, 1, 5);
    twice.push(twice[0]);
    failing.is_mute.store(true, SeqCst);
    let done = table.append(vec![batch(&twice)], counts, &BTreeMap::new()).expect("an append");
    assert!(!failing.is_mute.load(SeqCst), "the reply was lost");
    assert_eq!((done.rows, done.duplicates), (5, 1));
    assert_eq!(table.snapshots().expect("snapshots").len(), 1);
    assert_eq!(done.snapshot, table.current().expect("a snapshot").id());
    assert_balanced(&lake, &table);
}

#[test]
fn a_commit_that_comes_late_keeps_its_files() {
    for late_by in 0..24 {
        let objects = Arc::new(InMemory::new());
        let failing = Failing::new(&objects);
        let lake = failing.open(400 + late_by);
        let table = lake.table(&def()).expect("a table");
        for n in 0..3 {
            failing.late_by.store(late_by as i64, SeqCst);
            append(&table, &rows(NOON_MS + 100_000 * n as i64, 10 * n, 10));
        }
        failing.late_by.store(late_by as i64, SeqCst);
        let small = lake::CompactOptions { level: 1, files_min: 2, ..Default::default() };
        table.compact(&small).expect("it compacts");
        failing.late_by.store(-1, SeqCst);
        assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (0..30).collect::<Vec<_>>(), "{late_by}");
        assert_balanced(&lake, &table);
        let report = lake.fsck(&lake::FsckOptions::default()).expect("it is checked");
        assert!(report.is_sound(), "{late_by}: {:?}", report.problems);
    }
}

/// Dies at a step, as by `kill -9`.
struct DieAt(Step);

impl Faults for DieAt {
    fn at(&self, step: Step) -> std::io::Result<()> {
        if step == self.0 { std::process::abort() } else { Ok(()) }
    }
}

const VICTIM: &str = "LAKE_TEST_VICTIM";

/// Not a test but the process that `a_process_that_dies_leaves_a_sound_lake` starts, which tells it where to die.
#[test]
fn victim() {
    let Ok(told) = std::env::var(VICTIM) else { return };
    let (step, folder) = told.split_once(' ').expect("a step and a folder");
    let step = Step::ALL.into_iter().find(|s| format!("{s:?}") == step).expect("a step");
    let options = Options { faults: Arc::new(DieAt(step)), ..options(&Still::new(91)) };
    let lake = Lake::open_with(folder, Mode::Create, options).expect("the lake opens");
    let _never = try_append(&lake.open_table("events").expect("the table"), &rows(NOON_MS, 6, 10));
}

#[test]
fn a_process_that_dies_leaves_a_sound_lake() {
    for step in Step::ALL {
        let env = Still::new(92);
        let folder = folder(&format!("die-{step:?}"));
        append(&open(&folder, &env).table(&def()).expect("a table"), &rows(NOON_MS, 1, 10));
        let mut command = std::process::Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "crash::victim"]).env(VICTIM, format!("{step:?} {}", folder.display()));
        assert!(!command.output().expect("it starts").status.success(), "it died at {step:?}");
        // Its lock died with it.
        let lake = open(&folder, &env);
        let table = lake.table(&def()).expect("a table");
        let report = lake.fsck(&lake::FsckOptions::default()).expect("it is checked");
        assert!(report.is_sound(), "{step:?}: {report:?}");
        append(&table, &rows(NOON_MS, 6, 10));
        assert_eq!(ids(&lake, &table.current().expect("a snapshot")), (1..=15).collect::<Vec<_>>(), "{step:?}");
        assert_balanced(&lake, &table);
    }
}

#[test]
fn writers_compaction_and_expiry_at_once() {
    let objects = Arc::new(InMemory::new());
    let open = |seed| in_memory(&objects, &Still::new(seed), Arc::new(lake::NoFaults));
    open(100).table(&def()).expect("a table");
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                scope.spawn(move || {
                    let lake = open(101 + writer);
                    let table = lake.open_table("events").expect("the table");
                    for n in 0..12 {
                        // Each second row is given by both.
                        append(&table, &rows(NOON_MS + 10_000 * n as i64, 10 * n + 5 * writer, 10));
                    }
                })
            })
            .collect();
        scope.spawn(move || {
            let table = open(103).open_table("events").expect("the table");
            while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                table.compact(&lake::CompactOptions { level: 1, ..Default::default() }).expect("it compacts");
                table.expire(&lake::ExpireOptions { keep: 2, age_ms: -1_000_000_000 }).expect("it expires");
            }
        });
    });
    let lake = open(104);
    let table = lake.open_table("events").expect("the table");
    let snapshot = table.current().expect("a snapshot");
    assert_eq!(snapshot.counters()["in"], 240);
    assert_eq!(ids(&lake, &snapshot), (0..125).collect::<Vec<_>>());
    let report = lake.fsck(&lake::FsckOptions::default()).expect("it is checked");
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_balanced(&lake, &table);
}
