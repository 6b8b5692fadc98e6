//! Every shader is parsed, validated and translated for all graphics systems, without a card.

use alexnet_lab::kernels::completed_shaders;
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module};

fn parse(name: &str, source: &str) -> (Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(source)
        .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(source)));
    // No optional ability: the shaders must run on every card.
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    let info = validator
        .validate(&module)
        .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(source)));
    (module, info)
}

#[test]
fn every_shader_is_complete_valid_and_translates_to_vulkan_metal_and_directx() {
    let shaders = completed_shaders();
    assert!(shaders.len() >= 10, "only {} shaders", shaders.len());
    for (name, source) in shaders {
        assert!(!source.contains("{{"), "{name} has places left:\n{source}");
        let (module, info) = parse(&name, &source);

        let words = spv::write_vec(&module, &info, &spv::Options::default(), None)
            .unwrap_or_else(|error| panic!("{name}: SPIR-V: {error}"));
        assert!(words.len() > 100, "{name}: SPIR-V of {} words", words.len());

        let (metal, translation) =
            msl::write_string(&module, &info, &msl::Options::default(), &msl::PipelineOptions::default())
                .unwrap_or_else(|error| panic!("{name}: Metal: {error}"));
        translation.entry_point_names[0].as_ref().unwrap_or_else(|error| panic!("{name}: Metal: {error}"));
        assert!(metal.contains("kernel void"), "{name}: {metal}");

        let mut directx = String::new();
        let (options, pipeline) = (hlsl::Options::default(), hlsl::PipelineOptions::default());
        hlsl::Writer::new(&mut directx, &options, &pipeline)
            .write(&module, &info, None)
            .unwrap_or_else(|error| panic!("{name}: HLSL: {error}"));
        assert!(directx.contains("numthreads"), "{name}: {directx}");
    }
}

#[test]
fn every_shader_has_one_entry_point_that_uses_every_binding() {
    for (name, source) in completed_shaders() {
        let (module, info) = parse(&name, &source);
        let entries: Vec<&str> = module.entry_points.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(entries, ["main"], "{name}");
        let mut bindings: Vec<u32> = Vec::new();
        for (handle, variable) in module.global_variables.iter() {
            let Some(binding) = &variable.binding else { continue };
            assert!(!info.get_entry_point(0)[handle].is_empty(), "{name}: {:?} is not used", variable.name);
            assert_eq!(binding.group, 0, "{name}");
            bindings.push(binding.binding);
            if let AddressSpace::Storage { access } = variable.space {
                // Tensors may share a buffer, and a buffer cannot be bound for reading and for writing.
                assert!(access.contains(naga::StorageAccess::STORE), "{name}: {:?}", variable.name);
            }
        }
        bindings.sort_unstable();
        assert_eq!(bindings, (0..bindings.len() as u32).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn the_list_of_bindings_is_complete() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/README.md"))
        .expect("the list of bindings");
    for (name, source) in completed_shaders() {
        let shader = name.split(' ').next().expect("a name");
        let (module, _) = parse(&name, &source);
        for (_, variable) in module.global_variables.iter() {
            let Some(binding) = &variable.binding else { continue };
            let variable = variable.name.as_deref().expect("a name");
            // Where a binding before it is left out in some variants, a row names both numbers.
            let number = binding.binding;
            let row = format!("| `{shader}` | {number} | `{variable}` |");
            let both = [number.checked_sub(1).map(|below| (number, below)), Some((number + 1, number))];
            let both = both.into_iter().flatten();
            let mut both =
                both.map(|(with, without)| format!("| `{shader}` | {with} or {without} | `{variable}` |"));
            let listed = text.contains(&row) || both.any(|row| text.contains(&row));
            assert!(listed, "shaders/README.md lacks the row {row}");
        }
    }
}
