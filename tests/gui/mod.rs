//! The window without a window: its state, its settings, and its panels driven by label.

mod compare;
mod corrections;
mod curves;
mod data;
mod download;
mod draft;
mod evaluate;
mod film;
mod format;
mod incoming;
mod input;
mod kernels;
mod layers;
mod lesson;
mod panels;
mod predict;
mod rate;
mod resume;
mod rig;
mod snapshots;
mod state;
mod train;
mod variants;
mod window;
mod workspace;
