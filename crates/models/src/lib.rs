//! Nothing: the models are tests, in `tests/flow.rs`. `cargo xtask models` runs them.
