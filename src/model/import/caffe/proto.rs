//! The few messages of Caffe's `caffe.proto` that matter, by their field numbers there.
//!
//! Nested messages that a file could repeat without end are kept as bytes, which share the memory of the
//! file, and are decoded one by one after they have been counted.

use prost::Message;
use prost::bytes::Bytes;

/// A block of numbers. `shape` is a [`BlobShape`]; before 2014 the four numbers stood in its place.
#[derive(Clone, PartialEq, Message)]
pub struct BlobProto {
    #[prost(int64, optional, tag = "1")]
    pub num: Option<i64>,
    #[prost(int64, optional, tag = "2")]
    pub channels: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    pub height: Option<i64>,
    #[prost(int64, optional, tag = "4")]
    pub width: Option<i64>,
    #[prost(float, repeated, tag = "5")]
    pub data: Vec<f32>,
    #[prost(bytes = "bytes", optional, tag = "7")]
    pub shape: Option<Bytes>,
    #[prost(double, repeated, tag = "8")]
    pub double_data: Vec<f64>,
}

/// A [`BlobProto`] without its numbers.
#[derive(Clone, PartialEq, Message)]
pub struct BlobHead {
    #[prost(int64, optional, tag = "1")]
    pub num: Option<i64>,
    #[prost(int64, optional, tag = "2")]
    pub channels: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    pub height: Option<i64>,
    #[prost(int64, optional, tag = "4")]
    pub width: Option<i64>,
    #[prost(bytes = "bytes", optional, tag = "7")]
    pub shape: Option<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub struct BlobShape {
    #[prost(int64, repeated, tag = "1")]
    pub dim: Vec<i64>,
}

/// `LayerParameter`, field 100 of a net.
#[derive(Clone, PartialEq, Message)]
pub struct LayerParameter {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub kind: String,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub blobs: Vec<Bytes>,
    #[prost(message, optional, tag = "100")]
    pub transform: Option<Transformation>,
    #[prost(message, optional, tag = "106")]
    pub convolution: Option<Convolution>,
    #[prost(message, optional, tag = "108")]
    pub dropout: Option<DropoutParameter>,
    #[prost(message, optional, tag = "117")]
    pub inner_product: Option<InnerProduct>,
    #[prost(message, optional, tag = "118")]
    pub lrn: Option<LrnParameter>,
    #[prost(message, optional, tag = "121")]
    pub pooling: Option<PoolingParameter>,
    #[prost(message, optional, tag = "123")]
    pub relu: Option<ReluParameter>,
}

/// `V1LayerParameter`, field 2 of a net written before the end of 2014.
#[derive(Clone, PartialEq, Message)]
pub struct V1LayerParameter {
    /// `V0LayerParameter`, of early 2014 and before.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub older: Option<Bytes>,
    #[prost(string, tag = "4")]
    pub name: String,
    #[prost(int32, tag = "5")]
    pub kind: i32,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub blobs: Vec<Bytes>,
    #[prost(message, optional, tag = "10")]
    pub convolution: Option<Convolution>,
    #[prost(message, optional, tag = "12")]
    pub dropout: Option<DropoutParameter>,
    #[prost(message, optional, tag = "17")]
    pub inner_product: Option<InnerProduct>,
    #[prost(message, optional, tag = "18")]
    pub lrn: Option<LrnParameter>,
    #[prost(message, optional, tag = "19")]
    pub pooling: Option<PoolingParameter>,
    #[prost(message, optional, tag = "30")]
    pub relu: Option<ReluParameter>,
    #[prost(message, optional, tag = "36")]
    pub transform: Option<Transformation>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Transformation {
    #[prost(float, optional, tag = "1", default = "1.0")]
    pub scale: Option<f32>,
    #[prost(uint32, optional, tag = "3")]
    pub crop_size: Option<u32>,
    #[prost(string, optional, tag = "4")]
    pub mean_file: Option<String>,
    /// Blue, green, red, or one for all.
    #[prost(float, repeated, tag = "5")]
    pub mean_value: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Convolution {
    #[prost(bool, optional, tag = "2", default = "true")]
    pub bias_term: Option<bool>,
    #[prost(uint32, repeated, tag = "3")]
    pub pad: Vec<u32>,
    #[prost(uint32, repeated, tag = "4")]
    pub kernel_size: Vec<u32>,
    #[prost(uint32, optional, tag = "5", default = "1")]
    pub group: Option<u32>,
    #[prost(uint32, repeated, tag = "6")]
    pub stride: Vec<u32>,
    #[prost(uint32, optional, tag = "9")]
    pub pad_h: Option<u32>,
    #[prost(uint32, optional, tag = "10")]
    pub pad_w: Option<u32>,
    #[prost(uint32, optional, tag = "11")]
    pub kernel_h: Option<u32>,
    #[prost(uint32, optional, tag = "12")]
    pub kernel_w: Option<u32>,
    #[prost(uint32, optional, tag = "13")]
    pub stride_h: Option<u32>,
    #[prost(uint32, optional, tag = "14")]
    pub stride_w: Option<u32>,
    #[prost(uint32, repeated, tag = "18")]
    pub dilation: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct DropoutParameter {
    #[prost(float, optional, tag = "1", default = "0.5")]
    pub dropout_ratio: Option<f32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct InnerProduct {
    #[prost(bool, optional, tag = "2", default = "true")]
    pub bias_term: Option<bool>,
    #[prost(bool, optional, tag = "6")]
    pub transpose: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct LrnParameter {
    #[prost(uint32, optional, tag = "1", default = "5")]
    pub local_size: Option<u32>,
    #[prost(float, optional, tag = "2", default = "1.0")]
    pub alpha: Option<f32>,
    #[prost(float, optional, tag = "3", default = "0.75")]
    pub beta: Option<f32>,
    /// 0 across channels, 1 within one.
    #[prost(int32, optional, tag = "4")]
    pub norm_region: Option<i32>,
    #[prost(float, optional, tag = "5", default = "1.0")]
    pub k: Option<f32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PoolingParameter {
    /// 0 maximum, 1 average, 2 stochastic.
    #[prost(int32, optional, tag = "1")]
    pub pool: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    pub kernel_size: Option<u32>,
    #[prost(uint32, optional, tag = "3", default = "1")]
    pub stride: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    pub pad: Option<u32>,
    #[prost(uint32, optional, tag = "5")]
    pub kernel_h: Option<u32>,
    #[prost(uint32, optional, tag = "6")]
    pub kernel_w: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    pub stride_h: Option<u32>,
    #[prost(uint32, optional, tag = "8")]
    pub stride_w: Option<u32>,
    #[prost(uint32, optional, tag = "9")]
    pub pad_h: Option<u32>,
    #[prost(uint32, optional, tag = "10")]
    pub pad_w: Option<u32>,
    #[prost(bool, optional, tag = "12")]
    pub global_pooling: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ReluParameter {
    #[prost(float, optional, tag = "1")]
    pub negative_slope: Option<f32>,
}
