//! From layers to nodes.
//!
//! A value is named after the layer that gives it, a constant after the parameter it holds, so that the graph
//! can be read beside the spec.

use std::collections::HashSet;

use super::super::ExportError;
use super::proto::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, NodeProto, TensorProto, TensorShapeProto,
    TensorType, TypeProto, ValueInfoProto,
};
use super::{LOGITS, PIXELS, PROBABILITIES};
use crate::model::file::ModelFile;
use crate::model::shapes::{MapShape, Shapes};
use crate::model::spec::LayerKind;

/// The graph of a network.
pub(super) fn build(model: &ModelFile) -> Result<GraphProto, ExportError> {
    let shapes = Shapes::of(&model.spec)?;
    let side = model.spec.input.side;
    let mut graph = Builder::new();
    graph.preprocessing(model);
    let mut before = MapShape::Map { channels: 3, height: side, width: side };
    for (index, layer) in model.spec.layers.iter().enumerate() {
        let after = shapes.layers[index].output;
        let parameters = shapes.parameters.iter().zip(&model.weights).filter(|(p, _)| p.layer == index);
        let blocks: Vec<&[f32]> = parameters.map(|(_, values)| values.as_slice()).collect();
        graph.layer(&layer.kind, Place { name: &layer.name, before, after, blocks: &blocks })?;
        before = after;
    }
    graph.outputs();
    Ok(GraphProto {
        node: graph.nodes,
        name: model.spec.name.clone(),
        initializer: graph.constants,
        input: vec![value_info(PIXELS, &[3, side, side])],
        output: vec![value_info(LOGITS, &[shapes.classes]), value_info(PROBABILITIES, &[shapes.classes])],
    })
}

/// A layer among its neighbours.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    before: MapShape,
    after: MapShape,
    /// Values of its parameters, in the order of the shapes.
    blocks: &'a [&'a [f32]],
}

struct Builder {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// Names in use; a graph may use each only once.
    names: HashSet<String>,
    /// What the last layer gave.
    current: String,
}

impl Builder {
    fn new() -> Self {
        let names = [PIXELS, LOGITS, PROBABILITIES].map(str::to_owned).into();
        Self { nodes: Vec::new(), constants: Vec::new(), names, current: PIXELS.into() }
    }

    /// `(pixels - mean) * scale`
    fn preprocessing(&mut self, model: &ModelFile) {
        let input = &model.spec.input;
        let mean = self.floats("input.mean", &[1, 3, input.side, input.side], &model.mean);
        self.step("Sub", &[mean], "input.centred", vec![]);
        if input.scale != [1.0; 3] {
            let scale = self.floats("input.scale", &[1, 3, 1, 1], &input.scale);
            self.step("Mul", &[scale], "input.scaled", vec![]);
        }
    }

    /// Appends the nodes of a layer.
    fn layer(&mut self, kind: &LayerKind, place: Place) -> Result<(), ExportError> {
        let Place { name, before, after, .. } = place;
        match *kind {
            LayerKind::Conv { kernel, stride, padding, groups, .. } => {
                let attributes = vec![
                    integers("kernel_shape", &[kernel, kernel]),
                    integers("strides", &[stride, stride]),
                    integers("pads", &[padding.top, padding.left, padding.bottom, padding.right]),
                    integer("group", groups),
                ];
                self.convolution(place, kernel, groups, attributes);
            }
            LayerKind::Local { kernel, padding, .. } => self.local(place, kernel, padding),
            LayerKind::Relu => self.step("Relu", &[], name, vec![]),
            LayerKind::Tanh => self.step("Tanh", &[], name, vec![]),
            LayerKind::Lrn { size, .. } if size.is_multiple_of(2) => {
                return Err(ExportError::Unsupported {
                    layer: name.into(),
                    reason: format!("its window of {size} channels is even, and ONNX knows only odd ones"),
                });
            }
            LayerKind::Lrn { size, alpha, beta, k, groups } => {
                // ONNX divides alpha by the size.
                let attributes = vec![
                    integer("size", size),
                    float("alpha", alpha * size as f32),
                    float("beta", beta),
                    float("bias", k),
                ];
                self.inside_groups(name, before, groups, attributes);
            }
            LayerKind::SpatialNorm { size, alpha, beta, k } => self.spatial_norm(name, size, alpha, beta, k),
            LayerKind::BatchNorm { epsilon, .. } => self.batch_norm(place, epsilon),
            LayerKind::MaxPool { kernel, stride, .. } => {
                self.step("MaxPool", &[], name, window(kernel, stride, before, after));
            }
            LayerKind::AvgPool { kernel, stride, .. } => {
                let mut attributes = window(kernel, stride, before, after);
                attributes.push(integer("count_include_pad", 0));
                self.step("AveragePool", &[], name, attributes);
            }
            LayerKind::Linear { out, .. } => self.linear(place, out),
            LayerKind::Dropout { inverted: true, .. } => {}
            LayerKind::Dropout { keep, inverted: false } => {
                let keep = self.floats(&format!("{name}.keep"), &[], &[keep as f32]);
                self.step("Mul", &[keep], name, vec![]);
            }
        }
        Ok(())
    }

    fn convolution(&mut self, place: Place, kernel: usize, groups: usize, attributes: Vec<AttributeProto>) {
        let Place { name, before, after, blocks } = place;
        let (channels, out) = (sizes(before).0, sizes(after).0);
        let shape = [out, channels / groups, kernel, kernel];
        let weight = self.floats(&format!("{name}.weight"), &shape, blocks[0]);
        let bias = self.floats(&format!("{name}.bias"), &[out], blocks[1]);
        self.step("Conv", &[weight, bias], name, attributes);
    }

    /// Normalisation by the running statistics.
    fn batch_norm(&mut self, place: Place, epsilon: f64) {
        let name = place.name;
        let parts = ["weight", "bias", "running_mean", "running_var"].iter().zip(place.blocks);
        let constants: Vec<String> = parts
            .map(|(part, values)| self.floats(&format!("{name}.{part}"), &[values.len()], values))
            .collect();
        self.step("BatchNormalization", &constants, name, vec![float("epsilon", epsilon as f32)]);
    }

    /// LRN whose windows stay inside a column: columns become pictures of their own for the time.
    fn inside_groups(&mut self, name: &str, map: MapShape, groups: usize, attributes: Vec<AttributeProto>) {
        if groups == 1 {
            return self.step("LRN", &[], name, attributes);
        }
        let (channels, height, width) = sizes(map);
        self.reshape(
            &format!("{name}.columns"),
            &[-1, (channels / groups) as i64, height as i64, width as i64],
        );
        self.step("LRN", &[], &format!("{name}.normalised"), attributes);
        self.reshape(name, &[-1, channels as i64, height as i64, width as i64]);
    }

    /// `x / (k + alpha * sum of squares)^beta`. The sum is the mean over the window, with zeros around the
    /// map, times its pixels.
    fn spatial_norm(&mut self, name: &str, size: usize, alpha: f32, beta: f32, k: f32) {
        let x = self.current.clone();
        self.step("Mul", std::slice::from_ref(&x), &format!("{name}.squares"), vec![]);
        let attributes = vec![
            integers("kernel_shape", &[size, size]),
            integers("strides", &[1, 1]),
            integers("pads", &[size / 2; 4]),
            integer("count_include_pad", 1),
        ];
        self.step("AveragePool", &[], &format!("{name}.mean"), attributes);
        let constants =
            [("Mul", "alpha", alpha * (size * size) as f32), ("Add", "k", k), ("Pow", "beta", beta)];
        for (operator, part, value) in constants {
            let constant = self.floats(&format!("{name}.{part}"), &[], &[value]);
            self.step(operator, &[constant], &format!("{name}.{part}.out"), vec![]);
        }
        let divisor = std::mem::replace(&mut self.current, x);
        self.step("Div", &[divisor], name, vec![]);
    }

    /// A layer whose positions have kernels of their own: the pixels that each position sees are gathered,
    /// and all positions are multiplied at once, `[P, N, in * k * k] x [P, in * k * k, out]`.
    fn local(&mut self, place: Place, kernel: usize, padding: usize) {
        let Place { name, before, after, blocks } = place;
        let (channels, height, width) = sizes(before);
        let (out, rows, columns) = sizes(after);
        let (height, width) = (height + 2 * padding, width + 2 * padding);
        let (positions, area, inputs) = (rows * columns, kernel * kernel, channels * kernel * kernel);
        let part = |part: &str| format!("{name}.{part}");
        let p = padding as i64;
        let pads = self.integers(&part("pads"), &[0, 0, p, p, 0, 0, p, p]);
        self.step("Pad", &[pads], &part("padded"), vec![]);
        self.reshape(&part("flat"), &[-1, channels as i64, (height * width) as i64]);
        let mut pixels = Vec::with_capacity(positions * area);
        for position in 0..positions {
            let (row, column) = (position / columns, position % columns);
            let seen = (0..area).map(|i| (row + i / kernel) * width + column + i % kernel);
            pixels.extend(seen.map(|pixel| pixel as i64));
        }
        let pixels = self.integers_shaped(&part("pixels"), &[positions, area], &pixels);
        // [N, in, P, k * k] -> [P, N, in, k * k]
        self.step("Gather", &[pixels], &part("seen"), vec![integer("axis", 2)]);
        self.step("Transpose", &[], &part("by_position"), vec![integers("perm", &[2, 0, 1, 3])]);
        self.reshape(&part("rows"), &[positions as i64, -1, inputs as i64]);
        let weight = transposed(blocks[0], positions, out, inputs);
        let weight = self.floats(&part("weight"), &[positions, inputs, out], &weight);
        self.step("MatMul", &[weight], &part("product"), vec![]);
        self.step("Transpose", &[], &part("by_picture"), vec![integers("perm", &[1, 2, 0])]);
        self.reshape(&part("map"), &[-1, out as i64, rows as i64, columns as i64]);
        let bias = self.floats(&part("bias"), &[out, rows, columns], blocks[1]);
        self.step("Add", &[bias], name, vec![]);
    }

    /// One matrix product for all columns, whose blocks of rows lie below each other.
    fn linear(&mut self, place: Place, out: usize) {
        let Place { name, before, blocks, .. } = place;
        if let MapShape::Map { .. } = before {
            self.step("Flatten", &[], &format!("{name}.flat"), vec![integer("axis", 1)]);
        }
        let every_second =
            |start: usize| blocks.iter().skip(start).step_by(2).copied().collect::<Vec<_>>().concat();
        let weight = self.floats(&format!("{name}.weight"), &[out, before.len()], &every_second(0));
        let bias = self.floats(&format!("{name}.bias"), &[out], &every_second(1));
        self.step("Gemm", &[weight, bias], name, vec![integer("transB", 1)]);
    }

    /// Gives the last value its public name and appends the softmax.
    fn outputs(&mut self) {
        let last = self.nodes.last_mut().expect("preprocessing has made a node");
        last.output = vec![LOGITS.into()];
        self.nodes.push(NodeProto {
            input: vec![LOGITS.into()],
            output: vec![PROBABILITIES.into()],
            name: PROBABILITIES.into(),
            op_type: "Softmax".into(),
            attribute: vec![integer("axis", 1)],
        });
    }

    fn reshape(&mut self, output: &str, sizes: &[i64]) {
        let sizes = self.integers(&format!("{output}.sizes"), sizes);
        self.step("Reshape", &[sizes], output, vec![]);
    }

    /// Appends a node that takes the current value and `more`; its output becomes the current value.
    fn step(&mut self, operator: &str, more: &[String], output: &str, attribute: Vec<AttributeProto>) {
        let output = self.unused(output);
        let input = std::iter::once(&self.current).chain(more).cloned().collect();
        let op_type = operator.into();
        self.nodes.push(NodeProto {
            input,
            output: vec![output.clone()],
            name: output.clone(),
            op_type,
            attribute,
        });
        self.current = output;
    }

    fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.constant(name, DataType::Float, shape, bytemuck::cast_slice(values).to_vec())
    }

    fn integers(&mut self, name: &str, values: &[i64]) -> String {
        self.integers_shaped(name, &[values.len()], values)
    }

    fn integers_shaped(&mut self, name: &str, shape: &[usize], values: &[i64]) -> String {
        self.constant(name, DataType::Int64, shape, bytemuck::cast_slice(values).to_vec())
    }

    fn constant(&mut self, name: &str, data_type: DataType, shape: &[usize], raw_data: Vec<u8>) -> String {
        let name = self.unused(name);
        self.constants.push(TensorProto {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(data_type.into()),
            name: name.clone(),
            raw_data: Some(raw_data),
        });
        name
    }

    /// `name`, or `name~2` and so on where the spec names two layers alike.
    fn unused(&mut self, name: &str) -> String {
        let numbered = (2..).map(|n| format!("{name}~{n}"));
        let name = std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !self.names.contains(name))
            .expect("there are more numbers than layers");
        self.names.insert(name.clone());
        name
    }
}

/// The attributes of a pooling window.
///
/// A window that hangs over the edge is told by padding at the bottom and right instead of `ceil_mode`: that
/// says how many windows there are without leaving room for the rules on which programs differ, and the pad is
/// never part of a maximum, or of a mean with `count_include_pad` 0.
fn window(kernel: usize, stride: usize, before: MapShape, after: MapShape) -> Vec<AttributeProto> {
    let (_, height, width) = sizes(before);
    let (_, rows, columns) = sizes(after);
    let overhang = |side: usize, count: usize| ((count - 1) * stride + kernel).saturating_sub(side);
    vec![
        integers("kernel_shape", &[kernel, kernel]),
        integers("strides", &[stride, stride]),
        integers("pads", &[0, 0, overhang(height, rows), overhang(width, columns)]),
    ]
}

/// `[count, rows, columns]` to `[count, columns, rows]`.
fn transposed(values: &[f32], count: usize, rows: usize, columns: usize) -> Vec<f32> {
    let index = |i: usize| {
        let (block, column, row) = (i / (rows * columns), i / rows % columns, i % rows);
        (block * rows + row) * columns + column
    };
    (0..count * rows * columns).map(|i| values[index(i)]).collect()
}

fn sizes(map: MapShape) -> (usize, usize, usize) {
    match map {
        MapShape::Map { channels, height, width } => (channels, height, width),
        MapShape::Flat(_) => unreachable!("Shapes::of refuses spatial layers after linear ones"),
    }
}

/// A tensor `[N, ...]` of floats.
fn value_info(name: &str, sizes: &[usize]) -> ValueInfoProto {
    let pictures = Dimension { dim_value: None, dim_param: Some("N".into()) };
    let fixed = sizes.iter().map(|&size| Dimension { dim_value: Some(size as i64), dim_param: None });
    let shape = TensorShapeProto { dim: std::iter::once(pictures).chain(fixed).collect() };
    let tensor = TensorType { elem_type: Some(DataType::Float.into()), shape: Some(shape) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

fn integer(name: &str, value: usize) -> AttributeProto {
    let kind = Some(AttributeType::Int.into());
    AttributeProto { name: name.into(), i: Some(value as i64), kind, ..AttributeProto::default() }
}

fn integers(name: &str, values: &[usize]) -> AttributeProto {
    let ints = values.iter().map(|&value| value as i64).collect();
    AttributeProto {
        name: name.into(),
        ints,
        kind: Some(AttributeType::Ints.into()),
        ..AttributeProto::default()
    }
}

fn float(name: &str, value: f32) -> AttributeProto {
    let kind = Some(AttributeType::Float.into());
    AttributeProto { name: name.into(), f: Some(value), kind, ..AttributeProto::default() }
}
