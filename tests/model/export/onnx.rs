//! ONNX files: their structure, and that the comparison sees every difference.

use alexnet_lab::model::export::onnx::evaluate::{Tensor, Values, evaluate};
use alexnet_lab::model::export::onnx::proto::{AttributeProto, AttributeType, ModelProto};
use alexnet_lab::model::export::onnx::{build, decode, encode};
use alexnet_lab::model::export::{ExportFormat, compare, export};
use alexnet_lab::model::{LayerKind, ModelFile, ModelSpec, preset};
use tempfile::tempdir;

use super::{CLASSES, model, narrow, networks, saved};

#[test]
fn every_preset_and_variant_agrees_with_its_file() {
    let folder = tempdir().unwrap();
    for (name, spec) in networks(CLASSES) {
        let path = saved(&model(narrow(spec)), folder.path());
        let to = folder.path().join("out.onnx");
        let exported = export(&path, ExportFormat::Onnx, &to).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(exported.largest_difference < 1e-5, "{name}: {exported:?}");
        assert_eq!(exported.bytes, std::fs::metadata(&to).unwrap().len());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "a part file was left behind");
}

fn operators(model: &ModelProto) -> Vec<&str> {
    model.graph.as_ref().unwrap().node.iter().map(|node| node.op_type.as_str()).collect()
}

fn small(name: &str) -> ModelFile {
    model(narrow(preset(name).unwrap().standard(CLASSES)))
}

#[test]
fn the_papers_network_is_told_in_onnxs_own_operators() {
    let built = build(&small("alexnet")).unwrap();
    let lrn = ["Reshape", "LRN", "Reshape"];
    let expected = [
        &["Sub", "Mul", "Conv", "Relu"][..],
        &lrn,
        &["MaxPool", "Conv", "Relu"],
        &lrn,
        &["MaxPool", "Conv", "Relu", "Conv", "Relu", "Conv", "Relu", "MaxPool", "Flatten"],
        &["Gemm", "Relu", "Mul", "Gemm", "Relu", "Mul", "Gemm", "Softmax"],
    ];
    assert_eq!(operators(&built), expected.concat());
    let graph = built.graph.unwrap();
    let node = |name: &str| graph.node.iter().find(|node| node.name == name).unwrap();
    let attribute = |node: &str, name: &str| {
        node_attributes(&graph.node, node).into_iter().find(|a| a.name == name).unwrap()
    };
    // The author's three pixels at the bottom and on the right (top, left, bottom, right), two columns.
    assert_eq!(attribute("conv1", "pads").ints, [0, 0, 3, 3]);
    assert_eq!(attribute("conv2", "group").i, Some(2));
    // ONNX divides alpha by the size; the paper does not.
    assert!((attribute("lrn1.normalised", "alpha").f.unwrap() - 5e-4).abs() < 1e-9);
    assert_eq!(attribute("lrn1.normalised", "size").i, Some(5));
    assert_eq!(node("relu1").input, ["conv1"]);
    // Both columns of fc6 are one matrix.
    let fc6 = graph.initializer.iter().find(|t| t.name == "fc6.weight").unwrap();
    assert_eq!(fc6.dims.len(), 2);
    assert_eq!(fc6.raw_data.as_ref().unwrap().len(), 4 * (fc6.dims[0] * fc6.dims[1]) as usize);
}

fn node_attributes(
    nodes: &[alexnet_lab::model::export::onnx::proto::NodeProto],
    name: &str,
) -> Vec<AttributeProto> {
    nodes.iter().find(|node| node.name == name).unwrap().attribute.clone()
}

#[test]
fn windows_that_hang_over_the_edge_are_padded_there() {
    let graph = build(&small("cifar-80sec")).unwrap().graph.unwrap();
    for pool in ["pool1", "pool2", "pool3"] {
        let pads = node_attributes(&graph.node, pool).into_iter().find(|a| a.name == "pads").unwrap();
        assert_eq!(pads.ints, [0, 0, 1, 1], "{pool}");
    }
    let whole = node_attributes(&graph.node, "pool2").into_iter().find(|a| a.name == "count_include_pad");
    assert_eq!(whole.unwrap().i, Some(0), "the mean is over the pixels of the picture");
}

#[test]
fn files_say_how_to_feed_them() {
    let model = small("alexnet-64");
    let built = decode(&encode(&build(&model).unwrap())).unwrap();
    assert_eq!(built.opset_import[0].version, Some(17));
    let entry = |key: &str| {
        let found = built.metadata_props.iter().find(|entry| entry.key == key);
        found.unwrap_or_else(|| panic!("{key} is missing")).value.clone()
    };
    assert_eq!(entry("alexnet-lab.spec"), serde_json::to_string(&model.spec).unwrap());
    serde_json::from_str::<ModelSpec>(&entry("alexnet-lab.spec")).unwrap();
    let classes: Vec<String> = serde_json::from_str(&entry("alexnet-lab.classes")).unwrap();
    assert_eq!(classes, model.classes);
    let preprocessing: serde_json::Value = serde_json::from_str(&entry("alexnet-lab.preprocessing")).unwrap();
    assert_eq!(preprocessing["crop_side"], 64);
    assert_eq!(preprocessing["stored_side"], 72);
    assert_eq!(preprocessing["done_by_the_file"], true);
    let graph = built.graph.unwrap();
    let sizes = |info: &alexnet_lab::model::export::onnx::proto::ValueInfoProto| {
        let tensor = info.r#type.clone().unwrap().tensor_type.unwrap();
        let dims = tensor.shape.unwrap().dim.into_iter();
        dims.map(|d| d.dim_value.map_or_else(|| d.dim_param.unwrap(), |v| v.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&graph.input[0]), ["N", "3", "64", "64"]);
    assert_eq!(sizes(&graph.output[0]), ["N", "5"]);
    let names: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["logits", "probabilities"]);
}

/// Each of these files is a valid model, but not this network.
#[test]
fn a_file_that_computes_something_else_is_noticed() {
    let model = small("alexnet-64");
    let good = build(&model).unwrap();
    let difference = |changed: &ModelProto| compare(&model, ExportFormat::Onnx, &encode(changed));
    assert!(difference(&good).unwrap() < 1e-5);
    let change = |node: &str, attribute: &str, apply: fn(&mut AttributeProto)| {
        let mut changed = good.clone();
        let nodes = &mut changed.graph.as_mut().unwrap().node;
        let node = nodes.iter_mut().find(|n| n.name == node).unwrap();
        apply(node.attribute.iter_mut().find(|a| a.name == attribute).unwrap());
        difference(&changed)
    };
    assert!(change("lrn1.normalised", "alpha", |a| a.f = a.f.map(|f| f / 5.0)).unwrap() > 1e-4);
    assert!(change("lrn1.normalised", "bias", |a| a.f = Some(1.0)).unwrap() > 1e-4);
    assert!(change("conv1", "pads", |a| a.ints = vec![2, 2, 4, 4]).unwrap() > 1e-4);
    // Columns that do not exist: the weights no longer fit.
    assert!(change("conv2", "group", |a| a.i = Some(1)).is_err());
    let mut swapped = good.clone();
    let weight = |c: &mut ModelProto| {
        let constants = &mut c.graph.as_mut().unwrap().initializer;
        let tensor = constants.iter_mut().find(|t| t.name == "conv3.weight").unwrap();
        tensor.raw_data.as_mut().unwrap().rotate_left(4);
    };
    weight(&mut swapped);
    assert!(difference(&swapped).unwrap() > 1e-4);
    let mut without_dropout = good.clone();
    let nodes = &mut without_dropout.graph.as_mut().unwrap().node;
    let at = nodes.iter().position(|n| n.name == "dropout6").unwrap();
    nodes[at].op_type = "Add".into();
    assert!(difference(&without_dropout).unwrap() > 1e-4);
}

#[test]
fn the_evaluator_ignores_nothing() {
    let good = build(&small("cifar-80sec")).unwrap();
    let fault = |change: fn(&mut ModelProto)| {
        let mut model = good.clone();
        change(&mut model);
        let pixels = Tensor::floats(vec![1, 3, 32, 32], vec![0.0; 3 * 32 * 32]);
        evaluate(&model, pixels).unwrap_err()
    };
    let message = fault(|m| m.graph.as_mut().unwrap().node[0].op_type = "Einsum".into());
    assert!(message.contains("Einsum") && message.contains("not known"), "{message}");
    let message = fault(|m| {
        let kind = Some(AttributeType::Int.into());
        let attribute = AttributeProto { name: "dilated".into(), i: Some(1), kind, ..Default::default() };
        m.graph.as_mut().unwrap().node[0].attribute.push(attribute);
    });
    assert!(message.contains("dilated"), "{message}");
    let message = fault(|m| m.graph.as_mut().unwrap().node.swap(2, 3));
    assert!(message.contains("before its inputs"), "{message}");
    let message = fault(|m| {
        m.graph.as_mut().unwrap().initializer[0].raw_data.as_mut().unwrap().pop();
    });
    assert!(message.contains("does not fill"), "{message}");
    let empty = evaluate(&good, Tensor::floats(vec![1, 3, 16, 16], vec![0.0; 3 * 16 * 16]));
    assert!(empty.is_err(), "a picture of another size must not pass");
}

/// Layers that have the names of the graph's own values still make a graph whose names are unique.
#[test]
fn names_are_made_unique() {
    let mut model = small("cifar-80sec");
    let own = ["logits", "probabilities", "pixels"];
    let layers = model.spec.layers.iter_mut().filter(|layer| layer.kind == LayerKind::Relu);
    for (layer, name) in layers.zip(own) {
        layer.name = name.into();
    }
    let built = build(&model).unwrap();
    let graph = built.graph.as_ref().unwrap();
    let mut names: Vec<&String> = graph.node.iter().flat_map(|node| &node.output).collect();
    names.extend(graph.initializer.iter().map(|t| &t.name));
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(compare(&model, ExportFormat::Onnx, &encode(&built)).unwrap() < 1e-5);
}

#[test]
fn any_number_of_pictures_can_be_asked_about() {
    let built = build(&small("cifar-80sec")).unwrap();
    let picture = super::noise(3 * 32 * 32, 5, 100.0);
    let ask = |n: usize| {
        let outputs = evaluate(&built, Tensor::floats(vec![n, 3, 32, 32], picture.repeat(n))).unwrap();
        let Values::Floats(logits) = &outputs[0].values else { panic!("floats") };
        assert_eq!(outputs[0].shape, [n, CLASSES]);
        logits.clone()
    };
    assert_eq!(ask(4), ask(1).repeat(4));
}
