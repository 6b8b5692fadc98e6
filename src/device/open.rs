//! From an adapter to a device that burn computes on, with an ear for what its driver reports.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use burn_cubecl::cubecl::future::block_on;

use super::adapters::instance;
use super::{DeviceError, DeviceInfo, OpenDevice};

/// Shader launches that are handed to the driver together. Longer queues keep a card no busier, but they
/// delay the window and, on Windows, risk the two seconds after which the system resets the card.
const TASKS_MAX: usize = 16;

/// The first error that a driver reported outside a call that could return it.
pub(super) type Fault = Arc<OnceLock<String>>;

/// Creates the device of `adapter` and registers it with burn, or finds the one made before: an adapter
/// that is registered twice would hold two sets of memory.
pub(super) fn open_adapter(
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
