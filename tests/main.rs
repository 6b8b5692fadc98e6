//! The integration tests, one binary: one module a subject.

mod cli;
mod data;
mod engine;
mod kernels;
mod model;
mod support;
mod train;
