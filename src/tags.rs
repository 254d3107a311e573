//! Every pool tag. `!poolused 4 Wei?` lists them in a debugger; pooltag.txt has one line per tag.

use kernel::pool::Tag;

/// Tables of the engine.
pub(crate) const ENGINE: Tag = Tag::new(b"WeiE");
/// State of the driver.
pub(crate) const DRIVER: Tag = Tag::new(b"WeiD");
/// Filter modules and their counters.
pub(crate) const MODULE: Tag = Tag::new(b"WeiM");
/// NBLs of the filter's own, and their data.
pub(crate) const OWN: Tag = Tag::new(b"WeiN");
/// Clones of OID requests.
pub(crate) const OID: Tag = Tag::new(b"WeiO");
/// Policy images.
pub(crate) const POLICY: Tag = Tag::new(b"WeiP");
/// Rings of the tap, while it has a consumer.
pub(crate) const TAP: Tag = Tag::new(b"WeiT");
/// Questions to the agent, and packets that wait for answers.
pub(crate) const ASK: Tag = Tag::new(b"WeiA");
/// Contexts of flows.
pub(crate) const CONTEXT: Tag = Tag::new(b"WeiC");
/// What the framework allocates for the driver.
pub(crate) const FRAMEWORK: Tag = Tag::new(b"WeiF");
