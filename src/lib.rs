//! AlexNet (Krizhevsky, Sutskever, Hinton 2012), trained and run on the graphics card people already have.
//!
//! The map of the crate, from the bottom up; a module uses only what stands above it, except that `cli` and
//! `gui` do not know each other:
//!
//! | module | subject |
//! |---|---|
//! | [`config`] | what a run is: data, model, update rule, length |
//! | [`device`] | which devices there are, which one is taken, and why |
//! | [`data`] | pictures: found, decoded once, dealt out in batches |
//! | [`kernels`] | our own operations in WGSL with their twins on the CPU |
//!
//! ```text
//! Dataset -> PictureStore -> Loader threads -> engine thread -- Event --> window or terminal
//!                                                  ^---------- Command -------'
//! ```

pub mod config;
pub mod data;
pub mod device;
pub mod kernels;
