//! The TCP/IP edge above the filters.

pub mod packet;
pub mod process;
