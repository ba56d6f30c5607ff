//! One process writes to a lake in a folder.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use crate::env::Env;
use crate::error::LakeError;

/// How long between two attempts to get the lock.
const PAUSE: Duration = Duration::from_millis(200);

/// The lock, held until dropped. The operating system frees it if the process dies in whatever way.
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is just being started has it open, too, until it runs its own program.
        // If it fails, closing it a moment later is what is left.
        let _closed_soon = self.file.unlock();
    }
}

/// Takes the lock of a lake, waiting at most this long for another process.
pub(crate) fn take(folder: &Path, uri: &str, writer: &str, wait: Duration, env: &dyn Env) -> Result<Lock, LakeError> {
    let path = folder.join("lock");
    let failed = |err| LakeError::Lock { path: path.clone(), err };
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if waited < wait => {
                env.sleep(PAUSE);
                waited += PAUSE;
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Whoever it is may be between taking the lock and saying so.
                let said = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder =
                    if said { holder.trim().replace('\n', ", ") } else { "which has not said who it is".to_owned() };
                return Err(LakeError::Locked { uri: uri.to_owned(), holder });
            }
            Err(TryLockError::Error(err)) => return Err(failed(err)),
        }
    }
    let command: Vec<String> = std::env::args_os()
        .map(|arg| arg.to_string_lossy().chars().filter(|c| !c.is_control()).take(200).collect())
        .collect();
    let text = format!("{writer}\ncommand {}\nstarted {}\n", command.join(" "), started(env.now_ms()));
    let written = file
        .rewind()
        .and_then(|()| file.set_len(0))
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.flush());
    written.map_err(failed)?;
    Ok(Lock { file })
}

fn started(now_ms: i64) -> String {
    let day = i32::try_from(now_ms.div_euclid(86_400_000)).unwrap_or(0);
    let second = now_ms.rem_euclid(86_400_000) / 1000;
    format!("{}T{:02}:{:02}:{:02}Z", crate::write::date(day), second / 3600, second / 60 % 60, second % 60)
}
