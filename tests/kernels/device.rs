//! Listing and opening devices.

use alexnet_lab::device::{self, DeviceError, DeviceKind};
use burn::tensor::Tensor;

use crate::support::software_device;

#[test]
fn the_processor_is_listed_first_and_every_id_once() {
    let devices = device::list();
    assert_eq!((devices[0].id.as_str(), devices[0].kind), ("cpu", DeviceKind::Cpu));
    let mut kinds: Vec<_> = devices.iter().map(|device| device.kind).collect();
    assert!(kinds.is_sorted(), "{kinds:?}");
    kinds.retain(|kind| *kind == DeviceKind::SoftwareGpu);
    assert!(kinds.len() <= 1);
    let mut ids: Vec<_> = devices.iter().map(|device| device.id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), devices.len());
    for device in &devices[1..] {
        assert!(!device.name.is_empty() && !device.api.is_empty(), "{device:?}");
        assert!(device.max_binding_mib >= 128, "{device:?}");
    }
}

#[test]
fn kinds_are_written_as_in_the_command_line() {
    let text = |kind| serde_json::to_string(&kind).expect("plain text");
    assert_eq!(text(DeviceKind::SoftwareGpu), "\"software-gpu\"");
    assert_eq!(text(DeviceKind::Cpu), "\"cpu\"");
}

#[test]
fn the_processor_opens_and_computes() {
    let open = device::open("cpu").expect("the processor is always there");
    assert_eq!(open.info.id, "cpu");
    assert_eq!(Tensor::<1>::ones([3], &open.device).sum().into_scalar::<f32>(), 3.0);
    assert_eq!(open.fault(), None);
}

#[test]
fn auto_always_opens_and_says_why() {
    let open = device::open("auto").expect("auto never fails");
    assert_ne!(open.info.kind, DeviceKind::SoftwareGpu, "software Vulkan is slower than the processor");
    let cards = device::list().iter().filter(|device| device.id.starts_with("gpu:")).count();
    if cards == 0 {
        assert_eq!(open.info.id, "cpu");
        assert_eq!(open.reason, "no graphics card was found, so the processor does the work");
    } else {
        assert!(open.reason.contains(&open.info.name), "{}", open.reason);
    }
}

#[test]
fn a_request_that_names_no_device_is_refused_with_the_choices() {
    for request in ["", "GPU", "gpu:", "gpu:-1", "gpu:x", "cuda", "gpu: 0", "cpu:0"] {
        let error = device::open(request).expect_err(request);
        assert!(matches!(error, DeviceError::Unknown { .. }), "{request}: {error}");
        let message = error.to_string();
        assert!(message.contains(&format!("`{request}`")) && message.contains("auto, cpu, gpu"), "{message}");
    }
}

#[test]
fn a_card_that_is_not_there_is_refused_with_the_remedy() {
    let message = device::open("gpu:99").expect_err("nobody has a hundred cards").to_string();
    let cards = device::list().iter().filter(|device| device.id.starts_with("gpu:")).count();
    if cards == 0 {
        assert!(matches!(device::open("gpu"), Err(DeviceError::NoGpu)));
        assert!(message.contains("install the driver") && message.contains("--device cpu"), "{message}");
    } else {
        assert!(message.contains("there is no gpu:99, only gpu:0"), "{message}");
    }
}

#[test]
fn software_vulkan_opens_twice_as_one_device() {
    if software_device().is_none() {
        let message = device::open("software").expect_err("there is none").to_string();
        assert!(message.contains("mesa-vulkan-drivers"), "{message}");
        return;
    }
    let first = device::open("software").expect("it opened before");
    let second = device::open("software").expect("it opens again");
    assert_eq!(first.device, second.device);
    assert_eq!(first.info.kind, DeviceKind::SoftwareGpu);
    let ones = Tensor::<1>::ones([5], &first.device);
    let twos = Tensor::<1>::ones([5], &second.device) + ones;
    assert_eq!(twos.sum().into_scalar::<f32>(), 10.0);
    assert_eq!(first.fault(), None);
}

#[test]
fn several_threads_may_open_a_device_at_once() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let request = if software_device().is_some() { "software" } else { "cpu" };
                let open = device::open(request).expect("it opened before");
                Tensor::<1>::ones([4], &open.device).sum().into_scalar::<f32>()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), 4.0);
    }
}

#[test]
fn there_is_at_least_one_worker() {
    assert!(device::worker_threads() >= 1);
}
