//! Devices: which there are, which one is taken, and why.
//!
//! ```text
//! list()  -> what `alexnet-lab devices` prints
//! open(request) -> OpenDevice { device for burn, what it is, why it was taken }
//! ```
//! The processor is always there. Graphics cards are found through Vulkan, Metal and DirectX 12. Software
//! Vulkan is taken only when asked for: it runs the very shaders of a card, but slower than the processor's
//! own code does the same work.

mod adapters;
mod memory;
mod open;

use burn::tensor::Device;
use serde::Serialize;

use adapters::{adapters, gpus};
pub use open::limit_buffers;
use open::{Fault, answers, give_up, open_adapter};

pub use memory::memory_bytes;

/// A device as the user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// What to pass to `--device`: `cpu`, `gpu:0`, `software`.
    pub id: String,
    pub name: String,
    pub kind: DeviceKind,
    /// `Vulkan`, `Metal`, `DX12`; empty for the processor.
    pub api: String,
    /// Name and version of the driver, as it tells them.
    pub driver: String,
    /// Largest buffer that a shader can be given, in MiB; 0 for the processor, which has no such limit.
    pub max_binding_mib: u64,
}

/// What does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    Cpu,
    DiscreteGpu,
    IntegratedGpu,
    /// A share of a card in a virtual machine, or a card whose driver does not say what it is.
    VirtualGpu,
    /// A graphics driver that computes on the processor.
    SoftwareGpu,
}

/// A device that is ready to hold tensors.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    pub device: Device,
    pub info: DeviceInfo,
    /// Why this one, in plain words.
    pub reason: String,
    fault: Fault,
    /// What drives a graphics card; none of the processor.
    raw: Option<wgpu::Device>,
}

impl OpenDevice {
    /// The first error that the graphics driver reported outside a call that could return it, such as
    /// running out of memory. What is computed after it cannot be trusted.
    pub fn fault(&self) -> Option<&str> {
        self.fault.get().map(|error| error.text.as_str())
    }

    /// Whether that error is that the card has no memory left.
    pub fn out_of_memory(&self) -> bool {
        self.fault.get().is_some_and(|error| error.out_of_memory)
    }

    /// Whether it still computes. A card that was reset or taken out does not; nor can one be trusted that has
    /// reported a fault.
    pub fn answers(&self) -> bool {
        self.fault.get().is_none() && self.raw.as_ref().is_none_or(answers)
    }

    /// Gives a graphics device up as a reset of its driver would: all that it holds is lost, and its memory is free.
    /// Opened again, the card gets a new one.
    pub fn give_up(&self) {
        if let Some(raw) = &self.raw {
            give_up(&self.info.id, raw);
        }
    }
}

/// Why no device could be opened, with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error(
        "`{request}` is not a device; use auto, cpu, gpu, gpu:N with a number that `alexnet-lab devices` lists, or software"
    )]
    Unknown { request: String },
    #[error(
        "no graphics card with Vulkan, Metal or DirectX 12 was found; install the driver of the card, or use --device cpu"
    )]
    NoGpu,
    #[error(
        "there is no gpu:{index}, only {found}; `alexnet-lab devices` lists them, and --device cpu always works"
    )]
    NoSuchGpu { index: usize, found: String },
    #[error(
        "no software Vulkan was found; install it (on Debian and Ubuntu the package mesa-vulkan-drivers), or use --device cpu"
    )]
    NoSoftware,
    #[error("{name} could not be started: {reason}; update its driver, or use --device cpu")]
    Failed { name: String, reason: String },
}

/// The devices of this machine: the processor, then the graphics cards (discrete, integrated, virtual), then
/// software Vulkan. A card that several graphics systems offer is listed once.
pub fn list() -> Vec<DeviceInfo> {
    let adapters = adapters().into_iter().map(|(info, _)| info);
    std::iter::once(processor()).chain(adapters).collect()
}

/// Opens the device that `request` names: `auto`, `cpu`, `gpu`, `gpu:N` or `software`.
///
/// `auto` takes the best graphics card that starts, else the processor, and never fails. A device that is
/// opened again is the same device, with the same memory, unless it has failed: then it is made anew.
///
/// # Errors
/// A request that names no device, or a device that this machine lacks or cannot start.
pub fn open(request: &str) -> Result<OpenDevice, DeviceError> {
    match request {
        "auto" => Ok(open_best()),
        "cpu" => Ok(open_processor("the processor was asked for".into())),
        "gpu" => open_gpu(0),
        "software" => {
            let found = adapters().into_iter().find(|(info, _)| info.kind == DeviceKind::SoftwareGpu);
            let (info, adapter) = found.ok_or(DeviceError::NoSoftware)?;
            open_adapter(info, &adapter, "software Vulkan was asked for".into())
        }
        _ => {
            let index = request.strip_prefix("gpu:").and_then(|index| index.parse().ok());
            open_gpu(index.ok_or_else(|| DeviceError::Unknown { request: request.into() })?)
        }
    }
}

/// Threads that can work at once on this machine.
pub fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn open_best() -> OpenDevice {
    let mut refused = Vec::new();
    for (info, adapter) in gpus() {
        let reason = format!("{} is the best graphics card found", info.name);
        match open_adapter(info, &adapter, reason) {
            Ok(device) => return device,
            Err(error) => {
                log::warn!("{error}");
                refused.push(error.to_string());
            }
        }
    }
    open_processor(match refused.first() {
        Some(error) => format!("the processor does the work, because {error}"),
        None => "no graphics card was found, so the processor does the work".into(),
    })
}

fn open_processor(reason: String) -> OpenDevice {
    OpenDevice { device: Device::flex(), info: processor(), reason, fault: Fault::default(), raw: None }
}

fn open_gpu(index: usize) -> Result<OpenDevice, DeviceError> {
    let mut gpus = gpus();
    if gpus.is_empty() {
        return Err(DeviceError::NoGpu);
    }
    if index >= gpus.len() {
        let ids = gpus.iter().map(|(info, _)| format!("{} ({})", info.id, info.name));
        return Err(DeviceError::NoSuchGpu { index, found: ids.collect::<Vec<_>>().join(", ") });
    }
    let (info, adapter) = gpus.swap_remove(index);
    let reason = format!("{} was asked for", info.name);
    open_adapter(info, &adapter, reason)
}

/// The processor, as it is listed.
pub fn processor() -> DeviceInfo {
    let threads = worker_threads();
    let name = processor_name().unwrap_or_else(|| "Processor".into());
    DeviceInfo {
        id: "cpu".into(),
        name: format!("{name}, {threads} {}", if threads == 1 { "thread" } else { "threads" }),
        kind: DeviceKind::Cpu,
        api: String::new(),
        driver: String::new(),
        max_binding_mib: 0,
    }
}

/// The name of the processor where the system tells it in a file; other systems go without.
fn processor_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned()).filter(|name| !name.is_empty())
}
