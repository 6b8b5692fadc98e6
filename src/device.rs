//! Devices: which there are, which one is taken, and why.
//!
//! ```text
//! list()  -> what `alexnet-lab devices` prints
//! open(request) -> OpenDevice { device for burn, what it is, why it was taken }
//! ```
//! The processor is always there. Graphics cards are found through Vulkan, Metal and DirectX 12. Software
//! Vulkan is taken only when asked for: it runs the very shaders of a card, but slower than the processor's
//! own code does the same work.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use burn_cubecl::cubecl::future::block_on;
use serde::Serialize;

/// Shader launches that are handed to the driver together. Longer queues keep a card no busier, but they
/// delay the window and, on Windows, risk the two seconds after which the system resets the card.
const TASKS_MAX: usize = 16;

/// Storage buffers that our shaders bind at once at most.
const STORAGE_BUFFERS: u32 = 8;

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
}

impl OpenDevice {
    /// The first error that the graphics driver reported outside a call that could return it, such as
    /// running out of memory. What is computed after it cannot be trusted.
    pub fn fault(&self) -> Option<&str> {
        self.fault.get().map(String::as_str)
    }
}

type Fault = Arc<OnceLock<String>>;

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
/// opened again is the same device, with the same memory.
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
    OpenDevice { device: Device::flex(), info: processor(), reason, fault: Fault::default() }
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

/// Creates the device of `adapter` and registers it with burn, or finds the one made before: an adapter
/// that is registered twice would hold two sets of memory.
fn open_adapter(
    info: DeviceInfo,
    adapter: &wgpu::Adapter,
    reason: String,
) -> Result<OpenDevice, DeviceError> {
    static OPENED: Mutex<Option<HashMap<String, (Device, Fault)>>> = Mutex::new(None);

    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let opened = opened.get_or_insert_default();
    if let Some((device, fault)) = opened.get(&info.id) {
        return Ok(OpenDevice { device: device.clone(), info, reason, fault: fault.clone() });
    }
    let start = || request(adapter).and_then(|(device, queue)| register(adapter, device, queue));
    let (device, fault) = catch_unwind(AssertUnwindSafe(start))
        .unwrap_or_else(|_| Err("its driver failed while it was started".into()))
        .map_err(|reason| DeviceError::Failed { name: info.name.clone(), reason })?;
    opened.insert(info.id.clone(), (device.clone(), fault.clone()));
    Ok(OpenDevice { device, info, reason, fault })
}

fn request(adapter: &wgpu::Adapter) -> Result<(wgpu::Device, wgpu::Queue), String> {
    // burn reads the abilities of the adapter and counts on the device having them all. Experimental ones
    // would need a promise that they are used correctly, and none is needed.
    let features = adapter.features()
        - wgpu::Features::all_experimental_mask()
        - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("alexnet-lab"),
        required_features: features,
        required_limits: adapter.limits(),
        // burn allocates large blocks itself.
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    };
    block_on(adapter.request_device(&descriptor)).map_err(|error| error.to_string())
}

fn register(
    adapter: &wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
) -> Result<(Device, Fault), String> {
    let setup = WgpuSetup {
        instance: instance().clone(),
        adapter: adapter.clone(),
        device: device.clone(),
        queue,
        backend: adapter.get_info().backend,
    };
    let registered =
        Device::wgpu_options().tasks_max(TASKS_MAX).setup(setup).init().map_err(|error| error.to_string())?;
    let fault = Fault::default();
    // Set after the registration, whose own handler panics.
    device.on_uncaptured_error(Arc::new({
        let fault = fault.clone();
        move |error: wgpu::Error| match fault.set(error.to_string()) {
            Ok(()) => log::error!("the graphics driver reported: {error}"),
            // What fails after the first failure is its consequence.
            Err(_) => log::debug!("the graphics driver reported also: {error}"),
        }
    }));
    registered.sync().map_err(|error| error.to_string())?;
    Ok((registered, fault))
}

fn processor() -> DeviceInfo {
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

/// The hardware adapters, best first.
fn gpus() -> Vec<(DeviceInfo, wgpu::Adapter)> {
    let mut adapters = adapters();
    adapters.retain(|(info, _)| info.kind != DeviceKind::SoftwareGpu);
    adapters
}

/// One instance for all: a device belongs to the instance that found its adapter.
fn instance() -> &'static wgpu::Instance {
    static INSTANCE: OnceLock<wgpu::Instance> = OnceLock::new();
    INSTANCE.get_or_init(|| {
        wgpu::Instance::new(wgpu::InstanceDescriptor {
            // OpenGL has no compute shaders worth having, and would list every card again.
            backends: wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12,
            // Validation layers are for the development of drivers and engines; they slow every launch.
            flags: wgpu::InstanceFlags::empty(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        })
    })
}

/// Every adapter that can run our shaders, each card once, best first. Found once, so that a number means the
/// same card as long as the program runs.
fn adapters() -> Vec<(DeviceInfo, wgpu::Adapter)> {
    static FOUND: OnceLock<Vec<(DeviceInfo, wgpu::Adapter)>> = OnceLock::new();
    FOUND.get_or_init(find_adapters).clone()
}

fn find_adapters() -> Vec<(DeviceInfo, wgpu::Adapter)> {
    // A broken driver must not keep anybody from using the processor.
    let found = catch_unwind(|| block_on(instance().enumerate_adapters(wgpu::Backends::all())));
    let found = found.unwrap_or_else(|_| {
        log::error!("a graphics driver failed while devices were listed");
        Vec::new()
    });
    let able = found.into_iter().filter(can_run_shaders);
    let described = able.map(|adapter| (adapter.get_info(), adapter)).collect();
    let mut cards = without_repeats(described, |(info, _)| info);
    cards.sort_by_key(|(info, _)| kind(info));
    number(cards)
}

/// Turns adapters, best first, into numbered devices. Of several software drivers the first is kept, since
/// `software` names one device.
fn number(cards: Vec<(wgpu::AdapterInfo, wgpu::Adapter)>) -> Vec<(DeviceInfo, wgpu::Adapter)> {
    let hardware = cards.iter().filter(|(info, _)| kind(info) != DeviceKind::SoftwareGpu).count();
    let devices = cards.into_iter().take(hardware + 1).enumerate();
    devices
        .map(|(index, (info, adapter))| {
            let id = if index < hardware { format!("gpu:{index}") } else { "software".into() };
            (describe(id, &info, &adapter.limits()), adapter)
        })
        .collect()
}

fn describe(id: String, info: &wgpu::AdapterInfo, limits: &wgpu::Limits) -> DeviceInfo {
    let api = match info.backend {
        wgpu::Backend::Vulkan => "Vulkan",
        wgpu::Backend::Metal => "Metal",
        wgpu::Backend::Dx12 => "DX12",
        _ => "",
    };
    let largest = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    DeviceInfo {
        id,
        name: info.name.clone(),
        kind: kind(info),
        api: api.into(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().into(),
        max_binding_mib: largest >> 20,
    }
}

fn kind(info: &wgpu::AdapterInfo) -> DeviceKind {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu,
        wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu,
        wgpu::DeviceType::Cpu => DeviceKind::SoftwareGpu,
        wgpu::DeviceType::VirtualGpu | wgpu::DeviceType::Other => DeviceKind::VirtualGpu,
    }
}

fn can_run_shaders(adapter: &wgpu::Adapter) -> bool {
    let flags = adapter.get_downlevel_capabilities().flags;
    flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
        && adapter.limits().max_storage_buffers_per_shader_stage >= STORAGE_BUFFERS
}

/// Keeps of each card the adapters of the graphics system that suits us best; two equal cards stay two.
fn without_repeats<T>(found: Vec<T>, info: impl Fn(&T) -> &wgpu::AdapterInfo) -> Vec<T> {
    let preference = |backend| match backend {
        wgpu::Backend::Vulkan | wgpu::Backend::Metal => 0,
        wgpu::Backend::Dx12 => 1,
        _ => 2,
    };
    let card = |info: &wgpu::AdapterInfo| (info.vendor, info.device, kind(info));
    let best: Vec<bool> = found
        .iter()
        .map(|one| {
            let same = found.iter().filter(|other| card(info(other)) == card(info(one)));
            same.map(|other| preference(info(other).backend)).min() == Some(preference(info(one).backend))
        })
        .collect();
    found.into_iter().zip(best).filter_map(|(one, best)| best.then_some(one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, device: u32, kind: wgpu::DeviceType, backend: wgpu::Backend) -> wgpu::AdapterInfo {
        let info = wgpu::AdapterInfo::new(kind, backend);
        wgpu::AdapterInfo { name: name.into(), vendor: 0x10de, device, ..info }
    }

    #[test]
    fn a_card_of_two_graphics_systems_is_listed_once_and_two_equal_cards_twice() {
        use wgpu::{Backend, DeviceType};
        let discrete = |device, backend| adapter("card", device, DeviceType::DiscreteGpu, backend);
        let found = vec![
            discrete(1, Backend::Dx12),
            discrete(1, Backend::Vulkan),
            discrete(2, Backend::Dx12),
            discrete(3, Backend::Vulkan),
            discrete(3, Backend::Vulkan),
        ];
        let kept = without_repeats(found, |info| info);
        let kept: Vec<_> = kept.iter().map(|info| (info.device, info.backend)).collect();
        assert_eq!(
            kept,
            [(1, Backend::Vulkan), (2, Backend::Dx12), (3, Backend::Vulkan), (3, Backend::Vulkan)]
        );
    }
    #[test]
    fn an_error_that_nobody_catches_is_kept_and_does_not_panic() {
        let Some((_, adapter)) = adapters().pop() else {
            let required = std::env::var("ALEXNET_LAB_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "ALEXNET_LAB_REQUIRE_GPU=1, but there is no adapter");
            eprintln!("SKIPPED: no graphics adapter");
            return;
        };
        let (raw, queue) = request(&adapter).expect("the adapter opens");
        let (_, fault) = register(&adapter, raw.clone(), queue).expect("burn takes the device");
        assert_eq!(fault.get(), None);
        for label in ["first", "second"] {
            let refused = raw.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: u64::MAX,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            });
            drop(refused);
        }
        assert!(fault.get().is_some_and(|text| text.contains("first")), "{fault:?}");
    }
}
