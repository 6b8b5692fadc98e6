//! Specs, shapes, weights and files of networks.

mod chance;
mod file;
mod input;
pub mod network;
mod presets;
mod variants;
mod weights;
