//! Text to rows: Logs Insights QL and SQL over the lake.
//!
//! An [`Engine`] reads [`Dataset`]s; its answer is an [`Outcome`], rows in batches. A query is text from a stranger: how long it runs,
//! what memory it takes and how many rows it gives have bounds ([`Options`]), and what is wrong with it is said at its place.

mod blame;
mod clusters;
mod estimate;
pub mod explain;
pub mod function;
pub mod insights;
pub mod kind;
pub mod lake_table;
pub mod lower;
pub mod output;
mod pairs;
pub mod predicate;
pub mod run;
mod scope;
mod size;
pub mod sql;
pub mod statistics;
pub mod tables;
mod udf;

pub use lower::{Tables, Taken, Window};
pub use run::{Engine, Lang, Options, Outcome, QueryError};
pub use statistics::Statistics;
pub use tables::{Dataset, PlainTable};
