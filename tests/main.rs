//! The integration tests, one binary: one module a subject.

mod architecture;
mod cli;
mod data;
mod download;
mod engine;
#[cfg(feature = "gui")]
mod gui;
mod import;
mod infer;
mod kernels;
mod model;
mod mutator;
mod parity;
mod support;
mod tiny;
mod train;
mod untrusted;
mod web;
