//! Specs, shapes, weights and files of networks.

mod file;
pub mod network;
mod presets;
mod variants;
mod weights;
