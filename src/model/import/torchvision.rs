//! torchvision's AlexNet: the names of its tensors and the constants of its preprocessing.
//!
//! Layout and constants as in torchvision's `models/alexnet.py` and `transforms/_presets.py`.

use super::Foreign;
use super::assemble::{Binding, assemble, take_widths};
use super::source::Tensors;
use crate::model::presets::preset;

/// The preset with torchvision's layers.
const PRESET: &str = "alexnet-owt";

/// Layers of the preset and the modules that hold their tensors.
const LAYERS: [(&str, &str); 8] = [
    ("conv1", "features.0"),
    ("conv2", "features.3"),
    ("conv3", "features.6"),
    ("conv4", "features.8"),
    ("conv5", "features.10"),
    ("fc6", "classifier.1"),
    ("fc7", "classifier.4"),
    ("fc8", "classifier.6"),
];

/// Means of ImageNet's red, green and blue, for values of 0 to 1. The preset has the deviations.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];

/// Where a checkpoint keeps the network, the likeliest first.
const CUSTOMARY_PREFIXES: [&str; 6] =
    ["", "state_dict.", "model.", "model_state_dict.", "net.", "model_state."];

fn bindings() -> Vec<Binding> {
    let binding = |(layer, module): (&str, &str)| Binding {
        layer: layer.into(),
        weight: format!("{module}.weight"),
        bias: format!("{module}.bias"),
    };
    LAYERS.into_iter().map(binding).collect()
}

/// Reads the network out of the tensors of a file. `container` says what the file is.
///
/// # Errors
/// Everything that does not fit.
pub(super) fn network(tensors: Tensors<'_>, container: &str) -> Result<Foreign, Vec<String>> {
    let bindings = bindings();
    let (tensors, notes) = select(tensors, &bindings)?;
    let preset = preset(PRESET).map_err(|e| vec![e.to_string()])?;
    let mut spec = preset.standard(1000);
    let mut problems = Vec::new();
    take_widths(&mut spec, &bindings, &tensors, &mut problems);
    let weights = assemble(&spec, &bindings, &tensors, problems)?;
    let plane = spec.input.side * spec.input.side;
    let mean = MEAN.iter().flat_map(|mean| std::iter::repeat_n(255.0 * mean, plane)).collect();
    let origin = format!("{container} with the names of torchvision's AlexNet");
    Ok(Foreign { spec, mean, weights, origin, notes })
}

/// The tensors of the network under the names that torchvision gives them, whatever they are wrapped in:
/// checkpoints nest state dicts, and `DataParallel` puts `module.` before or within the names.
fn select<'a>(
    mut tensors: Tensors<'a>,
    bindings: &[Binding],
) -> Result<(Tensors<'a>, Vec<String>), Vec<String>> {
    let plain: Vec<(String, String)> = tensors
        .keys()
        .map(|key| {
            (key.split('.').filter(|part| *part != "module").collect::<Vec<_>>().join("."), key.clone())
        })
        .collect();
    let Some(prefix) = likeliest_prefix(&plain, bindings) else {
        return Err(vec![strange(&tensors)]);
    };
    let mut notes = Vec::new();
    if !prefix.is_empty() {
        notes.push(format!("the network was taken from {} in the file", prefix.trim_end_matches('.')));
    }
    let names: Vec<(String, String)> = plain
        .into_iter()
        .filter_map(|(plain, key)| Some((plain.strip_prefix(&prefix)?.to_owned(), key)))
        .collect();
    let mut chosen = Tensors::new();
    let mut twice = Vec::new();
    for (name, key) in names {
        let Some(tensor) = tensors.remove(&key) else { continue };
        if chosen.insert(name.clone(), tensor).is_some() {
            twice.push(format!("{name} is there twice, once as {key}"));
        }
    }
    if twice.is_empty() { Ok((chosen, notes)) } else { Err(twice) }
}

/// What stands before most of the known names; the customary one, then the shortest, where several are equal.
fn likeliest_prefix(plain: &[(String, String)], bindings: &[Binding]) -> Option<String> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for (name, _) in plain {
        for known in bindings.iter().flat_map(|binding| [&binding.weight, &binding.bias]) {
            if let Some(prefix) = name.strip_suffix(known.as_str())
                && (prefix.is_empty() || prefix.ends_with('.'))
            {
                *counts.entry(prefix).or_default() += 1;
            }
        }
    }
    let custom = |prefix: &str| CUSTOMARY_PREFIXES.iter().position(|p| *p == prefix).unwrap_or(usize::MAX);
    let best = counts.into_iter().max_by(|(a, many), (b, few)| {
        many.cmp(few).then(custom(b).cmp(&custom(a))).then(b.len().cmp(&a.len()))
    });
    best.map(|(prefix, _)| prefix.to_owned())
}

/// What to say of a file without a single known name.
fn strange(tensors: &Tensors<'_>) -> String {
    let mut names = tensors.keys();
    match (names.next(), names.next()) {
        (None, _) => "it holds no tensors; save the network's state_dict()".into(),
        (Some(only), None) => format!("it holds only {only}, which torchvision's AlexNet does not have"),
        (Some(first), Some(second)) => format!(
            "it is another network than torchvision's AlexNet: it holds {} tensors, such as {first} and {second}, \
             but no features.0.weight",
            tensors.len()
        ),
    }
}
