//! Queries that want too much end, with a reason, and leave the engine as it was.

use std::time::{Duration, Instant};

use datafusion::arrow::array::AsArray as _;
use datafusion::arrow::datatypes::Int64Type;
use query::{Dataset, Engine, Lang, Options, QueryError, Window};

use crate::data;

fn engine(options: Options) -> Engine {
    let records: Vec<String> = (0..2_000)
        .map(|i| {
            format!(
                r#"{{"eventTime":"2024-05-01T00:00:00Z","eventName":"E{i}","eventSource":"s","eventID":"{i}","userAgent":"{}"}}"#,
                "x".repeat(200)
            )
        })
        .collect();
    let datasets: Vec<Dataset> = vec![data::dataset(&source::aws_cloudtrail::SOURCE, vec![("o".to_owned(), records)])];
    Engine::new(datasets, Options { threads: 2, ..options }).unwrap()
}

fn run(engine: &Engine, text: &str, lang: Lang) -> Result<usize, QueryError> {
    engine.block_on(async {
        let mut outcome = engine.query(text, lang, Window::default(), 0).await?;
        Ok(outcome.all().await?.iter().map(|batch| batch.num_rows()).sum())
    })
}

#[test]
fn a_join_of_all_with_all_is_refused() {
    let engine = engine(Options::default());
    let bomb = "SELECT count(*) FROM cloudtrail a, cloudtrail b, cloudtrail c WHERE a.raw || b.raw < c.raw";
    let got = run(&engine, bomb, Lang::Sql);
    assert!(matches!(got, Err(QueryError::Pairs(_))), "{got:?}");
    let small = "SELECT count(*) FROM (SELECT * FROM cloudtrail LIMIT 10) a, (SELECT * FROM cloudtrail LIMIT 10) b";
    assert_eq!(run(&engine, small, Lang::Sql).unwrap(), 1);
}

#[test]
fn a_query_ends_at_the_deadline() {
    let engine = engine(Options { deadline: Duration::from_millis(1_500), ..Options::default() });
    let begun = Instant::now();
    let bomb = "SELECT max(a.raw || b.raw || c.raw) FROM cloudtrail a JOIN cloudtrail b ON a.eventSource = b.eventSource \
                JOIN cloudtrail c ON a.eventSource = c.eventSource";
    let got = run(&engine, bomb, Lang::Sql);
    assert!(matches!(got, Err(QueryError::Deadline(_))), "{got:?}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn groups_that_do_not_fit_are_spilled_or_refused() {
    let engine = engine(Options { memory_bytes: 6 << 20, spill_bytes: 1 << 20, ..Options::default() });
    let bomb = "SELECT a.raw, b.raw, count(*) FROM cloudtrail a, cloudtrail b GROUP BY 1, 2 ORDER BY 3, 1, 2";
    let got = run(&engine, bomb, Lang::Sql);
    assert!(matches!(got, Err(QueryError::Memory(_))), "{got:?}");
    assert_eq!(run(&engine, "stats count(*)", Lang::Insights).unwrap(), 1, "the engine still works");
}

#[test]
fn deep_and_long_texts_are_answered_or_refused() {
    let engine = engine(Options { text_bytes_max: 200_000, ..Options::default() });
    let deep = |n: usize| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n));
    assert!(run(&engine, &deep(20), Lang::Sql).is_ok());
    for n in [500, 20_000] {
        let got = run(&engine, &deep(n), Lang::Sql);
        assert!(matches!(got, Err(QueryError::Text(_))), "{got:?}");
    }
    let nots = format!("SELECT {} true", "NOT ".repeat(20_000));
    assert!(matches!(run(&engine, &nots, Lang::Sql), Err(QueryError::Text(_))));
    // Nothing can interrupt the planning of a long chain, so it is refused before.
    let sums = |n: usize| format!("SELECT {}1", "1 + ".repeat(n));
    assert!(run(&engine, &sums(900), Lang::Sql).is_ok());
    assert!(matches!(run(&engine, &sums(3_000), Lang::Sql), Err(QueryError::Text(_))));
    let many: Vec<String> = (0..20_000).map(|i| format!("'E{i}'")).collect();
    let long = format!("SELECT count(*) FROM cloudtrail WHERE eventName IN ({})", many.join(","));
    assert_eq!(run(&engine, &long, Lang::Sql).unwrap(), 1);
    let ors: Vec<String> = (0..400).map(|i| format!("eventName = 'E{i}'")).collect();
    assert_eq!(run(&engine, &format!("filter {} | limit 10", ors.join(" or ")), Lang::Insights).unwrap(), 10);
    let short = Engine::new(Vec::new(), Options { text_bytes_max: 10, ..Options::default() }).unwrap();
    assert!(matches!(run(&short, "SELECT 1 + 1 + 1", Lang::Sql), Err(QueryError::Text(_))));
}

#[test]
fn dropping_an_answer_ends_its_query() {
    let engine = engine(Options { deadline: Duration::from_secs(60), ..Options::default() });
    let bomb = "SELECT a.raw || b.raw FROM cloudtrail a JOIN cloudtrail b ON a.eventSource = b.eventSource \
                JOIN cloudtrail c ON a.eventSource = c.eventSource";
    engine.block_on(async {
        let mut outcome = engine.query(bomb, Lang::Sql, Window::default(), 0).await.unwrap();
        assert!(outcome.next().await.unwrap().is_ok());
        drop(outcome);
    });
    let begun = Instant::now();
    assert_eq!(run(&engine, "stats count(*)", Lang::Insights).unwrap(), 1);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn rows_have_a_bound_and_the_answer_says_so() {
    let engine = engine(Options { rows: 100, ..Options::default() });
    engine.block_on(async {
        for (text, lang, n, is_partial) in [
            ("fields eventName", Lang::Insights, 100, true),
            ("fields eventName | limit 100", Lang::Insights, 100, false),
            ("fields eventName | limit 1500", Lang::Insights, 1_500, false),
            ("stats count(*) by eventName | limit 150", Lang::Insights, 150, false),
            ("stats count(*) by eventName", Lang::Insights, 100, true),
            ("SELECT raw FROM cloudtrail", Lang::Sql, 100, true),
        ] {
            let mut outcome = engine.query(text, lang, Window::default(), 0).await.unwrap();
            let got: usize = outcome.all().await.unwrap().iter().map(|batch| batch.num_rows()).sum();
            assert_eq!((got, outcome.is_partial()), (n, is_partial), "{text}");
        }
    });
}

#[test]
fn a_short_text_makes_no_endless_plan() {
    let engine = engine(Options::default());
    let cube = |n: usize| {
        let names: Vec<String> = (0..n).map(|at| format!("concat(raw, '{at}')")).collect();
        format!("SELECT count(*) FROM cloudtrail GROUP BY CUBE({})", names.join(", "))
    };
    assert!(run(&engine, &cube(5), Lang::Sql).is_ok());
    let got = run(&engine, &cube(12), Lang::Sql);
    assert!(matches!(got, Err(QueryError::Sets(4_096))), "{got:?}");

    let doubled = |n: usize| {
        let next = |at| format!(", w{at} as (SELECT x.n FROM w{} x JOIN w{} y ON x.n = y.n)", at - 1, at - 1);
        let all: String = (1..=n).map(next).collect();
        format!("WITH w0 as (SELECT eventName AS n FROM cloudtrail){all} SELECT count(*) FROM w{n}")
    };
    assert_eq!(run(&engine, &doubled(3), Lang::Sql).unwrap(), 1);
    let got = run(&engine, &doubled(30), Lang::Sql);
    assert!(matches!(&got, Err(QueryError::Text(said)) if said[0].message.contains("200 times")), "{got:?}");
}

#[test]
fn an_engine_tells_whether_it_is_still_at_work() {
    let engine = engine(Options::default());
    let work = engine.work();
    assert!(work.goes_on());
    for text in ["SELECT eventSource, count(*) FROM cloudtrail GROUP BY 1 ORDER BY 2", "SELECT nothing FROM cloudtrail"]
    {
        let _ = run(&engine, text, Lang::Sql);
    }
    drop(engine);
    let end = Instant::now() + Duration::from_secs(120);
    while work.goes_on() {
        assert!(Instant::now() < end, "nothing holds on to it");
        std::thread::yield_now();
    }
}

#[test]
fn a_function_of_the_same_function_is_worked_out_twice() {
    let engine = engine(Options::default());
    let length = |text: &str| {
        engine.block_on(async {
            let mut outcome = engine.query(text, Lang::Sql, Window::default(), 0).await.unwrap();
            let rows = outcome.all().await.unwrap();
            rows[0].column(0).as_primitive::<Int64Type>().value(0)
        })
    };
    let nested = |alias: &str| {
        let inner = format!("(SELECT eventSource AS x FROM cloudtrail) {alias}");
        let twice = format!("(SELECT concat(x, x) AS x FROM (SELECT concat(x, x) AS x FROM {inner}) {alias}) {alias}");
        format!("SELECT CAST(max(length(x)) AS BIGINT) FROM {twice}")
    };
    assert_eq!(length(&nested("t")), 4);
    assert_eq!(length(&nested("")), 4);
}
