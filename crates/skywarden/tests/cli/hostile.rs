//! Broken and hostile input: each piece is named, counted and explained, what came before the damage is kept, and nothing panics or hangs.

use std::path::Path;

use super::record::{attack, lines, object, record};
use super::{Folder, Ran, gzip, inside, skywarden};

/// A scan of one file that cannot be read as a whole.
#[track_caller]
fn scan(name: &str, bytes: impl AsRef<[u8]>) -> Ran {
    let folder = Folder::new();
    folder.file(name, bytes);
    let events = inside(&folder, "events --no-raw .").run().ends(4);
    let ran = inside(&folder, "scan .").run().ends(4);
    assert!(ran.stdout.contains(name), "the file is not named:\n{}", ran.stdout);
    assert!(events.stderr.contains(name), "the file is not named:\n{}", events.stderr);
    let n = events.stdout.lines().count();
    let shown = if n == 1 { "1 event,".to_owned() } else { format!("{n} events,") };
    assert!(ran.stdout.contains(&shown), "`events` gives {n} events, and `scan`:\n{}", ran.stdout);
    // The same is said where standard output is for machines.
    let lines = inside(&folder, "scan . --format jsonl").run().ends(4);
    lines.json_lines();
    assert!(lines.stderr.contains(&format!("not read: ./{name}: ")), "{}", lines.stderr);
    ran
}

/// How many events the summary counts.
fn n_events(ran: &Ran) -> usize {
    let words: Vec<&str> = ran.stdout.split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with("event")).unwrap();
    words[at - 1].replace(',', "").parse().unwrap()
}

/// Records that do not deflate to nothing.
fn many(n: u32) -> String {
    let mut seed = 1_u32;
    let mut records: Vec<_> = (0..n).map(|n| record(n, "DescribeTrails")).collect();
    for record in &mut records {
        let digits = (0..8).map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("{seed:08x}")
        });
        record["userAgent"] = digits.collect::<String>().into();
    }
    records[0] = record(0, "StopLogging");
    object(&records)
}

#[test]
fn gzip_that_was_cut_off() {
    let packed = gzip(many(400));
    let ran = scan("a.json.gz", &packed[..packed.len() / 2]);
    let n = n_events(&ran);
    assert!((100..300).contains(&n), "about half is kept, not {n}");
    ran.says("gzip data ends too early, at byte").says("stopped the logging");
}

#[test]
fn gzip_that_is_corrupt() {
    let mut packed = gzip(many(400));
    let middle = packed.len() / 2;
    packed[middle..middle + 16].fill(0xff);
    let ran = scan("a.json.gz", &packed);
    let n = n_events(&ran);
    assert!((50..300).contains(&n), "about half is kept, not {n}");
    ran.says("gzip").says("stopped the logging");
}

#[test]
fn a_member_that_is_corrupt_keeps_those_before() {
    let bad = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    let ran = scan("a.json.gz", [gzip(lines(&attack())), bad.to_vec()].concat());
    assert_eq!(n_events(&ran), 3);
}

#[test]
fn something_behind_gzip() {
    let ran = scan("a.json.gz", [&gzip(lines(&attack()))[..], b"garbage"].concat());
    assert_eq!(n_events(&ran), 3);
    ran.says("gzip data is followed by something else");
}

#[test]
fn a_bomb_is_stopped_while_it_is_inflated() {
    let bomb = [lines(&attack()).into_bytes(), vec![b' '; 64 << 20]].concat();
    let ran = scan("bomb.json.gz", gzip(&bomb));
    assert_eq!(n_events(&ran), 3);
    ran.says("gzip data inflates more than 200 times");
    let ran = scan("bomb.gz", gzip(gzip(gzip(gzip(lines(&attack()))))));
    ran.says("is packed more than 2 times");
}

/// A bomb may lie inside a CloudWatch Logs envelope too.
#[test]
fn a_bomb_in_an_envelope() {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode(gzip(vec![b' '; 80 << 20]));
    let text = format!("{{\"awslogs\":{{\"data\":\"{data}\"}}}}\n{}", record(1, "StopLogging"));
    scan("a.json", text).says("inflates to more than 64 MiB").says("stopped the logging");
    for (data, why) in [("####", "not base64"), ("AAAA", "not good gzip"), ("", "an envelope")] {
        scan("a.json", format!("{{\"awslogs\":{{\"data\":\"{data}\"}}}}")).says(why);
    }
}

#[test]
fn what_is_no_log() {
    let mut seed = 7_u32;
    let random = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    });
    let random: Vec<u8> = random.take(100_000).collect();
    scan("a.bin", random).says("not UTF-8");
    scan("a.txt", "hello there\n").says("not a log that is known (begins with \"hello there\")");
    scan("a.json", "{\"hello\":1}").says("not a log that is known (begins with \"{\\\"hello\\\":1}\")");
    scan("a.json", "[1,2]").says("a record that is not a JSON object");
    scan("a.json", "{").says("ends in the middle of a record");
    scan("a.zip", b"PK\x03\x04xxxxxxxx").says("is a zip archive: unpack it first");
    scan("a.gz", gzip(b"PK\x03\x04xxxxxxxx")).says("is a zip archive: unpack it first");
    scan("a.html", "<html></html>").says("not a log that is known");
    scan("a.parquet", b"PAR1garbagePAR1").says("a.parquet");
}

/// Nothing is lost with it, and it is said all the same.
#[test]
fn an_empty_file() {
    let folder = Folder::new();
    folder.file("empty.json", "");
    folder.file("blank.json", " \n\n");
    folder.file("packed.json.gz", gzip(""));
    folder.file("none.json", r#"{"Records":[]}"#);
    folder.file("a.json", lines(&attack()));
    let ran = inside(&folder, "scan .").run().ends(0);
    assert_eq!(n_events(&ran), 3);
    ran.says("./empty.json: is empty");
}

#[cfg(unix)]
#[test]
fn what_is_no_file() {
    let folder = Folder::new();
    folder.file("logs/a.json", lines(&attack()));
    let logs = folder.path().join("logs");
    assert!(std::process::Command::new("mkfifo").arg(logs.join("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("..", logs.join("loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", logs.join("dead")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", logs.join("device")).unwrap();
    let ran = inside(&folder, "scan logs").run().ends(4);
    assert_eq!(n_events(&ran), 3);
    ran.says("logs/pipe: is a FIFO")
        .says("is a loop: it leads back to")
        .says("logs/dead: is a broken link to nowhere")
        .says("logs/device: is a device");
    inside(&folder, "scan logs/pipe").run().ends(4).says("is a FIFO");
    inside(&folder, "events logs").run().ends(4).says("logs/pipe: is a FIFO");
    // A loop alone loses nothing.
    let ring = Folder::new();
    ring.file("logs/a.json", lines(&attack()));
    std::os::unix::fs::symlink("..", ring.path().join("logs/loop")).unwrap();
    inside(&ring, "scan logs").run().ends(0).says("3 events");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    folder.file("a.json", lines(&attack()));
    let secret = folder.file("secret.json", lines(&attack()));
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&secret).is_ok() {
        eprintln!("skipped: root may read every file");
        return;
    }
    let ran = inside(&folder, "scan .").run().ends(4);
    assert_eq!(n_events(&ran), 3);
    ran.says("secret.json: cannot be read: permission denied");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_or_moves_the_cursor() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new();
    folder.file(Path::new(std::ffi::OsStr::from_bytes(b"na\xffme.json")), lines(&attack()));
    folder.file("esc\u{1b}[2Jape.txt", "hello there\n");
    folder.file(Path::new(std::ffi::OsStr::from_bytes(b"bad\xfe.txt")), "hello there\n");
    for args in ["scan .", "scan . --format jsonl", "events ."] {
        let ran = inside(&folder, args).run().ends(4);
        let said = ran.said();
        assert!(said.contains(r"bad\xFE.txt") && said.contains("esc"), "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
    }
    assert_eq!(n_events(&inside(&folder, "scan .").run()), 3, "the good one is read");
}

#[test]
fn json_that_is_nested_too_deep() {
    let deep = format!("{{\"eventVersion\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let [first, _, last] = [0, 1, 2].map(|n| attack()[n].to_string());
    let ran = scan("lines.json", format!("{first}\n{deep}\n{last}\n"));
    assert_eq!(n_events(&ran), 2, "between lines reading goes on");
    ran.says("nested too deep (1 record, 200.0 KB)");
    let ran = scan("array.json", format!("{{\"Records\":[{first},{deep},{last}]}}"));
    assert!(n_events(&ran) >= 1);
    ran.says("nested too deep");
    let members = format!("{first}\n{}1{}\n", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert_eq!(n_events(&scan("members.json", members)), 1);
    scan("open.json", "[".repeat(1_000_000)).says("open.json");
}

#[test]
fn one_record_of_several_that_is_not_utf8() {
    let bad = |record: &str| {
        let (left, right) = record.split_once("mallory").unwrap();
        [left.as_bytes(), b"mall\xff\xfe", right.as_bytes()].concat()
    };
    let [first, second, last] = [0, 1, 2].map(|n| attack()[n].to_string());
    let ran = scan("lines.json", [first.as_bytes(), b"\n", &bad(&second), b"\n", last.as_bytes()].concat());
    assert_eq!(n_events(&ran), 2);
    ran.says("a record that is not UTF-8 (1 record").says("stopped the logging").says("deleted trail");
    let array = [b"{\"Records\":[", first.as_bytes(), b",", &bad(&second), b",", last.as_bytes(), b"]}"].concat();
    assert_eq!(n_events(&scan("array.json", array)), 2);
    let row = "2 111122223333 eni-0a 203.0.113.5 10.0.0.9 49152 22 6 1 40 1700000000 1700000060 ACCEPT OK\n";
    let rows = [row.as_bytes(), b"2 111122223333 eni-\xff\n", row.as_bytes()].concat();
    let ran = scan("rows.log", rows);
    assert_eq!(n_events(&ran), 2);
    ran.says("a line that is not UTF-8 (1 record");
}

#[test]
fn a_record_that_ends_in_its_middle() {
    let text = object(&attack());
    let ran = scan("a.json", &text[..text.len() - 400]);
    assert_eq!(n_events(&ran), 2);
    ran.says("ends in the middle of a record (").says("stopped the logging");
    let text = lines(&attack());
    let ran = scan("a.ndjson", &text[..text.len() - 400]);
    assert_eq!(n_events(&ran), 2);
}

#[test]
fn broken_lines_between_good_ones() {
    let good = lines(&attack());
    let ran = scan("a.ndjson", format!("{good}{{\"eventName\": oh\n{good}not json\n\n{good}"));
    assert_eq!(n_events(&ran), 9);
    ran.says("not JSON");
}

#[test]
fn strange_lines_before_good_ones() {
    let ran = scan("a.ndjson", format!("# logs of today\n\"eventID\":\"x\"}}\n{}", lines(&attack())));
    assert_eq!(n_events(&ran), 3);
    ran.says("a line that is no record of a known log (2 records");
    scan("a.txt", format!("{}{}", "hello\n".repeat(50), lines(&attack()))).says("not a log that is known");
}

/// A key given very many times costs no more than its text: with the square of it this would not end.
#[test]
fn keys_given_very_many_times() {
    let name = |n: usize| ["ListUsers", "StopLogging", "CreateUser", "GetObject"][n % 4];
    let service = |n: usize| ["iam", "cloudtrail", "s3", "ec2"][n % 4];
    let mut text = record(1, "DeleteTrail").to_string();
    text.truncate(text.len() - 1);
    for n in 0..60_000 {
        text.push_str(&format!(",\"eventName\":\"{}\",\"eventSource\":\"{}.amazonaws.com\"", name(n), service(n / 4)));
        text.push_str(",\"userAgent\":\"x\",\"requestParameters\":{\"name\":\"y\"}");
    }
    text.push('}');
    let ran = skywarden(["scan", "-", "--format", "jsonl"]).stdin(text).run().ends(0);
    assert_eq!(ran.json_lines().len(), 3, "{}", ran.shown());
    ran.says("1 record holds one key twice in an object where a rule or a summary looks");
}

#[test]
fn a_line_of_twenty_mebibytes() {
    let [first, _, last] = [0, 1, 2].map(|n| attack()[n].to_string());
    let huge = format!("{{\"eventVersion\":\"1.11\",\"x\":\"{}\"}}", "a".repeat(20 << 20));
    let ran = scan("a.json", format!("{first}\n{huge}\n{last}\n"));
    assert_eq!(n_events(&ran), 2, "what follows is read");
    ran.says("a record larger than 16 MiB (1 record");
    let ran = scan("a.json", format!("{first}\n\"{}", "a".repeat(20 << 20)));
    assert_eq!(n_events(&ran), 1);
    let row = "2 111122223333 eni-0a 203.0.113.5 10.0.0.9 49152 22 6 1 40 1700000000 1700000060 ACCEPT OK";
    let ran = scan("a.log", format!("{row}\n{}\n{row}\n", "a".repeat(20 << 20)));
    assert!(n_events(&ran) >= 1);
    ran.says("a line of more than 16 MiB");
}

/// What an attacker may write into the log reaches neither the terminal nor the page as anything but text.
#[test]
fn escapes_and_markup_in_names() {
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}<script>alert(1)</script>\u{202e}\u{0}\u{9b}31m\r\n";
    let mut record = record(1, "StopLogging");
    for pointer in [
        "/userIdentity/userName",
        "/userIdentity/arn",
        "/sourceIPAddress",
        "/requestParameters/name",
        "/awsRegion",
        "/eventID",
        "/recipientAccountId",
        "/userIdentity/accountId",
        "/userAgent",
    ] {
        *record.pointer_mut(pointer).unwrap() = format!("{hostile}{pointer}").into();
    }
    let mut odd = super::record::record(2, &format!("Stop{hostile}"));
    odd["eventSource"] = hostile.into();
    let folder = Folder::new();
    folder.file("a.json", lines(&[record, odd]));
    folder.file("all.yml", "title: All\nid: 6f1e0c52-3a3e-4a35-9d0f-1b2c3d4e5f60\nlogsource: {product: aws}\ndetection: {s: {eventVersion: '*'}, condition: s}\nlevel: high\n");
    let is_clean =
        |text: &str| text.replace("\r\n", "\n").chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}');
    for format in ["table", "csv"] {
        let ran = inside(&folder, "scan a.json --rules all.yml --format").arg(format).run().ends(0);
        assert!(is_clean(&ran.said()), "{format}: {:?}", ran.said());
        assert!(ran.stdout.contains("⟨U+001B⟩"), "the escape is shown as a mark: {}", ran.stdout);
    }
    let always = inside(&folder, "scan a.json --rules all.yml --color always").run().ends(0);
    assert!(!always.stdout.contains("\u{1b}[2J") && !always.stdout.contains("\u{1b}]"), "{:?}", always.stdout);
    for format in ["json", "jsonl"] {
        let ran = inside(&folder, "scan a.json --rules all.yml --format").arg(format).run().ends(0);
        assert!(!ran.stdout.contains(['\u{1b}', '\u{7}', '\u{0}']), "{format}: JSON escapes them");
        assert!(ran.stdout.contains(r"\u001b[2J"), "{format}: and keeps them");
    }
    inside(&folder, "scan a.json --rules all.yml --report out.html").run().ends(0);
    let page = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)"));
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
}

#[test]
fn values_of_every_wrong_kind() {
    let whole = record(1, "StopLogging");
    let mut text = String::new();
    for key in whole.as_object().unwrap().keys() {
        for wrong in
            ["null", "1", "-1e400", "true", "[]", "{}", "[[{}]]", r#""""#, r#""\ud800""#, r#"{"a":{"b":[1,"x",null]}}"#]
        {
            let wrong: String = wrong.into();
            let member = format!("\"{key}\":{}", whole[key]);
            let record = whole.to_string();
            assert!(record.contains(&member));
            text.push_str(&record.replacen(&member, &format!("\"{key}\":{wrong}"), 1));
            text.push('\n');
        }
    }
    let folder = Folder::new();
    folder.file("a.json", &text);
    for args in
        ["scan a.json", "scan a.json --format jsonl", "scan a.json --format csv", "scan a.json --report out.html"]
    {
        let ran = inside(&folder, args).run().ends(4);
        ran.says("no record of a known log");
    }
    let ran = inside(&folder, "scan a.json").run();
    // Only a record without a version or a time is none.
    let n_records = text.lines().count();
    assert!(n_events(&ran) >= n_records - 20, "{} of {n_records}:\n{}", n_events(&ran), ran.stdout);
    assert_eq!(inside(&folder, "events a.json").run().ends(4).json_lines().len(), n_events(&ran));
}

#[test]
fn hostile_standard_input() {
    let packed = gzip(many(400));
    for (bytes, why) in [
        (packed[..packed.len() / 2].to_vec(), "ends too early"),
        (gzip(vec![b' '; 64 << 20]), "more than 200 times"),
        (vec![0; 1 << 20], "(standard input)"),
        (b"hello there".to_vec(), "not a log that is known"),
        (vec![b'['; 1 << 20], "(standard input)"),
    ] {
        skywarden(["scan", "-"]).stdin(bytes.clone()).run().ends(4).says("(standard input)").says(why);
        skywarden(["events", "-"]).stdin(bytes).run().ends(4).says(why);
    }
    skywarden(["scan", "-"]).run().ends(0).says("0 events");
}

/// `events` and `scan` agree on what is a record of a known log, and count what is none instead of saying it line by line.
#[test]
fn what_is_no_record_is_counted_and_printed_by_neither() {
    let folder = Folder::new();
    let (mut timeless, mut versionless) = (record(1, "StopLogging"), record(2, "StopLogging"));
    timeless.as_object_mut().unwrap().remove("eventTime");
    versionless.as_object_mut().unwrap().remove("eventVersion");
    let mut records = vec![record(0, "StopLogging")];
    records.extend(std::iter::repeat_n(timeless, 30));
    records.extend(std::iter::repeat_n(versionless, 12));
    folder.file("a.json", object(&records));
    let flows =
        "version account-id srcaddr dstaddr action log-status\n2 111122223333 198.51.100.7 10.0.0.9 ACCEPT OK\n";
    folder.file("flows.log", flows);
    let events = inside(&folder, "events a.json flows.log").run().ends(4);
    assert_eq!(events.json_lines().len(), 1);
    let scan = inside(&folder, "scan a.json flows.log --format jsonl").run().ends(4);
    assert_eq!(scan.json_lines().len(), 1);
    let lines =
        |ran: &Ran| ran.stderr.lines().filter(|l| l.starts_with("not read: ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&events), lines(&scan));
    let said = lines(&events);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("not read: a.json: a JSON object that is no record of a known log (42 records, "),
        "{said:?}"
    );
    assert!(said[1].starts_with("not read: flows.log: a row without a time: no rule can place it"), "{said:?}");
}

#[test]
fn no_text_of_a_log_acts_on_a_terminal_whatever_the_format() {
    let folder = Folder::new();
    let odd = "\u{1b}[31m \u{7f}\u{9b}2J\u{202e}x\u{2066}\u{2028} é “—”";
    let mut stopped = record(0, "StopLogging");
    for name in ["userAgent", "sourceIPAddress", "awsRegion"] {
        stopped[name] = odd.into();
    }
    stopped["requestParameters"] = serde_json::json!({"name": odd, odd: odd});
    folder.file("a.json", object(&[stopped]));
    let acts =
        |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
    inside(&folder, "ingest a.json --lake lake").run().ends(0);
    let ql =
        |format: &str| ["query", "fields @message, userAgent", "--lake", "lake", "--format", format].map(str::to_owned);
    let plain = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let runs = [
        plain("events a.json"),
        plain("scan a.json --format jsonl"),
        plain("scan a.json --format json"),
        plain("scan a.json --format csv"),
        plain("scan a.json"),
        ql("json").to_vec(),
        ql("jsonl").to_vec(),
        ql("csv").to_vec(),
        ql("table").to_vec(),
    ];
    for line in runs {
        let ran = inside(&folder, "").args(&line).run();
        assert!(ran.stdout.contains("é") && ran.stdout.contains("2J"), "{line:?}: {}", ran.stdout);
        // A CSV may have lines in its cells.
        let found: Vec<char> = ran.stdout.chars().filter(|c| acts(*c) && *c != '\r').collect();
        assert!(found.is_empty(), "{line:?}: {found:?} in {:?}", ran.stdout);
        if line.iter().any(|word| word == "jsonl" || word == "events") {
            assert!(
                ran.json_lines().iter().any(|line| line
                    .to_string()
                    .contains(odd.trim_start_matches('\u{1b}').trim_start_matches("[31m "))),
                "it says the same"
            );
        }
    }
}
