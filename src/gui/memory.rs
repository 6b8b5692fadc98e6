//! Memory of this program and of the computer, as Linux tells it; elsewhere nothing is shown. Both files are made by
//! the system when they are read, which takes microseconds.

/// Bytes that this program takes.
pub fn taken() -> Option<u64> {
    value(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// Bytes that programs can still have.
pub fn free() -> Option<u64> {
    value(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// A line such as `VmRSS:   123 kB`, in bytes.
fn value(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_become_bytes_and_anything_else_nothing() {
        assert_eq!(value("VmPeak:\t 9 kB\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12288));
        assert_eq!(value("VmRSS: unknown", "VmRSS:"), None);
        assert_eq!(value("", "VmRSS:"), None);
    }
}
