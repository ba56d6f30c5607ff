//! A lake under random use, with crashes, against a set in memory that says what must be there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lake::{CompactOptions, Env, ExpireOptions, Faults, FsckOptions, Lake, Mode, Options, Repair, Step, Table};
use object_store::memory::InMemory;

use crate::world::{DAY_MS, NOON_MS, Row, Still, assert_balanced, def, options, read, try_append};

/// Stops at a step once, when told to.
#[derive(Default)]
struct Trap {
    step: Mutex<Option<Step>>,
    n_sprung: AtomicUsize,
}

impl Faults for Trap {
    fn at(&self, step: Step) -> std::io::Result<()> {
        let mut wanted = self.step.lock().expect("no panic");
        if *wanted != Some(step) {
            return Ok(());
        }
        *wanted = None;
        self.n_sprung.fetch_add(1, Ordering::SeqCst);
        Err(std::io::Error::other("the test pulls the plug"))
    }
}

/// What must be there: by day and id, the contents in the order in which they came, each with its time.
#[derive(Default)]
struct Model {
    rows: BTreeMap<(i64, u64), Vec<(u64, i64)>>,
}

impl Model {
    fn append(&mut self, rows: &[Row]) {
        for (time_ms, id, content) in rows {
            let same_id = self.rows.entry((time_ms.div_euclid(DAY_MS), *id)).or_default();
            if same_id.iter().all(|(have, _)| have != content) {
                same_id.push((*content, *time_ms));
            }
        }
    }

    fn expected(&self) -> Vec<(i64, String, String)> {
        let mut all = Vec::new();
        for ((_, id), contents) in &self.rows {
            for (number, (content, time_ms)) in contents.iter().enumerate() {
                let flag = if number == 0 { "" } else { "same-id" };
                all.push((*time_ms, format!("{{\"id\":{id},\"content\":{content}}}"), flag.to_owned()));
            }
        }
        all.sort();
        all
    }

    fn retain_from(&mut self, first_day: i64) {
        self.rows.retain(|(day, _), _| *day >= first_day);
    }
}

struct Use {
    env: Arc<Still>,
    objects: Arc<InMemory>,
    trap: Arc<Trap>,
}

impl Use {
    fn open(&self) -> (Lake, Table) {
        let faults = Arc::clone(&self.trap) as Arc<dyn Faults>;
        // Little memory for identities, so that they are read again.
        let options = Options {
            objects: Some(Arc::clone(&self.objects) as Arc<_>),
            faults,
            identity_bytes_max: 2_000,
            ..options(&self.env)
        };
        let lake = Lake::open_with("memory://lake", Mode::Create, options).expect("the lake opens");
        let table = lake.table(&def()).expect("a table");
        (lake, table)
    }

    fn below(&self, n: u64) -> u64 {
        (self.env.random() as u64) % n
    }

    fn some_rows(&self) -> Vec<Row> {
        let row = |_| {
            let id = self.below(80);
            // An id's time tells its content, as it does in logs; now and then somebody forges one.
            let forged = u64::from(self.below(10) == 0);
            (NOON_MS + (id % 4) as i64 * DAY_MS + 1000 * (id * 7 % 50) as i64 + forged as i64, id, forged)
        };
        (0..self.below(30)).map(row).collect()
    }
}

#[test]
fn random_use_with_crashes_agrees_with_a_set() {
    let mut n_sprung = 0;
    for seed in 200..203 {
        let world = Use { env: Still::new(seed), objects: Arc::default(), trap: Arc::default() };
        let (mut lake, mut table) = world.open();
        let mut model = Model::default();
        for turn in 0..36 {
            let step = Step::ALL[world.below(6) as usize];
            if world.below(3) == 0 {
                *world.trap.step.lock().expect("no panic") = Some(step);
            }
            let is_stopped = match world.below(8) {
                0 => table.compact(&CompactOptions { level: 1, ..CompactOptions::default() }).is_err(),
                1 => table.expire(&ExpireOptions { keep: 1 + world.below(3) as usize, age_ms: 0 }).is_err(),
                2 => {
                    world.env.pass(DAY_MS / 4);
                    lake.fsck(&FsckOptions { repair: Repair::Yes, grace_ms: i64::MIN / 2 }).expect("it is checked");
                    false
                }
                _ => {
                    let rows = world.some_rows();
                    let is_stopped = try_append(&table, &rows).is_err();
                    if is_stopped {
                        // The feed comes again after a restart, and finds its rows there or not.
                        *world.trap.step.lock().expect("no panic") = None;
                        (lake, table) = world.open();
                        try_append(&table, &rows).expect("nothing stops it now");
                    }
                    model.append(&rows);
                    false
                }
            };
            *world.trap.step.lock().expect("no panic") = None;
            if is_stopped {
                (lake, table) = world.open();
            }
            let snapshot = table.current().expect("a snapshot");
            assert_eq!(read(&lake, &snapshot), model.expected(), "seed {seed}, turn {turn}");
            assert_balanced(&lake, &table);
        }
        let report = lake.fsck(&FsckOptions::default()).expect("it is checked");
        assert!(report.is_sound(), "seed {seed}: {:?}", report.problems);
        world.env.pass(100 * DAY_MS);
        let today = world.env.now_ms().div_euclid(DAY_MS);
        let n_days = u32::try_from(today - NOON_MS.div_euclid(DAY_MS) - 2).expect("days");
        table.retain(n_days).expect("it removes");
        model.retain_from(today - i64::from(n_days));
        assert_eq!(read(&lake, &table.current().expect("a snapshot")), model.expected(), "seed {seed}");
        assert_balanced(&lake, &table);
        n_sprung += world.trap.n_sprung.load(Ordering::SeqCst);
    }
    assert!(n_sprung > 10, "too few crashes: {n_sprung}");
}
