//! Rule files as they are read: what is made of them, and what is said of mistakes. `cases/rules.md`.

use detect::load::{self, Options, load};
use event::finding::Severity;

#[test]
fn files_and_what_is_read() {
    cases::run(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"), |case| {
        let files: Vec<(String, &str)> = case
            .blocks
            .iter()
            .filter_map(|(info, text)| Some((info.strip_prefix("file ")?.to_owned(), text.as_str())))
            .collect();
        let mut options = Options::default();
        for line in case.all("tiers").flat_map(str::lines) {
            let (name, level) = line.split_once(": ").expect("a tier is `name: level`");
            options.tiers.insert(name.to_owned(), Severity::parse(level).expect("a level"));
        }
        let set = load(files.iter().map(|(name, text)| (name.as_str(), *text)), &options);
        let mut out = String::new();
        for rule in &set.rules {
            let techniques: Vec<String> = rule.techniques.iter().map(|t| format!("{} {}", t.id, t.name)).collect();
            out.push_str(&format!("{} `{}` {} [{}]\n", rule.severity, rule.id, rule.title, techniques.join(", ")));
            for (name, list) in [("entity", &rule.entity), ("triage", &rule.triage)] {
                list.iter().for_each(|item| out.push_str(&format!("  {name}: {item}\n")));
            }
            for test in &rule.tests {
                let kind = if test.fires { "fires" } else { "silent" };
                out.push_str(&format!("  {kind}: {}: {}\n", test.name, test.event.compact()));
            }
        }
        set.parts.iter().for_each(|rule| out.push_str(&format!("part `{}` {}\n", rule.id, rule.title)));
        set.correlations.iter().for_each(|c| out.push_str(&format!("correlation {}\n", c.about.title)));
        set.filters.iter().for_each(|f| out.push_str(&format!("filter {}\n", f.about.title)));
        for problem in &set.problems {
            for diagnostic in &problem.diagnostics {
                out.push_str(&diagnostic.draw(&problem.file, &problem.text));
                out.push('\n');
            }
        }
        out
    });
}

#[test]
fn the_bundled_rules_are_good() {
    let set = load(load::BUNDLED.iter().copied(), &Options::default());
    let drawn = |p: &load::Problem| p.diagnostics.iter().map(|d| d.draw(&p.file, &p.text)).collect::<String>();
    let problems: Vec<String> = set.problems.iter().map(drawn).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(set.rules.len() >= 60);
    assert!(set.rules.iter().all(|rule| rule.sentence.is_some() && !rule.triage.is_empty()));
}
