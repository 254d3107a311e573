//! weirctl
fn main() {}
