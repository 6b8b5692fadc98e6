//! Trains on the built-in sample through the engine and prints the validation errors.
//!
//!     cargo run --release --example train -- [SOURCE]

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::{Command, Engine, Event};

fn main() -> anyhow::Result<()> {
    let mut config = RunConfig::default();
    if let Some(source) = std::env::args().nth(1) {
        config.data.source = source;
    }
    config.run.epochs = Some(3);

    let engine = Engine::spawn(|| {})?;
    engine.send(Command::Start(Box::new(config)));
    for event in engine.events() {
        match event {
            Event::Started(info) => println!("{} on {}: {}", info.model.name, info.device, info.data.layout),
            Event::Evaluation(point) => {
                println!("epoch {:.0}: top-1 error {:.1} %", point.epoch, point.top1_error * 100.0);
            }
            Event::Stopped(summary) => {
                println!("everything is in {}", summary.folder.display());
                break;
            }
            Event::Failed { message, .. } => anyhow::bail!(message),
            _ => {}
        }
    }
    Ok(())
}
