//! Read-side critical sections per processor, and a way to wait until all that began earlier have ended.
