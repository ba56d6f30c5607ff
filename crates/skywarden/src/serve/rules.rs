//! The rules as they are now: ours, those of folders, and those that the server keeps. Files are looked at again and again, and a change is
//! taken when it can be read. Rules that are switched off are loaded, and not tried on events.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use detect::load::{BUNDLED, RuleSet};
use detect::rule::Rule;
use event::layout::Estate;
use state::{KeptRule, RuleOff, State};

use super::{lock, log};
use crate::cli::input::Rules;
use crate::pipeline::{Bound, bind_if};

/// Rules, bound to their sources.
pub struct Loaded {
    /// The rules, and what is wrong with their files.
    pub set: Arc<RuleSet>,
    /// Those that are on, by source.
    pub bound: Vec<Bound>,
    /// Those that the server keeps, by id.
    pub kept: BTreeMap<String, KeptRule>,
    /// Those that people switched off, by id.
    pub off: BTreeMap<String, RuleOff>,
    /// Those that the server switched off, by id.
    pub hurt: BTreeMap<String, Hurt>,
}

/// A rule that the server switched off to save the others. It stays off until its text changes, somebody switches it on, or the server begins anew.
#[derive(Clone, Debug)]
pub struct Hurt {
    /// What it did.
    pub harm: Harm,
    /// Since when, and why in words.
    pub off: RuleOff,
    /// Its title.
    pub title: String,
    /// Its text then.
    text: Arc<str>,
}

/// What a rule did to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It panicked.
    Panicked,
    /// It took most of the time.
    Slow,
}

/// Where a rule is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It comes with the program.
    Skywarden,
    /// It is in a file.
    Folder,
    /// The server keeps it.
    Server,
}

impl Loaded {
    /// Why a rule is not tried on events, if it is not.
    pub fn why_off(&self, rule: &Rule) -> Option<&RuleOff> {
        self.off.get(&rule.id).or_else(|| self.hurt.get(&rule.id).map(|hurt| &hurt.off))
    }

    /// The numbers of the rules that are on.
    pub fn numbers_on(&self) -> Vec<u32> {
        self.set.rules.iter().zip(0..).filter(|(rule, _)| self.why_off(rule).is_none()).map(|(_, n)| n).collect()
    }

    /// Where a rule is from.
    pub fn origin(&self, rule: &Rule) -> Origin {
        match () {
            () if self.kept.get(&rule.id).is_some_and(|kept| file_of(&kept.id) == rule.file) => Origin::Server,
            () if BUNDLED.iter().any(|(name, _)| *name == rule.file) => Origin::Skywarden,
            () => Origin::Folder,
        }
    }

    /// The same rules with others switched off.
    fn with(&self, off: BTreeMap<String, RuleOff>, hurt: BTreeMap<String, Hurt>) -> Loaded {
        let sources: Vec<_> = self.bound.iter().map(|bound| (bound.source, Arc::clone(&bound.estate))).collect();
        Loaded::bind(Arc::clone(&self.set), self.kept.clone(), (off, hurt), &sources)
    }

    fn bind(
        set: Arc<RuleSet>,
        kept: BTreeMap<String, KeptRule>,
        (off, hurt): (BTreeMap<String, RuleOff>, BTreeMap<String, Hurt>),
        sources: &[(&'static source::source::Source, Arc<Estate>)],
    ) -> Loaded {
        let mut loaded = Loaded { set, bound: Vec::new(), kept, off, hurt };
        let on = loaded.numbers_on();
        let is_on = |number: u32| on.binary_search(&number).is_ok();
        loaded.bound = sources.iter().map(|(source, estate)| bind_if(source, &loaded.set, estate, &is_on)).collect();
        loaded
    }
}

/// What a rule that the server keeps is called where rules have files.
pub fn file_of(id: &str) -> String {
    format!("kept by the server/{id}.yml")
}

/// The rules as they are now.
pub struct RuleBook {
    rules: Rules,
    estate: Arc<Estate>,
    /// Where rules are kept and switched, if they are.
    state: Option<Arc<State>>,
    current: Mutex<Arc<Loaded>>,
    /// Held while rules are loaded, so that the last change is the last to be loaded.
    loading: Mutex<()>,
    /// What the files looked like when they were read: path, length, time of change.
    seen: Mutex<Vec<(PathBuf, u64, std::time::SystemTime)>>,
    /// When was last looked for a slow rule; nothing while somebody looks.
    pub looked: Mutex<Option<Instant>>,
}

impl RuleBook {
    /// Reads the rules of files, and those that the server keeps.
    pub fn with_kept(rules: Rules, estate: Estate, state: Arc<State>) -> anyhow::Result<RuleBook> {
        RuleBook::read(rules, estate, Some(state))
    }

    fn read(rules: Rules, estate: Estate, state: Option<Arc<State>>) -> anyhow::Result<RuleBook> {
        let estate = Arc::new(estate);
        let loaded = load(&rules, &estate, state.as_deref(), BTreeMap::new())?;
        Ok(RuleBook::of(rules, estate, state, loaded))
    }

    fn of(rules: Rules, estate: Arc<Estate>, state: Option<Arc<State>>, loaded: Loaded) -> RuleBook {
        let long_ago = Instant::now().checked_sub(Duration::from_secs(3_600));
        let book = RuleBook {
            rules,
            estate,
            state,
            current: Mutex::new(Arc::new(loaded)),
            loading: Mutex::default(),
            seen: Mutex::default(),
            looked: Mutex::new(Some(long_ago.unwrap_or_else(Instant::now))),
        };
        *lock(&book.seen) = book.look();
        book
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
        match self.reload() {
            Ok(()) => true,
            Err(err) => {
                log::error("rules", &format!("the rules stay as they were: {err:#}"));
                false
            }
        }
    }

    /// Reads the rules again.
    pub fn reload(&self) -> anyhow::Result<()> {
        let _alone = lock(&self.loading);
        let hurt = self.current().hurt.clone();
        let loaded = load(&self.rules, &self.estate, self.state.as_deref(), hurt)?;
        log::info("rules", &format!("{} rules, {} problems", loaded.set.rules.len(), loaded.set.n_errors()));
        *lock(&self.current) = Arc::new(loaded);
        Ok(())
    }

    /// Switches rules as the state has it. One that somebody switched on is forgiven what it did.
    pub fn switch(&self, switched_on: Option<&str>) -> anyhow::Result<()> {
        let _alone = lock(&self.loading);
        let now = self.current();
        let mut hurt = now.hurt.clone();
        if let Some(id) = switched_on {
            hurt.remove(id);
        }
        *lock(&self.current) = Arc::new(now.with(off(self.state.as_deref())?, hurt));
        Ok(())
    }

    /// Switches off a rule that harmed the others.
    pub fn hurt(&self, rule: &Rule, harm: Harm, why: &str, now_ms: i64) {
        let _alone = lock(&self.loading);
        let now = self.current();
        // It may have been changed or switched off since.
        let is_there = now.set.rules.iter().any(|have| have.id == rule.id && have.text == rule.text);
        if !is_there || now.why_off(rule).is_some() {
            return;
        }
        log::error("rules", &format!("the rule {} ({}) is switched off: {why}", rule.id, rule.title));
        let off = RuleOff { id: rule.id.clone(), why: why.to_owned(), who: "server".to_owned(), since_ms: now_ms };
        let mut hurt = now.hurt.clone();
        let title = rule.title.clone();
        hurt.insert(rule.id.clone(), Hurt { harm, off, title, text: Arc::clone(&rule.text) });
        *lock(&self.current) = Arc::new(now.with(now.off.clone(), hurt));
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

fn off(state: Option<&State>) -> anyhow::Result<BTreeMap<String, RuleOff>> {
    let off = state.map_or(Ok(Vec::new()), State::rules_off).context("cannot read which rules are off")?;
    Ok(off.into_iter().map(|off| (off.id.clone(), off)).collect())
}

fn load(
    rules: &Rules,
    estate: &Arc<Estate>,
    state: Option<&State>,
    mut hurt: BTreeMap<String, Hurt>,
) -> anyhow::Result<Loaded> {
    // A folder in which there are no rules yet is no mistake here: they may come.
    let has_rules = |path: &PathBuf| {
        let files = collect::walk::walk_in(&collect::files::Disk, std::slice::from_ref(path));
        let is_rule = |file: &collect::walk::File| file.path.extension().is_some_and(|e| e == "yml" || e == "yaml");
        !path.is_dir() || files.files.iter().any(is_rule)
    };
    let named = |paths: &[PathBuf]| paths.iter().filter(|path| has_rules(path)).cloned().collect();
    let rules = Rules { rules: named(&rules.rules), ..rules.clone() };
    let kept = state.map_or(Ok(Vec::new()), State::kept_rules).context("cannot read the rules that are kept")?;
    let set = rules.load_with(kept.iter().map(|rule| (file_of(&rule.id), rule.text.clone())).collect())?;
    hurt.retain(|id, hurt| set.rules.iter().any(|rule| rule.id == *id && rule.text == hurt.text));
    let kept = kept.into_iter().map(|rule| (rule.id.clone(), rule)).collect();
    let sources: Vec<_> = source::source::ALL.iter().map(|source| (*source, Arc::clone(estate))).collect();
    Ok(Loaded::bind(Arc::new(set), kept, (off(state)?, hurt), &sources))
}

#[cfg(test)]
impl RuleBook {
    /// Reads the rules of files.
    pub fn open(rules: Rules, estate: Estate) -> anyhow::Result<RuleBook> {
        RuleBook::read(rules, estate, None)
    }

    /// A book of these rules, for a source that tests have made.
    pub fn for_source(set: RuleSet, sources: &[&'static source::source::Source]) -> RuleBook {
        let estate = Arc::new(Estate::default());
        let sources: Vec<_> = sources.iter().map(|source| (*source, Arc::clone(&estate))).collect();
        let loaded = Loaded::bind(Arc::new(set), BTreeMap::new(), Default::default(), &sources);
        RuleBook::of(Rules::default(), estate, None, loaded)
    }
}
