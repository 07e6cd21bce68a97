//! Which cached objects have been invalidated.
//!
//! Nothing is kept for an object. Each object carries the [`Generation`] that was current when its fetch began, and a
//! [`Table`] remembers what was invalidated since, each [`Invalidation`] with a generation of its own. A lookup asks for
//! the [`Stamp`] of its request: an object of an earlier generation is stale, or gone. So an invalidation takes the same
//! short time whether it concerns one object or a million, and an object that was on its way then is concerned as well.
//!
//! An entry is forgotten once every object that it may concern has expired. A table that is full gives up detail: all of a
//! host or of a namespace is invalid then, which is wrong for no client.

#![forbid(unsafe_code)]

mod asked;
mod entries;
mod invalidation;
mod prefixes;
mod queries;
mod stamp;
mod table;

pub use asked::{Asked, Label};
pub use invalidation::{Invalidation, Subject};
pub use stamp::{Generation, Stamp};
pub use table::Table;
