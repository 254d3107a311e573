//! IPv6.
