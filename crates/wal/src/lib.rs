//! The durable log: what is taken over the network is in it before the sender is told so.
//!
//! [`Wal::open`] recovers what is there and starts the thread that writes. [`Wal::append`] gives a [`Pending`], which resolves
//! when the bytes survive a power cut, and never before. A [`Reader`] gives durable frames in order, and [`Wal::release`] deletes
//! what its consumer has put somewhere safe. [`Log`] is the same without a thread.
//!
//! What is in a frame is deliberately not known here, nor who consumes it, nor how often.
//!
//! # What is promised
//!
//! - A frame whose [`Pending`] gave a [`Position`] is read again after any crash or power cut, once and in order, until released.
//! - A frame whose append failed, or whose caller never heard, is there once or not at all: a sender that sends again gives *at
//!   least once*. After a failed sync its bytes are no longer trusted, whatever a second sync says: the segment is closed at its
//!   last durable frame, and the next segment's header says where that is, so that recovery drops what lies behind.
//! - A frame that was on its way when the process died, and is read after it, is durable if the sync of [`Wal::open`] is. A sync
//!   that fails makes `open` fail; should a later one only claim success, such a frame can vanish once more. Its sender was never
//!   told, its position is not used again, and [`Recovery::n_breaks`] counts it.
//! - A position is never given to two frames, also not after a restart or when all is released. Numbers may be missing: those of
//!   frames that were never durable, and as many as may have been in bytes that cannot be read any more.
//! - Opening never needs a human. A torn tail is cut. Damage elsewhere is copied into `damaged/`, counted, and read past.
//! - The same holds of what others do to a segment that is being written: no more is written to it, frames that are whole are read,
//!   wherever they stand now, and those that are not are counted in [`Stats::n_lost`].
//! - The checksums find accidents, and since each segment has its own secret salt nobody who only chooses payloads can forge a
//!   frame. They are no seal against somebody who can write to the folder.

pub mod disk;
pub mod sim;

mod aside;
mod frame;
mod index;
mod log;
mod reader;
mod recovery;
mod scan;
mod segment;
#[allow(clippy::module_inception, reason = "the log with its thread is what the crate is about")]
mod wal;

pub use crate::aside::{SetAside, set_aside};
pub use crate::disk::{Disk, SystemDisk};
pub use crate::frame::{Frame, PAYLOAD_BYTES_MAX, Position};
pub use crate::log::{CommitError, Log, ReleaseError};
pub use crate::reader::{ReadError, Reader};
pub use crate::recovery::{Damage, OpenError, Recovery};
pub use crate::wal::{AppendError, Options, Pending, Stats, Wal};
