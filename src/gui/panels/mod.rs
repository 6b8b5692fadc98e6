//! The panels of the window. Each is a function `thing_ui(ui, &State, ..)` that draws what it reads and pushes
//! [`Action`](super::Action)s; none of them talks to the engine.

pub mod branch;
pub mod closing;
pub mod compare;
pub mod controls;
mod corrections;
pub mod curves;
pub mod data;
pub mod diagnosis;
mod diagram;
pub mod download;
pub mod evaluate;
pub mod film;
pub mod filters;
mod input;
mod layer_table;
pub mod layers;
pub mod model;
pub mod network;
pub mod notices;
mod plot;
pub mod predict;
mod rate;
mod readings;
mod search;
pub mod shortcuts;
pub mod status;
pub mod tabs;
mod timeline;
pub mod top;
mod variants;
