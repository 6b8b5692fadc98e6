//! From the bytes of a `.caffemodel` to its layers, in today's and in the older form.

use prost::Message;
use prost::bytes::{Buf, Bytes};

use super::proto::{
    Convolution, DropoutParameter, InnerProduct, LayerParameter, LrnParameter, PoolingParameter,
    ReluParameter, Transformation, V1LayerParameter,
};

/// More layers, and more blocks of numbers a layer, than any network has.
const MAX_LAYERS: usize = 4096;
const MAX_BLOBS: usize = 64;

/// Field numbers of `NetParameter`.
const NAME: u64 = 1;
const V1_LAYERS: u64 = 2;
const INPUT: u64 = 3;
const LAYER: u64 = 100;

/// A network as Caffe wrote it.
pub(super) struct Net {
    pub layers: Vec<Layer>,
    older_form: bool,
}

/// A layer with its settings, where it has any, and its numbers, not yet decoded.
#[derive(Clone, Default)]
pub(super) struct Layer {
    pub name: String,
    pub kind: Kind,
    /// Messages `BlobProto`.
    pub blobs: Vec<Bytes>,
    pub convolution: Option<Convolution>,
    pub dropout: Option<DropoutParameter>,
    pub inner_product: Option<InnerProduct>,
    pub lrn: Option<LrnParameter>,
    pub pooling: Option<PoolingParameter>,
    pub relu: Option<ReluParameter>,
    pub transform: Option<Transformation>,
}

/// What a layer does, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Convolution,
    InnerProduct,
    Relu,
    Lrn,
    Pooling,
    Dropout,
    /// Brings data in or measures what comes out.
    #[default]
    Aside,
    /// Something an AlexNet does not have.
    Other(String),
}

impl Net {
    /// The form of the file, for a sentence.
    pub fn form(&self) -> &'static str {
        if self.older_form { "older form, V1 layers" } else { "today's form" }
    }
}

/// Whether the first field can be one of a net.
pub(super) fn begins_plausibly(head: &[u8]) -> bool {
    let mut rest = head;
    let Some((tag, 2)) = varint(&mut rest).map(|key| (key >> 3, key & 7)) else { return false };
    let Some(length) = varint(&mut rest) else { return false };
    match tag {
        // A name is short, and another field of a net follows it.
        NAME | INPUT if length < 200 && (length as usize) < rest.len() => {
            let (name, mut rest) = rest.split_at(length as usize);
            let next = varint(&mut rest).map(|key| key >> 3);
            std::str::from_utf8(name).is_ok()
                && next.is_some_and(|tag| (2..=8).contains(&tag) || tag == LAYER)
        }
        V1_LAYERS | LAYER => length > 0,
        _ => false,
    }
}

/// Reads the layers of a net.
///
/// # Errors
/// A damaged file, or one of a form that is too old.
pub(super) fn read(bytes: Bytes) -> Result<Net, String> {
    let damaged = |reason: String| format!("the Caffe model is cut short or damaged ({reason})");
    let mut net = Net { layers: Vec::new(), older_form: false };
    for field in fields(&bytes) {
        let (tag, message) = field.map_err(&damaged)?;
        let Some(message) = message.filter(|_| tag == V1_LAYERS || tag == LAYER) else { continue };
        if net.layers.len() == MAX_LAYERS {
            return Err(format!("it has more than {MAX_LAYERS} layers"));
        }
        let blob_tag = if tag == LAYER { 7 } else { 6 };
        let mut blobs = 0;
        for field in fields(&message) {
            blobs += usize::from(field.map_err(&damaged)?.0 == blob_tag);
        }
        if blobs > MAX_BLOBS {
            return Err(format!("a layer holds more than {MAX_BLOBS} blocks of numbers"));
        }
        let undecoded = |e: prost::DecodeError| damaged(e.to_string());
        let layer = if tag == LAYER {
            LayerParameter::decode(message).map_err(undecoded)?.into()
        } else {
            net.older_form = true;
            let layer = V1LayerParameter::decode(message).map_err(undecoded)?;
            if layer.older.is_some() {
                return Err("it is in a form that Caffe gave up in 2014; upgrade it with Caffe's tool \
                            upgrade_net_proto_binary"
                    .into());
            }
            layer.into()
        };
        net.layers.push(layer);
    }
    if net.layers.is_empty() { Err(damaged("it has no layers".into())) } else { Ok(net) }
}

/// The fields of a message: number, and content where it has a length.
fn fields(message: &Bytes) -> impl Iterator<Item = Result<(u64, Option<Bytes>), String>> {
    let mut rest = message.clone();
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || rest.is_empty() {
            return None;
        }
        let field = next_field(&mut rest).ok_or_else(|| "a field does not end".to_owned());
        failed = field.is_err();
        Some(field)
    })
}

fn next_field(rest: &mut Bytes) -> Option<(u64, Option<Bytes>)> {
    let mut slice: &[u8] = rest;
    let key = varint(&mut slice)?;
    let length = match key & 7 {
        0 => {
            varint(&mut slice)?;
            0
        }
        1 => 8,
        2 => usize::try_from(varint(&mut slice)?).ok()?,
        5 => 4,
        // Groups are older than Caffe.
        _ => return None,
    };
    let start = rest.len() - slice.len();
    if length > slice.len() {
        return None;
    }
    rest.advance(start);
    let content = rest.split_to(length);
    Some((key >> 3, (key & 7 == 2).then_some(content)))
}

/// Base-128 number with the low digits first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

impl From<LayerParameter> for Layer {
    fn from(layer: LayerParameter) -> Self {
        let kind = match layer.kind.as_str() {
            "Convolution" => Kind::Convolution,
            "InnerProduct" => Kind::InnerProduct,
            "ReLU" => Kind::Relu,
            "LRN" => Kind::Lrn,
            "Pooling" => Kind::Pooling,
            "Dropout" => Kind::Dropout,
            "Data"
            | "ImageData"
            | "Input"
            | "HDF5Data"
            | "MemoryData"
            | "DummyData"
            | "WindowData"
            | "Python"
            | "Softmax"
            | "SoftmaxWithLoss"
            | "Accuracy"
            | "Silence"
            | "Split"
            | "Flatten"
            | "MultinomialLogisticLoss"
            | "InfogainLoss"
            | "" => Kind::Aside,
            other => Kind::Other(other.into()),
        };
        let LayerParameter {
            name,
            blobs,
            convolution,
            dropout,
            inner_product,
            lrn,
            pooling,
            relu,
            transform,
            ..
        } = layer;
        Self { name, kind, blobs, convolution, dropout, inner_product, lrn, pooling, relu, transform }
    }
}

impl From<V1LayerParameter> for Layer {
    fn from(layer: V1LayerParameter) -> Self {
        // The numbers of `V1LayerParameter.LayerType`.
        let kind = match layer.kind {
            4 => Kind::Convolution,
            14 => Kind::InnerProduct,
            18 => Kind::Relu,
            15 => Kind::Lrn,
            17 => Kind::Pooling,
            6 => Kind::Dropout,
            0 | 1 | 5 | 8 | 9 | 12 | 13 | 16 | 20 | 21 | 22 | 24 | 29 | 32 | 36 => Kind::Aside,
            other => Kind::Other(format!("number {other}")),
        };
        let V1LayerParameter {
            name,
            blobs,
            convolution,
            dropout,
            inner_product,
            lrn,
            pooling,
            relu,
            transform,
            ..
        } = layer;
        Self { name, kind, blobs, convolution, dropout, inner_product, lrn, pooling, relu, transform }
    }
}
