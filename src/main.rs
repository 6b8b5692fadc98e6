//! The program. It has nothing to offer yet; the library comes first.

fn main() {}
