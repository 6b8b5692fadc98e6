//! AlexNet (Krizhevsky, Sutskever, Hinton 2012), trained and run on the graphics card people already have.
//!
//! The map of the crate, from the bottom up; a module uses only what stands above it, except that `cli` and
//! `gui` do not know each other:
//!
//! | module | subject |
//! |---|---|
//! | [`words`] | numbers as people read them |
//! | `threads` | threads that compute let the window go first |
//! | `files` | files that are whole or absent, and locks between programs |
//! | [`config`] | what a run is: data, model, update rule, length |
//! | [`device`] | which devices there are, which one is taken, and why |
//! | [`data`] | pictures: downloaded, found, decoded once, dealt out in batches |
//! | [`kernels`] | our own operations in WGSL with their twins on the CPU |
//! | [`model`] | networks as data, their weights, their files |
//! | [`train`] | loss, gradient, the paper's update rule, errors |
//! | [`infer`] | from a picture to its most probable classes, and what the layers make of it |
//! | [`vis`] | curves, kernels, maps and overlays as pictures, from plain host data |
//! | [`engine`] | one thread that owns device, model and optimiser; commands in, events out |
//! | [`cli`] | the terminal |
//! | `gui` | the window (feature `gui`) |
//!
//! ```text
//! Dataset -> PictureStore -> Loader threads -> engine thread -- Event --> window or terminal
//!                                                  ^---------- Command -------'
//! ```

pub mod cli;
pub mod config;
pub mod data;
pub mod device;
pub mod engine;
mod files;
#[cfg(feature = "gui")]
pub mod gui;
pub mod infer;
pub mod kernels;
pub mod model;
mod threads;
pub mod train;
pub mod vis;
pub mod words;
