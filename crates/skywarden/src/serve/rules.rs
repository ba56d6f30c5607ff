//! The rules as they are now. Files are looked at again and again, and a change is taken when it can be read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use detect::load::RuleSet;
use event::layout::Estate;

use super::{lock, log};
use crate::cli::input::Rules;
use crate::pipeline::{Bound, bind_all};

/// Rules, bound to their sources.
pub struct Loaded {
    /// The rules, and what is wrong with their files.
    pub set: RuleSet,
    /// The same by source.
    pub bound: Vec<Bound>,
}

/// The rules as they are now.
pub struct RuleBook {
    rules: Rules,
    estate: Estate,
    current: Mutex<Arc<Loaded>>,
    /// What the files looked like when they were read: path, length, time of change.
    seen: Mutex<Vec<(PathBuf, u64, std::time::SystemTime)>>,
}

impl RuleBook {
    /// Reads the rules.
    pub fn open(rules: Rules, estate: Estate) -> anyhow::Result<RuleBook> {
        let loaded = Arc::new(load(&rules, &estate)?);
        let book = RuleBook { rules, estate, current: Mutex::new(loaded), seen: Mutex::default() };
        *lock(&book.seen) = book.look();
        Ok(book)
    }

    /// The rules as they are now.
    pub fn current(&self) -> Arc<Loaded> {
        Arc::clone(&lock(&self.current))
    }

    /// Reads the rules again if a file has changed; whether it has. What cannot be read leaves the rules as they are.
    pub fn refresh(&self) -> bool {
        let now = self.look();
        if *lock(&self.seen) == now {
            return false;
        }
        *lock(&self.seen) = now;
        match load(&self.rules, &self.estate) {
            Ok(loaded) => {
                log::info("rules", &format!("{} rules, {} problems", loaded.set.rules.len(), loaded.set.n_errors()));
                *lock(&self.current) = Arc::new(loaded);
                true
            }
            Err(err) => {
                log::error("rules", &format!("the rules stay as they were: {err:#}"));
                false
            }
        }
    }

    fn look(&self) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
        let paths: Vec<PathBuf> = self.rules.rules.iter().chain(&self.rules.only_rules).cloned().collect();
        let files = collect::walk::walk_in(&collect::files::Disk, &paths).files;
        let mut seen: Vec<_> = files
            .into_iter()
            .filter_map(|file| {
                let changed = std::fs::metadata(&file.path).and_then(|meta| meta.modified()).ok()?;
                Some((file.path, file.size, changed))
            })
            .collect();
        seen.sort();
        seen
    }
}

fn load(rules: &Rules, estate: &Estate) -> anyhow::Result<Loaded> {
    // A folder in which there are no rules yet is no mistake here: they may come.
    let has_rules = |path: &PathBuf| {
        let files = collect::walk::walk_in(&collect::files::Disk, std::slice::from_ref(path));
        let is_rule = |file: &collect::walk::File| file.path.extension().is_some_and(|e| e == "yml" || e == "yaml");
        !path.is_dir() || files.files.iter().any(is_rule)
    };
    let named = |paths: &[PathBuf]| paths.iter().filter(|path| has_rules(path)).cloned().collect();
    let rules = Rules { rules: named(&rules.rules), ..rules.clone() };
    let set = rules.load()?;
    let bound = bind_all(&set, estate.clone());
    Ok(Loaded { set, bound })
}
