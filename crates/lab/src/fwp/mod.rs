//! The filter engine.

pub mod arbitrate;
