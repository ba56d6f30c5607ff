//! The same queries over a table of the lake: what is read, and what need not be.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lake::columns::Columns;
use lake::{Counts, Lake, Mode};
use query::{Engine, Lang, Options, Statistics, Window, lake_table};

use crate::data;

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("query-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Three days, a file each, 1,000 records a day.
fn engine(name: &str) -> Engine {
    let folder = folder(name);
    let lake = Lake::open(folder.to_str().unwrap(), Mode::Create).unwrap();
    let columns = Arc::new(Columns::new(source::aws_cloudtrail::SOURCE.mapping));
    let table = lake.table(&columns.table()).unwrap();
    for day in 1..=3 {
        let records: Vec<String> = (0..1_000)
            .map(|i| {
                let (minute, second) = (i / 60, i % 60);
                format!(
                    r#"{{"eventTime":"2024-05-0{day}T00:{minute:02}:{second:02}Z","eventName":"Name{}","eventSource":"s{day}.amazonaws.com","eventID":"{day}-{i}","awsRegion":"us-east-1","readOnly":true,"requestParameters":{{"n":{i}}}}}"#,
                    i % 7
                )
            })
            .collect();
        let batches = data::batches(&source::aws_cloudtrail::SOURCE, &columns, vec![(format!("day{day}"), records)]);
        table.append(batches, Counts::default(), &BTreeMap::new()).unwrap();
    }
    let dataset = lake_table::dataset(&lake, table, columns);
    let options = Options { threads: 2, deadline: Duration::from_secs(120), ..Options::default() };
    Engine::new(vec![dataset], options).unwrap()
}

fn run(engine: &Engine, text: &str, window: Window) -> (Vec<String>, Statistics) {
    engine.block_on(async {
        let mut outcome = engine.query(text, Lang::Insights, window, 0).await.unwrap();
        let batches = outcome.all().await.unwrap();
        let kinds: Vec<_> = outcome.columns.iter().map(|(_, kind)| *kind).collect();
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter().zip(&kinds);
                let cells =
                    cells.map(|(array, kind)| query::output::cell(array, *kind, row).text().unwrap_or_default());
                rows.push(cells.collect::<Vec<_>>().join(" "));
            }
        }
        (rows, outcome.statistics())
    })
}

fn day(n: i64) -> i64 {
    event::time::parse("2024-05-01T00:00:00Z").unwrap() + (n - 1) * 86_400_000
}

/// What fails on a row tells of the row, so nothing is tried on rows of others: neither by an error nor by its absence.
#[test]
fn rows_of_other_accounts_are_not_even_tried() {
    let folder = folder("accounts");
    let lake = Lake::open(folder.to_str().unwrap(), Mode::Create).unwrap();
    let columns = Arc::new(Columns::new(source::aws_cloudtrail::SOURCE.mapping));
    let table = lake.table(&columns.table()).unwrap();
    let records: Vec<String> = (0..2_000)
        .map(|i| {
            let (account, name) = if i % 2 == 0 { ("111111111111", "12") } else { ("222222222222", "secret") };
            format!(
                r#"{{"eventTime":"2024-05-01T00:00:00Z","eventName":"{name}","eventSource":"s.amazonaws.com","eventID":"{i}","awsRegion":"{name}","recipientAccountId":"{account}","userIdentity":{{"accountId":"{account}"}}}}"#
            )
        })
        .collect();
    let batches = data::batches(&source::aws_cloudtrail::SOURCE, &columns, vec![("all".to_owned(), records)]);
    table.append(batches, Counts::default(), &BTreeMap::new()).unwrap();
    let dataset = lake_table::dataset(&lake, table, columns).of_accounts(&["111111111111".to_owned()]).unwrap();
    let options = Options { threads: 2, deadline: Duration::from_secs(120), ..Options::default() };
    let engine = Engine::new(vec![dataset], options).unwrap();
    let ask = |text: &str| {
        engine.block_on(async {
            let mut outcome =
                engine.query(text, Lang::Sql, Window::default(), 0).await.map_err(|err| err.to_string())?;
            let batches = outcome.all().await.map_err(|err| err.to_string())?;
            Ok::<_, String>(batches.iter().map(|batch| batch.num_rows()).sum::<usize>())
        })
    };
    for text in [
        "SELECT eventID FROM aws_cloudtrail WHERE cast(awsRegion AS int) = 12",
        "SELECT eventID FROM aws_cloudtrail WHERE cast(eventName AS int) = 12",
        "SELECT eventID FROM aws_cloudtrail WHERE arrow_cast(eventName, 'Int8') = 12 AND awsRegion = '12'",
        "SELECT eventID FROM aws_cloudtrail WHERE 1 / (CASE WHEN eventName = 'secret' THEN 0 ELSE 1 END) = 1",
        "SELECT eventID FROM aws_cloudtrail WHERE 1 / (CASE WHEN event_account = '222222222222' THEN 0 ELSE 1 END) = 1",
        "SELECT * FROM (SELECT eventID, cast(eventName AS int) AS n FROM aws_cloudtrail) WHERE n = 12",
    ] {
        assert_eq!(ask(text), Ok(1_000), "{text}");
    }
    assert_eq!(ask("SELECT eventID FROM aws_cloudtrail WHERE eventName = 'secret'"), Ok(0));
    assert_eq!(ask("SELECT DISTINCT event_account FROM aws_cloudtrail"), Ok(1));
    assert_eq!(ask("SELECT eventID FROM aws_cloudtrail LIMIT 1500"), Ok(1_000));
    let count = "SELECT n FROM (SELECT count(*) AS n FROM aws_cloudtrail) WHERE n = 1000";
    assert_eq!(ask(count), Ok(1));
}

#[test]
fn days_outside_the_time_range_are_not_opened() {
    let engine = engine("days");
    let (rows, all) = run(&engine, "stats count(eventName) as n", Window::default());
    assert_eq!(rows, ["3000"]);
    assert_eq!((all.files_read, all.files_skipped), (3, 0), "{all:?}");
    let window = Window { from_ms: Some(day(2)), to_ms: Some(day(3)) };
    let (rows, some) = run(&engine, "stats count(eventName) as n", window);
    assert_eq!(rows, ["1000"]);
    assert_eq!((some.files_read, some.files_skipped), (1, 2), "{some:?}");
    assert!(some.bytes_read < all.bytes_read && some.bytes_skipped > 0, "{some:?}");
    let estimated = |window| run(&engine, "stats count(eventName) as n | estimate", window);
    let ((whole, read), (day, _)) = (estimated(Window::default()), estimated(window));
    assert_eq!(read.bytes_read, 0, "nothing is run: {read:?}");
    let bytes = |rows: &[String]| rows[0].parse::<u64>().unwrap();
    assert!(bytes(&day) >= some.bytes_read && bytes(&whole) > 2 * bytes(&day), "{whole:?} {day:?}");
    let window = Window { from_ms: Some(self::day(9)), to_ms: None };
    let (rows, none) = run(&engine, "stats count(*) as n", window);
    assert_eq!(rows, ["0"]);
    assert_eq!((none.files_read, none.files_skipped), (0, 3), "{none:?}");
}

#[test]
fn filters_of_columns_reach_the_scan() {
    let engine = engine("filters");
    let plan =
        |text: &str| engine.block_on(engine.explain(text, Lang::Insights, Window::default(), 0)).unwrap().physical;
    let pushed = plan(
        "filter eventSource = 's2.amazonaws.com' and eventName in ['Name1', 'Name2'] | stats count(*) by eventName",
    );
    assert!(pushed.contains("predicate=") && pushed.contains("pruning_predicate="), "{pushed}");
    assert!(!pushed.contains("FilterExec"), "{pushed}");
    let (rows, read) = run(&engine, "filter eventSource = 's2.amazonaws.com' | stats count(*) as n", Window::default());
    assert_eq!(rows, ["1000"]);
    assert_eq!(read.rows_matched, 1_000, "{read:?}");
    assert!(read.files_skipped == 2 || read.row_groups_skipped == 2, "{read:?}");
    // Values in the open objects are found in their maps.
    let (rows, _) = run(
        &engine,
        "filter requestParameters.n >= 998 | stats count(*) as n by eventName | sort n desc",
        Window::default(),
    );
    assert_eq!(rows, ["Name4 3", "Name5 3"]);
}

#[test]
fn newest_rows_come_first_and_ties_stay_as_the_log_has_them() {
    let engine = engine("newest");
    let (rows, _) = run(&engine, "fields @timestamp, requestParameters.n | limit 2", Window::default());
    assert_eq!(rows, ["2024-05-03 00:16:39.000 999", "2024-05-03 00:16:38.000 998"]);
}
