//! tilewright
fn main() {}
