//! The graphics cards of this machine: found once, each listed once, best first.

use std::panic::catch_unwind;
use std::sync::OnceLock;

use burn_cubecl::cubecl::future::block_on;

use super::{DeviceInfo, DeviceKind};

/// Storage buffers that our shaders bind at once at most.
const STORAGE_BUFFERS: u32 = 8;

/// The hardware adapters, best first.
pub(super) fn gpus() -> Vec<(DeviceInfo, wgpu::Adapter)> {
    let mut adapters = adapters();
    adapters.retain(|(info, _)| info.kind != DeviceKind::SoftwareGpu);
    adapters
}

/// One instance for all: a device belongs to the instance that found its adapter.
pub(super) fn instance() -> &'static wgpu::Instance {
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
pub(super) fn adapters() -> Vec<(DeviceInfo, wgpu::Adapter)> {
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
}
