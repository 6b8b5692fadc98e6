//! From an adapter to a device that burn computes on, with an ear for what its driver reports.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use burn_cubecl::cubecl::future::block_on;

use super::adapters::instance;
use super::{DeviceError, DeviceInfo, OpenDevice};

/// Shader launches that are handed to the driver together. Longer queues keep a card no busier, but they
/// delay the window and, on Windows, risk the two seconds after which the system resets the card.
const TASKS_MAX: usize = 16;

/// A device that takes longer to show a small buffer does not answer.
const ANSWER: Duration = Duration::from_secs(10);

/// The first error that a driver reported outside a call that could return it.
pub(super) type Fault = Arc<OnceLock<DriverError>>;

/// What a driver reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DriverError {
    pub text: String,
    /// The card has no memory left, or refuses a buffer of that size.
    pub out_of_memory: bool,
}

impl DriverError {
    fn of(error: &wgpu::Error) -> Self {
        // The first line only says of which kind it is; each following one says more exactly where it was.
        let text = error.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let text = lines.join(" ");
        let too_large = text.contains("maximum buffer size");
        Self { out_of_memory: too_large || matches!(error, wgpu::Error::OutOfMemory { .. }), text }
    }
}

/// Largest buffer, and largest part of one that a shader can be given, in bytes, of devices opened from now on; 0 is
/// what the adapter allows.
static LARGEST: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// Lets every graphics device that is opened from now on refuse buffers above `buffer` bytes, and shaders that are given
/// more than `binding` bytes at once, as a smaller card would; `None` takes the limit away. For trials of what a program
/// does when memory runs out. The allocator asks for 8 MiB at once at least.
pub fn limit_buffers(buffer: Option<u64>, binding: Option<u64>) {
    for (place, bytes) in LARGEST.iter().zip([buffer, binding]) {
        place.store(bytes.unwrap_or(0), Ordering::Relaxed);
    }
}

/// A device of an adapter, as burn knows it and as it is.
#[derive(Clone)]
struct Opened {
    device: Device,
    raw: wgpu::Device,
    fault: Fault,
}

impl Opened {
    /// Whether it still computes: it has reported no fault, and a small buffer can be read.
    fn answers(&self) -> bool {
        self.fault.get().is_none() && answers(&self.raw)
    }
}

/// The devices that are open, by the id of their adapter.
fn opened() -> MutexGuard<'static, HashMap<String, Opened>> {
    static OPENED: OnceLock<Mutex<HashMap<String, Opened>>> = OnceLock::new();
    OPENED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates the device of `adapter` and registers it with burn, or finds the one made before: an adapter
/// that is registered twice would hold two sets of memory. One that has failed is given up and made anew.
pub(super) fn open_adapter(
    info: DeviceInfo,
    adapter: &wgpu::Adapter,
    reason: String,
) -> Result<OpenDevice, DeviceError> {
    let mut opened = opened();
    if let Some(Opened { device, raw, fault }) = opened.get(&info.id).filter(|found| found.answers()).cloned()
    {
        return Ok(OpenDevice { device, info, reason, fault, raw: Some(raw) });
    }
    if let Some(broken) = opened.remove(&info.id) {
        // Its memory is free from now on, whoever still holds tensors of it.
        broken.raw.destroy();
    }
    let start = || request(adapter).and_then(|(device, queue)| register(adapter, device, queue));
    let found = catch_unwind(AssertUnwindSafe(start))
        .unwrap_or_else(|_| Err("its driver failed while it was started".into()))
        .map_err(|reason| DeviceError::Failed { name: info.name.clone(), reason })?;
    opened.insert(info.id.clone(), found.clone());
    let Opened { device, raw, fault } = found;
    Ok(OpenDevice { device, info, reason, fault, raw: Some(raw) })
}

/// Gives up the device of the adapter `id`, whatever state it is in, if it still is `raw`.
pub(super) fn give_up(id: &str, raw: &wgpu::Device) {
    let mut opened = opened();
    if opened.get(id).is_some_and(|found| found.raw == *raw) {
        opened.remove(id);
    }
    raw.destroy();
}

/// Whether a device still answers. One that was lost reports no errors any more: it is asked to show the host a
/// buffer.
pub(super) fn answers(device: &wgpu::Device) -> bool {
    let asked = || {
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("answer"),
            size: 16,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let (tell, told) = mpsc::channel();
        buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            // Nobody listens any more once the answer is taken for a no.
            let _ = tell.send(result.is_ok());
        });
        let polled = device.poll(wgpu::PollType::wait_indefinitely());
        // The answer may have come to another thread that polls, too.
        polled.is_ok() && told.recv_timeout(ANSWER).unwrap_or(false)
    };
    // A driver that panics does not answer.
    catch_unwind(AssertUnwindSafe(asked)).unwrap_or(false)
}

fn request(adapter: &wgpu::Adapter) -> Result<(wgpu::Device, wgpu::Queue), String> {
    // burn reads the abilities of the adapter and counts on the device having them all. Experimental ones
    // would need a promise that they are used correctly, and none is needed.
    let features = adapter.features()
        - wgpu::Features::all_experimental_mask()
        - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;
    let mut limits = adapter.limits();
    let [buffer, binding] = LARGEST.each_ref().map(|place| place.load(Ordering::Relaxed));
    if buffer > 0 {
        limits.max_buffer_size = limits.max_buffer_size.min(buffer);
    }
    if binding > 0 {
        limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(binding);
    }
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("alexnet-lab"),
        required_features: features,
        required_limits: limits,
        // burn allocates large blocks itself.
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    };
    block_on(adapter.request_device(&descriptor)).map_err(|error| error.to_string())
}

fn register(adapter: &wgpu::Adapter, raw: wgpu::Device, queue: wgpu::Queue) -> Result<Opened, String> {
    let setup = WgpuSetup {
        instance: instance().clone(),
        adapter: adapter.clone(),
        device: raw.clone(),
        queue,
        backend: adapter.get_info().backend,
    };
    let device =
        Device::wgpu_options().tasks_max(TASKS_MAX).setup(setup).init().map_err(|error| error.to_string())?;
    let fault = Fault::default();
    // Set after the registration, whose own handler panics. Its ear for a lost device stays: every read asks it.
    raw.on_uncaptured_error(Arc::new({
        let fault = fault.clone();
        move |error: wgpu::Error| {
            match fault.set(DriverError::of(&error)) {
                Ok(()) => log::error!("the graphics driver reported: {error}"),
                // What fails after the first failure is its consequence.
                Err(_) => log::debug!("the graphics driver reported also: {error}"),
            }
        }
    }));
    device.sync().map_err(|error| error.to_string())?;
    Ok(Opened { device, raw, fault })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::adapters::adapters;

    #[test]
    fn an_error_that_nobody_catches_is_kept_and_does_not_panic() {
        let Some((_, adapter)) = adapters().pop() else {
            let required = std::env::var("ALEXNET_LAB_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "ALEXNET_LAB_REQUIRE_GPU=1, but there is no adapter");
            eprintln!("SKIPPED: no graphics adapter");
            return;
        };
        let (raw, queue) = request(&adapter).expect("the adapter opens");
        let Opened { fault, .. } = register(&adapter, raw.clone(), queue).expect("burn takes the device");
        assert_eq!(fault.get(), None);
        assert!(answers(&raw));
        for label in ["first", "second"] {
            let refused = raw.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: u64::MAX,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            });
            drop(refused);
        }
        assert!(fault.get().is_some_and(|error| error.text.contains("first")), "{fault:?}");
        assert!(
            fault.get().is_some_and(|error| error.out_of_memory && !error.text.contains('\n')),
            "{fault:?}"
        );
        raw.destroy();
        assert!(!answers(&raw), "a device that is gone answers");
    }
}
