//! The panels of the window. Each is a function `thing_ui(ui, &State, ..)` that draws what it reads and pushes
//! [`Action`](super::Action)s; none of them talks to the engine.

pub mod controls;
pub mod curves;
pub mod data;
pub mod download;
pub mod filters;
mod input;
pub mod network;
pub mod notices;
pub mod predict;
mod rate;
mod search;
pub mod shortcuts;
pub mod status;
pub mod tabs;
pub mod top;
mod variants;
