//! The integration tests, one binary: one module a subject.

mod data;
mod kernels;
mod model;
mod support;
mod train;
