//! What an ONNX file computes, worked out from its bytes alone.
//!
//! Plain loops after ONNX's own description of each operator, for the operators that our exports use. Nothing
//! here knows of specs or of [`Network`](crate::model::Network): where both agree, the file says what the
//! network does. An operator or attribute that is not known is an error, never ignored.

mod arithmetic;
mod attributes;
mod rearrange;
mod tensor;
mod windows;

use std::collections::HashMap;
use std::rc::Rc;

use self::attributes::Attributes;
pub use self::tensor::{Tensor, Values};
use super::proto::{ModelProto, NodeProto};

/// Computes the outputs of `model` from its one input, in the order in which the graph lists them.
///
/// # Errors
/// A graph that refers to what it has not computed, operators that are not known, shapes that do not fit.
pub fn evaluate(model: &ModelProto, input: Tensor) -> Result<Vec<Tensor>, String> {
    let graph = model.graph.as_ref().ok_or("it holds no graph")?;
    let [entry] = graph.input.as_slice() else {
        return Err(format!("it has {} inputs instead of one", graph.input.len()));
    };
    let mut values: HashMap<&str, Rc<Tensor>> = HashMap::new();
    for constant in &graph.initializer {
        values.insert(&constant.name, Rc::new(Tensor::constant(constant)?));
    }
    values.insert(&entry.name, Rc::new(input));
    for node in &graph.node {
        let inputs = node.input.iter().map(|name| values.get(name.as_str()).cloned());
        let inputs = inputs.collect::<Option<Vec<_>>>();
        let inputs = inputs.ok_or_else(|| format!("node {} comes before its inputs", node.name))?;
        let inputs: Vec<&Tensor> = inputs.iter().map(Rc::as_ref).collect();
        let fault = |reason: String| format!("node {} ({}): {reason}", node.name, node.op_type);
        let output = apply(node, &inputs).map_err(fault)?;
        let [name] = node.output.as_slice() else { return Err(fault("it has not one output".into())) };
        if values.insert(name, Rc::new(output)).is_some() {
            return Err(fault(format!("{name} is given twice")));
        }
    }
    let output = |name: &str| values.get(name).map(|value| value.as_ref().clone());
    let outputs = graph.output.iter().map(|info| output(&info.name));
    outputs.collect::<Option<Vec<_>>>().ok_or_else(|| "an output is never computed".into())
}

/// Computes one node.
fn apply(node: &NodeProto, inputs: &[&Tensor]) -> Result<Tensor, String> {
    let attributes = Attributes::new(&node.attribute);
    let output = match (node.op_type.as_str(), inputs) {
        ("Add", [a, b]) => arithmetic::broadcast(a, b, |a, b| a + b),
        ("Sub", [a, b]) => arithmetic::broadcast(a, b, |a, b| a - b),
        ("Mul", [a, b]) => arithmetic::broadcast(a, b, |a, b| a * b),
        ("Div", [a, b]) => arithmetic::broadcast(a, b, |a, b| a / b),
        ("Pow", [a, b]) => arithmetic::broadcast(a, b, f32::powf),
        ("Relu", [x]) => arithmetic::each(x, |x| if x < 0.0 { 0.0 } else { x }),
        ("Tanh", [x]) => arithmetic::each(x, f32::tanh),
        ("Softmax", [x]) => arithmetic::softmax(x, attributes.integer("axis")?),
        ("Gemm", [a, b, c]) => arithmetic::gemm(a, b, c, attributes.integer("transB")?),
        ("MatMul", [a, b]) => arithmetic::matmul(a, b),
        ("BatchNormalization", [x, parameters @ ..]) => {
            arithmetic::batch_normalization(x, parameters, attributes.float("epsilon")?)
        }
        ("LRN", [x]) => windows::lrn(x, &attributes),
        ("Conv", [x, weight, bias]) => windows::conv(x, weight, bias, &attributes),
        ("MaxPool", [x]) => windows::max_pool(x, &attributes),
        ("AveragePool", [x]) => windows::average_pool(x, &attributes),
        ("Flatten", [x]) => rearrange::flatten(x, attributes.integer("axis")?),
        ("Reshape", [x, sizes]) => rearrange::reshape(x, sizes),
        ("Transpose", [x]) => rearrange::transpose(x, attributes.integers("perm")?),
        ("Gather", [x, indices]) => rearrange::gather(x, indices, attributes.integer("axis")?),
        ("Pad", [x, pads]) => rearrange::pad(x, pads),
        (_, inputs) => Err(format!("this operator is not known with {} inputs", inputs.len())),
    }?;
    attributes.all_used()?;
    Ok(output)
}
