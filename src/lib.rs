//! weir.sys: an NDIS lightweight filter joined with WFP callouts.
#![cfg_attr(windows, no_std)]
