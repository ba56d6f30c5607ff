//! What is known of things in events from elsewhere: where public addresses are, and whose.
//!
//! A [`Places`] is read from one file that is made at set-up, out of tables that others publish ([`Maker`]). No IO here: bytes in, bytes out.

mod country;
mod csv;
mod file;
mod maker;
mod places;

pub use country::{Country, country};
pub use file::FileError;
pub use maker::{MakeError, Maker};
pub use places::{About, Network, Place, Places, Spot};
