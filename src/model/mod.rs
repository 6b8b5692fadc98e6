//! Networks as data: a [`ModelSpec`] lists the layers; presets, summaries, weights and files follow from it.
//!
//! ```text
//! presets + Variants -> ModelSpec -> shapes -> Network (weights on a device) <-> ModelFile (weights on disk)
//!                                             PyTorch, Caffe -> import -> ModelFile -> export -> PyTorch, ONNX
//! ```

mod blocks;
mod bounds;
mod dropout;
pub mod export;
mod field;
mod file;
mod fine_tune;
mod held;
mod hidden;
mod import;
mod init;
mod input;
mod layer;
mod network;
mod presets;
mod shapes;
mod spec;
mod variants;
mod walk;

pub use crate::kernels::{Crop, HostValues, to_host};
pub use bounds::plain;
pub use dropout::{DropoutError, convert_dropout};
pub use field::Field;
pub use file::{ModelFile, ModelFileError, is_same_file, replace as replace_file};
pub use fine_tune::FineTune;
pub use held::Held;
pub use hidden::Hidden;
pub use import::{ImportError, ImportOptions, Imported, import};
pub use init::first_weights;
pub use input::Input;
pub use layer::{DropoutSeed, Flow, Mode};
pub use network::{ConvKernels, FirstKernels, Network, Pass};
pub use presets::{Family, PRESETS, Preset, Recipe, SpecError, UnknownPreset, fitting_preset, preset};
pub use shapes::{LayerShape, MapShape, ParameterRole, ParameterShape, ShapeError, Shapes};
pub use spec::{InitSpec, InputSpec, LayerKind, LayerSpec, ModelSpec, Sides};
pub use variants::{VariantError, Variants, middle_convolutions};
