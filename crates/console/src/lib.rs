//! The console's pages and files, inside the program. The web build makes them in `web/dist`; without it a page says that they are not here.
//!
//! What is answered is decided here; HTTP is the server's.

mod encoding;
mod file;

pub use encoding::Encoding;
pub use file::{Console, File, Piece};

/// What this program was built with.
pub static CONSOLE: Console =
    Console { files: include!(concat!(env!("OUT_DIR"), "/files.rs")), status: include_str!("status.html") };
