//! The program: reads the command line and hands over to the window or the terminal.

use std::process::ExitCode;

use alexnet_lab::cli::{self, Cli, Request};
use clap::Parser;

fn main() -> ExitCode {
    quiet_drivers();
    // What TLS has to say about a server is part of our own message.
    let levels = "error,alexnet_lab=warn,rustls_platform_verifier=off";
    let filter = env_logger::Env::default().default_filter_or(levels);
    env_logger::Builder::from_env(filter).init();
    // Panics are caught where they can be told to the user; here only the place is kept for the log.
    std::panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    let cli = Cli::parse();
    let insists = cli.insists_on_window();
    match cli.run() {
        Request::Done(status) => status.into(),
        Request::Window => window(insists),
    }
}

/// Without this folder, which a session of a desktop provides, Mesa's layer that sorts graphics cards writes a line of
/// its own to standard error whenever they are listed. It is told to stay away, by a variable that it reads when it is
/// loaded; since that can safely be set for a new program only, this one begins again.
#[cfg(target_os = "linux")]
fn quiet_drivers() {
    use std::os::unix::process::CommandExt as _;
    const STAY_AWAY: &str = "NODEVICE_SELECT";
    let is_set = |name: &str| std::env::var_os(name).is_some();
    if is_set("XDG_RUNTIME_DIR") || is_set(STAY_AWAY) {
        return;
    }
    let mut arguments = std::env::args_os();
    if let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) {
        // Returns only if it fails, and then a line too many is no reason to end.
        let _ = std::process::Command::new(program).arg0(name).args(arguments).env(STAY_AWAY, "1").exec();
    }
}

#[cfg(not(target_os = "linux"))]
fn quiet_drivers() {}

/// Opens the window; without one, trains the sample in the terminal unless the window was asked for by name.
fn window(insists: bool) -> ExitCode {
    let Err(reason) = open_window() else { return ExitCode::SUCCESS };
    if insists {
        eprintln!("error: the window cannot be opened: {reason}");
        eprintln!("The terminal does the same: try `alexnet-lab train --data sample`.");
        return ExitCode::FAILURE;
    }
    eprintln!("The window cannot be opened: {reason}");
    eprintln!("Training the built-in sample in the terminal instead. Press Ctrl-C to stop and save.");
    cli::train_sample().into()
}

#[cfg(feature = "gui")]
fn open_window() -> Result<(), String> {
    if cfg!(target_os = "linux")
        && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none())
    {
        return Err("there is no display".into());
    }
    alexnet_lab::gui::run(alexnet_lab::config::RunConfig::default()).map_err(|e| e.to_string())
}

#[cfg(not(feature = "gui"))]
fn open_window() -> Result<(), String> {
    Err("this program was built without it".into())
}
