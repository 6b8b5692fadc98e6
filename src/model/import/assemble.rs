//! From tensors with another program's names to the parameters of a spec.
//!
//! Which layer takes which tensors stands in a table of [`Binding`]s; shapes come from
//! [`Shapes::parameters`] alone. A layer that this program holds in several blocks takes consecutive rows of
//! the one tensor that the other program holds.

use std::collections::BTreeMap;

use super::source::Tensors;
use crate::model::blocks::fit_blocks;
use crate::model::bounds::MAX_PARAMETERS;
use crate::model::shapes::{ParameterRole, ParameterShape, Shapes};
use crate::model::spec::{LayerKind, LayerSpec, ModelSpec};

/// More outputs than any known network has in one layer; keeps every product of sizes within 64 bits.
const MAX_OUTPUTS: usize = 1 << 16;

/// The tensors of one layer.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    /// Layer of the spec.
    pub layer: String,
    pub weight: String,
    pub bias: String,
}

/// Gives the weighted layers of `spec` the outputs that the tensors have, so that narrower and wider
/// variants of a network are read as well; the last layer becomes as wide as there are classes.
pub(super) fn take_widths(
    spec: &mut ModelSpec,
    bindings: &[Binding],
    tensors: &Tensors<'_>,
    problems: &mut Vec<String>,
) {
    for binding in bindings {
        let Some(layer) = spec.layers.iter_mut().find(|layer| layer.name == binding.layer) else { continue };
        let (rank, out) = match &mut layer.kind {
            LayerKind::Conv { out, .. } => (4, out),
            LayerKind::Linear { out, .. } => (2, out),
            _ => continue,
        };
        let first = |name: &str, rank: usize| {
            let shape = tensors.get(name).map(|tensor| tensor.shape.as_slice());
            shape.filter(|shape| shape.len() == rank).map(|shape| (name.to_owned(), shape[0]))
        };
        // Where the weights cannot tell, the biases may, so that one misfit is not blamed on the next layers.
        let Some((name, found)) = first(&binding.weight, rank).or_else(|| first(&binding.bias, 1)) else {
            continue;
        };
        if (1..=MAX_OUTPUTS).contains(&found) {
            *out = found;
        } else {
            problems.push(format!("{name} is for {found} outputs; a layer can have 1 to {MAX_OUTPUTS}"));
        }
    }
    fit_columns(spec);
}

/// Keeps the columns of linear layers where their outputs divide into them, and takes as many as it needs to
/// keep every block small.
fn fit_columns(spec: &mut ModelSpec) {
    for layer in &mut spec.layers {
        if let LayerKind::Linear { out, columns, .. } = &mut layer.kind
            && !out.is_multiple_of(*columns)
        {
            *columns = 1;
        }
    }
    fit_blocks(spec);
}

/// Collects the parameters of `spec`, in the order of [`Shapes::parameters`].
///
/// # Errors
/// Every tensor that is missing, left over, of the wrong shape or of unusable numbers.
pub(super) fn assemble(
    spec: &ModelSpec,
    bindings: &[Binding],
    tensors: &Tensors<'_>,
    mut problems: Vec<String>,
) -> Result<Vec<Vec<f32>>, Vec<String>> {
    let shapes = match Shapes::of(spec) {
        Ok(shapes) if shapes.parameter_count() <= MAX_PARAMETERS => shapes,
        Ok(_) => {
            problems.push("it asks for more than a thousand million parameters".into());
            return Err(problems);
        }
        Err(error) => {
            problems.push(error.to_string());
            return Err(problems);
        }
    };
    let wanted = wanted_tensors(&spec.layers, &shapes, bindings);
    for (name, shape) in &wanted {
        match tensors.get(*name) {
            None => problems.push(format!("{name} is missing (its shape would be {shape:?})")),
            Some(tensor) if tensor.shape != *shape => {
                problems.push(format!("{name} has shape {:?} instead of {shape:?}", tensor.shape));
            }
            Some(tensor) => {
                if let Some(kind) = &tensor.unusable {
                    problems.push(format!("{name} holds {kind}, not floating-point numbers"));
                }
            }
        }
    }
    let surplus = tensors.iter().filter(|(name, _)| !wanted.contains_key(name.as_str()));
    problems.extend(
        surplus.map(|(name, tensor)| format!("{name} {:?} has no place in {}", tensor.shape, spec.name)),
    );
    if !problems.is_empty() {
        return Err(problems);
    }
    read(&wanted, tensors).and_then(|mut values| deal(&spec.layers, &shapes, bindings, &mut values))
}

/// The whole shape of every tensor that the bindings name: blocks of a layer put together again.
fn wanted_tensors<'a>(
    layers: &[LayerSpec],
    shapes: &Shapes,
    bindings: &'a [Binding],
) -> BTreeMap<&'a str, Vec<usize>> {
    let mut wanted: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for parameter in &shapes.parameters {
        let Some(name) = source_of(layers, parameter, bindings) else { continue };
        wanted
            .entry(name)
            .and_modify(|shape| shape[0] += parameter.shape[0])
            .or_insert_with(|| parameter.shape.clone());
    }
    wanted
}

/// The tensor that a parameter is taken from.
fn source_of<'a>(
    layers: &[LayerSpec],
    parameter: &ParameterShape,
    bindings: &'a [Binding],
) -> Option<&'a str> {
    let binding = bindings.iter().find(|binding| binding.layer == layers[parameter.layer].name)?;
    match parameter.role {
        ParameterRole::Weight => Some(&binding.weight),
        ParameterRole::Bias => Some(&binding.bias),
        ParameterRole::Gain | ParameterRole::Statistic => None,
    }
}

fn read<'a>(
    wanted: &BTreeMap<&'a str, Vec<usize>>,
    tensors: &Tensors<'_>,
) -> Result<BTreeMap<&'a str, Vec<f32>>, Vec<String>> {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for &name in wanted.keys() {
        match tensors[name].values() {
            Ok(numbers) => {
                values.insert(name, numbers);
            }
            Err(reason) => problems.push(format!("{name} {reason}")),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// Gives each parameter its rows.
fn deal(
    layers: &[LayerSpec],
    shapes: &Shapes,
    bindings: &[Binding],
    values: &mut BTreeMap<&str, Vec<f32>>,
) -> Result<Vec<Vec<f32>>, Vec<String>> {
    shapes
        .parameters
        .iter()
        .map(|parameter| {
            let count = parameter.shape.iter().product::<usize>();
            source_of(layers, parameter, bindings)
                .and_then(|name| values.get_mut(name))
                .and_then(|rest| {
                    let tail = rest.len().checked_sub(count).map(|_| rest.split_off(count))?;
                    Some(std::mem::replace(rest, tail))
                })
                .ok_or_else(|| vec![format!("nothing is known about {}", parameter.name)])
        })
        .collect()
}
