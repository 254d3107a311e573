//! Link arguments and version resource of weir.sys.
fn main() {}
