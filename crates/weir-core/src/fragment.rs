//! Remembers which flow the first fragment of a datagram belongs to.
