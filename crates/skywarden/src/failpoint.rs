//! Places where the server fails because a test tells it to, so that it is seen what comes of it.
//!
//! `SKYWARDEN_FAILPOINT=release.before=kill@3` ends the process the third time that it comes by there. Only a build with debug
//! assertions looks at that: in a release nothing here can be reached, and the variable is one that is no setting.

use std::io;

/// One side of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It is not done yet.
    Before,
    /// It is done, and nobody was told.
    After,
}

/// Does a step, and fails before or after it if it is told to.
pub fn step<T, E: From<io::Error>>(name: &str, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    at(name, Side::Before)?;
    let done = act()?;
    at(name, Side::After)?;
    Ok(done)
}

/// Fails here if it is told to.
pub fn at(step: &str, side: Side) -> io::Result<()> {
    #[cfg(debug_assertions)]
    armed::at(step, side)?;
    let _ = (step, side);
    Ok(())
}

/// An error if the environment names a place that there is not: it lists those that there are.
pub fn check() -> anyhow::Result<()> {
    #[cfg(debug_assertions)]
    armed::check()?;
    Ok(())
}

/// Whether that variable is looked at in this build.
pub fn is_known(variable: &str) -> bool {
    cfg!(debug_assertions) && [FAILPOINT, CLOCK].contains(&variable)
}

/// How far the clock is put forward, in milliseconds: what stands in the file that the environment names.
pub fn clock_offset_ms() -> i64 {
    #[cfg(debug_assertions)]
    if let Some(path) = std::env::var_os(CLOCK) {
        return std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    }
    0
}

/// The variable that says where and how to fail.
const FAILPOINT: &str = "SKYWARDEN_FAILPOINT";
/// The variable that names a file with an offset of the clock.
const CLOCK: &str = "SKYWARDEN_CLOCK";

#[cfg(debug_assertions)]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use anyhow::Context;

    use super::*;

    /// Where the server may fail. Before and after each lies one step of what makes a delivery durable, looked at, and kept.
    const STEPS: [&str; 11] = [
        "log.append",
        "log.sync",
        "batch",
        "findings",
        "lake.quarantine",
        "lake.hits",
        "lake.aws_cloudtrail",
        "lake.aws_vpc_flow",
        "checkpoint",
        "checkpoint.rename",
        "release",
    ];

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Action {
        Kill,
        Error,
        Full,
        Panic,
        Delay(Duration),
    }

    struct Armed {
        step: &'static str,
        side: Side,
        action: Action,
        /// At which time.
        on: u64,
        times: AtomicU64,
    }

    static ARMED: LazyLock<anyhow::Result<Option<Armed>>> =
        LazyLock::new(|| std::env::var(FAILPOINT).ok().map(|text| parse(&text)).transpose());

    /// `step.side=action@times`
    fn parse(text: &str) -> anyhow::Result<Armed> {
        let known = || {
            let both = STEPS.iter().flat_map(|step| [format!("{step}.before"), format!("{step}.after")]);
            format!(
                "{FAILPOINT} says `{text}`; it is POINT=ACTION@TIMES, with kill, error, full, panic or a number of milliseconds, and one of these points: {}",
                both.collect::<Vec<_>>().join(" ")
            )
        };
        let parts = text.split_once('=').and_then(|(point, how)| Some((point.rsplit_once('.')?, how.split_once('@')?)));
        let ((step, side), (action, on)) = parts.with_context(known)?;
        let step = STEPS.into_iter().find(|have| *have == step).with_context(known)?;
        let side = match side {
            "before" => Side::Before,
            "after" => Side::After,
            _ => anyhow::bail!(known()),
        };
        let action = match action {
            "kill" => Action::Kill,
            "error" => Action::Error,
            "full" => Action::Full,
            "panic" => Action::Panic,
            ms => Action::Delay(Duration::from_millis(ms.parse().ok().with_context(known)?)),
        };
        let on = on.parse().ok().with_context(known)?;
        Ok(Armed { step, side, action, on, times: AtomicU64::new(0) })
    }

    pub fn check() -> anyhow::Result<()> {
        ARMED.as_ref().map(|_| ()).map_err(|err| anyhow::anyhow!("{err:#}"))
    }

    pub fn at(step: &str, side: Side) -> io::Result<()> {
        assert!(STEPS.contains(&step), "`{step}` is not listed");
        let Ok(Some(armed)) = &*ARMED else { return Ok(()) };
        if armed.step != step || armed.side != side || armed.times.fetch_add(1, Ordering::AcqRel) + 1 != armed.on {
            return Ok(());
        }
        crate::serve::log::error("failpoint", &format!("{step} {side:?}: {:?}", armed.action));
        match armed.action {
            Action::Kill => std::process::abort(),
            Action::Error => Err(io::Error::other("on purpose")),
            Action::Full => Err(io::ErrorKind::StorageFull.into()),
            Action::Panic => panic!("on purpose"),
            Action::Delay(time) => {
                std::thread::sleep(time);
                Ok(())
            }
        }
    }
}
