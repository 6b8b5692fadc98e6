//! Figures of a run and of its first layer: kernels as in the paper's Figure 3, their film, curves.

use super::maker::Maker;
use crate::cli::output::Status;
use crate::engine;
use crate::vis::{self, Scale};

/// The first layer's kernels as pixels and as a drawing.
pub(super) fn kernels(maker: &mut Maker) -> Result<(), Status> {
    let Some(grid) = maker.filters.take() else {
        return maker.left_out(false, "kernels are", "the network does not begin with a convolution");
    };
    let path = maker.path("filters.png");
    maker.told("first-layer kernels", &path, vis::write_filters(&grid, Scale::Column, &path))?;
    let path = maker.path("filters.svg");
    maker.told("first-layer kernels", &path, vis::write_filters_svg(&grid, Scale::Column, &path))
}

/// What only a run has.
pub(super) fn curves_and_film(maker: &mut Maker) -> Result<(), Status> {
    let Some(run) = maker.run.clone() else { return Ok(()) };
    match engine::film(&run.folder) {
        Ok(frames) if frames.len() > 1 => {
            let path = maker.path("film.gif");
            maker.told("film of the kernels", &path, vis::write_film(&frames, Scale::Column, &path))?;
        }
        Ok(_) => {}
        Err(reason) => maker.left_out(false, "the film is", &reason)?,
    }
    if run.history.steps.is_empty() {
        return Ok(());
    }
    let title = format!("{} on {}", maker.model.name, run.config.data.source);
    let path = maker.path("curves.png");
    maker.told("curves", &path, vis::write_curves(&run.history, &title, &path))?;
    let named = [(run.name(), &run.history)];
    let drawings = [("loss.svg", vis::loss_svg(&named)), ("error.svg", vis::error_svg(&named))];
    for (name, drawing) in drawings {
        let path = maker.path(name);
        let text =
            drawing.map_err(|reason| maker.bad_input(&format!("the curves cannot be drawn: {reason}")))?;
        maker.write("curves", &path, &text)?;
    }
    Ok(())
}
