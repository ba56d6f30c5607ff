//! Room in memory for what is sent. A body holds as much of it as has come, so whoever says much and sends little keeps nobody out,
//! and no caller can hold all of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::serve::lock;

/// All that bodies may take while they are read, and what those of one caller may.
const ALL_KIB: usize = 192 << 10;
const OF_ONE_KIB: usize = 160 << 10;
/// What is taken at a time as a body comes.
const STEP_BYTES: usize = 64 << 10;
/// How long a sender waits for room.
pub const WAIT: Duration = Duration::from_secs(5);
/// Bodies that are unpacked and taken apart at a time: that takes far more memory than they have bytes.
const UNPACKING_MAX: usize = 2;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Too much comes in at once.
    Full,
    /// It has more bytes than it may.
    Long,
    /// It did not come in time.
    Late,
    /// It was cut off.
    Broken,
}

/// The room that there is.
pub struct Rooms {
    all: Arc<Semaphore>,
    of: Mutex<HashMap<String, Arc<Semaphore>>>,
    unpacking: Arc<Semaphore>,
}

impl Default for Rooms {
    fn default() -> Rooms {
        let unpacking = Arc::new(Semaphore::new(UNPACKING_MAX));
        Rooms { all: Arc::new(Semaphore::new(ALL_KIB)), of: Mutex::default(), unpacking }
    }
}

/// What a body holds of it, until this is dropped.
pub struct Room {
    /// The caller's, and that of all.
    from: [Arc<Semaphore>; 2],
    held: [Option<OwnedSemaphorePermit>; 2],
    kib: usize,
}

impl Rooms {
    /// No room yet for a caller.
    fn open(&self, caller: &str) -> Room {
        let mut of = lock(&self.of);
        // Those of whom nothing comes are forgotten.
        of.retain(|_, own| Arc::strong_count(own) > 1);
        let own = of.entry(caller.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(OF_ONE_KIB)));
        Room { from: [Arc::clone(own), Arc::clone(&self.all)], held: [None, None], kib: 0 }
    }

    /// Reads a body of at most so many bytes, which may take so long to come.
    pub async fn read(
        &self,
        caller: &str,
        body: Body,
        bytes_max: usize,
        time: Duration,
    ) -> Result<(Bytes, Room), Unread> {
        let mut room = self.open(caller);
        let read = async {
            let (mut bytes, mut parts) = (Vec::new(), body.into_data_stream());
            room.resize(STEP_BYTES).await?;
            while let Some(part) = parts.next().await {
                let part = part.map_err(|_| Unread::Broken)?;
                let n = bytes.len() + part.len();
                if n > bytes_max {
                    return Err(Unread::Long);
                }
                if n > room.bytes() {
                    room.resize(n.next_multiple_of(STEP_BYTES)).await?;
                }
                bytes.extend_from_slice(&part);
            }
            Ok(bytes)
        };
        let bytes = tokio::time::timeout(time, read).await.map_err(|_| Unread::Late)??;
        Ok((bytes.into(), room))
    }

    /// The turn to take a body apart.
    pub async fn unpacking(&self) -> Result<OwnedSemaphorePermit, Unread> {
        match tokio::time::timeout(WAIT, Arc::clone(&self.unpacking).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Unread::Full),
        }
    }
}

impl Room {
    fn bytes(&self) -> usize {
        self.kib << 10
    }

    /// Makes it so large: gives back what is not needed, or waits for what lacks. One caller's share is the most.
    pub async fn resize(&mut self, bytes: usize) -> Result<(), Unread> {
        let kib = bytes.div_ceil(1 << 10).min(OF_ONE_KIB);
        for (from, held) in self.from.iter().zip(&mut self.held) {
            if kib <= self.kib {
                drop(held.as_mut().and_then(|held| held.split(self.kib - kib)));
                continue;
            }
            let wait = Arc::clone(from).acquire_many_owned((kib - self.kib) as u32);
            let Ok(Ok(more)) = tokio::time::timeout(WAIT, wait).await else { return Err(Unread::Full) };
            match held {
                Some(held) => held.merge(more),
                None => *held = Some(more),
            }
        }
        self.kib = kib;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(120);

    async fn read(rooms: &Rooms, caller: &str, bytes: usize) -> Result<(Bytes, Room), Unread> {
        let parts = (0..bytes.div_ceil(1 << 20)).map(move |at| vec![7; (bytes - (at << 20)).min(1 << 20)]);
        let body = Body::from_stream(futures::stream::iter(parts.map(Ok::<_, std::io::Error>)));
        rooms.read(caller, body, 96 << 20, PATIENCE).await
    }

    #[tokio::test]
    async fn a_body_holds_what_has_come_and_nobody_holds_all() {
        let rooms = Arc::new(Rooms::default());
        // A thousand that have begun, and say nothing more.
        let begun: Vec<_> = (0..1_000)
            .map(|_| {
                let one = futures::stream::iter([Ok::<_, std::io::Error>(vec![1])]).chain(futures::stream::pending());
                let rooms = Arc::clone(&rooms);
                tokio::spawn(async move { rooms.read("slow", Body::from_stream(one), 96 << 20, PATIENCE).await.err() })
            })
            .collect();
        let (bytes, room) = read(&rooms, "slow", 10 << 20).await.expect("there is room");
        assert_eq!((bytes.len(), room.kib), (10 << 20, 10 << 10));
        drop(room);
        begun.iter().for_each(tokio::task::JoinHandle::abort);
        for task in begun {
            assert!(task.await.is_err_and(|err| err.is_cancelled()));
        }
        assert_eq!(rooms.all.available_permits(), ALL_KIB, "whoever hangs up gives back what it had");

        // One caller has its share, and others have the rest.
        let (_, mut most) = read(&rooms, "one", 96 << 20).await.expect("there is room");
        most.resize(usize::MAX).await.expect("it is cut to a share");
        assert_eq!(read(&rooms, "one", 1).await.err(), Some(Unread::Full));
        let (_, other) = read(&rooms, "other", 32 << 20).await.expect("another has room");
        most.resize(1).await.expect("to give back needs no room");
        drop(other);
        assert_eq!(rooms.all.available_permits(), ALL_KIB - 1);
        assert_eq!(read(&rooms, "one", (96 << 20) + 1).await.err(), Some(Unread::Long));
        drop(most);
        drop(rooms.open("last"));
        assert_eq!(lock(&rooms.of).len(), 1, "those of whom nothing comes are forgotten");
    }

    #[tokio::test]
    async fn a_body_that_is_cut_off_or_late_is_none() {
        let rooms = Rooms::default();
        let cut = futures::stream::iter([Ok(vec![1]), Err(std::io::Error::other("gone"))]);
        assert_eq!(rooms.read("a", Body::from_stream(cut), 9, PATIENCE).await.err(), Some(Unread::Broken));
        let late = futures::stream::pending::<std::io::Result<Vec<u8>>>();
        assert_eq!(rooms.read("a", Body::from_stream(late), 9, Duration::ZERO).await.err(), Some(Unread::Late));
    }
}
