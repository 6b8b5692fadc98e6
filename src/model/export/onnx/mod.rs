//! A network as an ONNX file, and what such a file computes.
//!
//! ```text
//! ModelFile -> graph (one node or a few a layer) -> ModelProto -> bytes -> ModelProto -> evaluate
//! ```
//! The graph takes raw pixels, `pixels` `[N, 3, side, side]` in 0 to 255, so that nobody can pair the weights
//! with another mean or scale, and gives `logits` and `probabilities`, both `[N, classes]`.

pub mod evaluate;
mod graph;
pub mod proto;

use prost::Message;

use self::proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use super::ExportError;
use super::description;
use crate::model::file::ModelFile;

/// Version of the operators. 17 is the first that every program still in use reads.
pub const OPSET: i64 = 17;
/// Version of the file format that came with that opset.
const IR_VERSION: i64 = 8;
/// The graph's input and outputs.
pub const PIXELS: &str = "pixels";
pub const LOGITS: &str = "logits";
pub const PROBABILITIES: &str = "probabilities";

/// The network as an ONNX model.
///
/// # Errors
/// A layer that ONNX has no operators for.
pub fn build(model: &ModelFile) -> Result<ModelProto, ExportError> {
    let spec = &model.spec;
    let side = spec.input.side;
    let entry = |(key, value): (&str, String)| StringStringEntryProto { key: key.into(), value };
    Ok(ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: env!("CARGO_PKG_NAME").into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!(
            "{}. Input `{PIXELS}`: RGB pixels of 0 to 255 as floats, [N, 3, {side}, {side}]. Mean subtraction \
             and scaling are part of the graph. Outputs: `{LOGITS}` and `{PROBABILITIES}`, [N, {}].",
            spec.name,
            model.classes.len()
        ),
        graph: Some(graph::build(model)?),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        metadata_props: description::common(model, description::Mean::InGraph)
            .into_iter()
            .map(entry)
            .collect(),
    })
}

/// The bytes of a file.
pub fn encode(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The model in a file's bytes.
///
/// # Errors
/// Bytes that are no ONNX model.
pub fn decode(bytes: &[u8]) -> Result<ModelProto, String> {
    ModelProto::decode(bytes).map_err(|e| format!("it cannot be read back ({e})"))
}
