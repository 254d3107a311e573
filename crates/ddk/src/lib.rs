//! ddk
