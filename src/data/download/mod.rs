//! Downloads of known data sets that survive broken connections, and never take a part for the whole.
//!
//! ```text
//! fetch (a set) -> transfer (a file, its addresses, its attempts) -> http (one request on a thread of its own)
//!                      `-> part (NAME.part, what it belongs to, its running sum)
//! ```
//! The thread that talks to the server holds nothing but a socket; the caller's thread owns the files and looks
//! every few hundredths of a second whether it shall stop, so that even a server that says nothing cannot hold
//! it up. The files of a set get their names together, after every sum was found right.

mod error;
mod fetch;
mod http;
mod part;
mod progress;
mod proxy;
mod redirect;
mod settings;
mod transfer;

pub use error::DownloadError;
pub use fetch::fetch;
pub use progress::{Meter, Progress};
pub use proxy::{ProxyChoice, proxy_for};
pub use redirect::redirect_target;
pub use settings::DownloadSettings;
