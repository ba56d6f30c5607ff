//! Whole screens, as a person sees them: `cases/scan.md`.

use super::{Folder, inside};

#[test]
fn scans() {
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"), |case| {
        let folder = Folder::new();
        for (info, text) in &case.blocks {
            if let Some(name) = info.strip_prefix("file ") {
                folder.file(name, text);
            }
        }
        let mut out = String::new();
        for line in case.all("run").flat_map(str::lines) {
            let ran = inside(&folder, line).arg("--color=never").run();
            out.push_str(&format!("$ skywarden {line}\n{}", timeless(&ran.stdout.replace('\r', ""))));
            out.extend(ran.stderr.lines().map(|line| format!("stderr: {line}\n")));
            out.push_str(&format!("exit code {}\n", ran.code));
        }
        out
    });
}

/// The text without how long it took.
fn timeless(text: &str) -> String {
    let Some((before, rest)) = text.split_once(" in ").filter(|(before, _)| before.starts_with("Read ")) else {
        return text.to_owned();
    };
    let unit_end = rest.find(['\n', ' ']).map_or(0, |number| {
        let unit = &rest[number + 1..];
        number + 1 + unit.find(['\n', ' ']).unwrap_or(unit.len())
    });
    format!("{before} in no time{}", &rest[unit_end..])
}
