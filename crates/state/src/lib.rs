//! What the server remembers besides the lake: who may do what, findings and what people decided about them, and the audit of all changes.
//!
//! One SQLite file. There is no clock here and no randomness: times are parameters, and [`Entropy`] is handed in.
//! Every change goes through [`store::Store::change`], which writes its audit entry in the same transaction.

pub mod audit;
mod counts;
mod entropy;
mod feed;
mod finding;
mod idempotency;
mod kpi;
mod limiter;
mod list;
mod role;
mod rule;
mod saved;
mod session;
mod store;
mod suppression;
mod token;
mod user;
mod witness;

pub use audit::{Entry, Report, Trouble};
pub use entropy::{Entropy, SystemEntropy};
pub use finding::{Change, DecideError, FindingRow, HistoryEntry, Note, Shown, Status, Verdict};
pub use idempotency::{Answer, IdempotencyError, Request};
pub use kpi::{Kpis, TopPrincipal, TopRule};
pub use list::{CursorError, Filter, Page, Sort};
pub use role::{Identity, Kind, Permission, Role};
pub use rule::{KeptRule, RuleError, RuleOff, rule_tag};
pub use saved::{NewSavedQuery, SavedQuery, SavedQueryError};
pub use session::{Begun, LoginError, Session};
pub use store::{State, StateError, back_up, check};
pub use suppression::{Dimensions, NewSuppression, Preview, Suppression, SuppressionChange, SuppressionError};
pub use token::{Made, NewToken, Token};
pub use user::{User, UserError};
pub use witness::{Head, Mistrust};
