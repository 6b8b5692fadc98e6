//! How much memory work takes at its peak, as the device's pools or the system tell it.

use burn::tensor::Device;

/// Memory at the beginning of some work.
pub(super) struct Footprint {
    device: Device,
    before: u64,
    peak: u64,
}

impl Footprint {
    /// From now on. Memory that is held for nobody is given back first.
    pub fn begin(device: &Device) -> Self {
        device.memory_cleanup();
        // Forgets the earlier peak of this process, where the system can.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let before = reserved(device).or_else(|| status("VmRSS:")).unwrap_or(0);
        Self { device: device.clone(), before, peak: before }
    }

    /// Bytes more than at the beginning, at the peak so far: those of a card's pools as they are whenever this is asked,
    /// or on Linux the largest so far of this process. None where nobody tells.
    pub fn peak(&mut self) -> Option<u64> {
        self.peak = self.peak.max(reserved(&self.device).or_else(|| status("VmHWM:"))?);
        Some(self.peak - self.before)
    }
}

fn reserved(device: &Device) -> Option<u64> {
    device.memory_pool_usage().map(|usage| usage.bytes_reserved)
}

/// A number of KiB of this process, in bytes.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}
