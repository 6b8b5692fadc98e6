//! Specs, shapes, weights and files of networks.

mod chance;
mod export;
mod file;
mod input;
pub mod network;
mod presets;
mod variants;
mod weights;
