//! How much memory a device has, where that can be found out.

use super::DeviceKind;

/// Bytes of memory that a device of this kind shares with the whole machine; none for cards with memory of their own,
/// which WebGPU does not tell, and on systems that do not say it in a file.
pub fn memory_bytes(kind: DeviceKind) -> Option<u64> {
    match kind {
        DeviceKind::Cpu | DeviceKind::IntegratedGpu | DeviceKind::SoftwareGpu => {
            total(&std::fs::read_to_string("/proc/meminfo").ok()?)
        }
        DeviceKind::DiscreteGpu | DeviceKind::VirtualGpu => None,
    }
}

/// From the lines of `/proc/meminfo`, which count in KiB.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_memory_is_read_from_the_system() {
        assert_eq!(total("MemTotal:       24683592 kB\nMemFree: 1 kB\n"), Some(24_683_592 << 10));
        for text in
            ["", "MemFree: 1 kB", "MemTotal: much kB", "MemTotal: 5 MB", "MemTotal: 99999999999999999999 kB"]
        {
            assert_eq!(total(text), None, "{text}");
        }
        if cfg!(target_os = "linux") {
            assert!(memory_bytes(DeviceKind::Cpu).is_some_and(|bytes| bytes > 256 << 20));
        }
    }
}
