//! Runs as one page that can be sent to somebody: figures, settings, curves and first-layer kernels in a single HTML
//! file that loads nothing from anywhere and runs no script.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::film::newest_kernels;
use super::runs::{RunRecord, differences};
use crate::model::replace_file;
use crate::vis::{self, History};
use crate::words::count;

/// A report that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("a report needs at least one run")]
    NoRuns,
    #[error("the curves could not be drawn: {0}")]
    Drawing(String),
    #[error("cannot write `{path}`: {reason}; choose another place, or make room there")]
    Write { path: PathBuf, reason: io::Error },
}

/// Writes a report of some runs to `path`, in place of an older one.
///
/// # Errors
/// No runs, or a file that cannot be written.
pub fn write_report(runs: &[RunRecord], path: &Path) -> Result<(), ReportError> {
    let page = page(runs)?;
    let written = replace_file(path, |part| fs::write(part, page), |reason| reason);
    written.map_err(|reason| ReportError::Write { path: path.to_owned(), reason })
}

/// The page as HTML.
fn page(runs: &[RunRecord]) -> Result<String, ReportError> {
    let title = match runs {
        [] => return Err(ReportError::NoRuns),
        [run] => run.name(),
        runs => format!("{} runs compared", runs.len()),
    };
    let title = escaped(&title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    results(&mut page, runs);
    curves(&mut page, runs)?;
    if runs.len() > 1 {
        settings_that_differ(&mut page, runs);
    }
    for run in runs {
        kernels(&mut page, run);
    }
    for run in runs {
        all_settings(&mut page, run);
    }
    let version = env!("CARGO_PKG_VERSION");
    push(&mut page, &format!("<footer>Made by AlexNet Lab {version}.</footer>\n</body>\n</html>"));
    Ok(page)
}

const STYLE: &str = "\
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f26; background: #fff; max-width: 62rem; margin: 2rem auto; \
padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #dadee4; vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; }
th, .k { white-space: nowrap; }
.best { font-weight: 600; }
svg { max-width: 100%; height: auto; display: block; }
img { image-rendering: pixelated; max-width: 100%; border: 1px solid #dadee4; }
code, td.s { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
summary { cursor: pointer; }
footer { color: #5c6470; margin: 3rem 0 1rem; border-top: 1px solid #dadee4; padding-top: .6rem; }
";

/// A row for each run, with the lowest error pointed out.
fn results(page: &mut String, runs: &[RunRecord]) {
    push(
        page,
        "<h2>Results</h2>\n<div class=\"wide\"><table>\n<tr><th>run</th><th>network</th><th>pictures</th>",
    );
    push(
        page,
        "<th class=\"n\">updates</th><th class=\"n\">best top-1 error</th><th class=\"n\">in epoch</th>",
    );
    push(page, "<th class=\"n\">last top-1 error</th><th class=\"n\">last top-5 error</th></tr>");
    let best = |run: &RunRecord| run.history.best().map(|point| point.top1_error);
    let lowest = runs.iter().filter_map(best).fold(f64::INFINITY, f64::min);
    let percent = |share: Option<f64>| share.map_or("–".into(), |share| format!("{:.2} %", share * 100.0));
    for run in runs {
        let history = &run.history;
        let is_best = runs.len() > 1 && best(run) == Some(lowest);
        let model = run.config.model.preset.as_deref().unwrap_or("–");
        let epoch = history.best().map_or("–".into(), |point| format!("{:.1}", point.epoch));
        let figures = [
            count(run.steps()),
            percent(best(run)),
            epoch,
            percent(history.evaluations.last().map(|point| point.top1_error)),
            percent(history.evaluations.last().map(|point| point.top5_error)),
        ];
        let row = if is_best { "<tr class=\"best\">" } else { "<tr>" };
        let names = [&run.name(), model, &run.config.data.source]
            .map(|text| format!("<td class=\"k\">{}</td>", escaped(text)));
        let figures = figures.map(|text| format!("<td class=\"n\">{text}</td>"));
        push(page, &format!("{row}{}{}</tr>", names.concat(), figures.concat()));
    }
    push(page, "</table></div>\n<p>Errors are of the validation pictures.</p>");
}

fn curves(page: &mut String, runs: &[RunRecord]) -> Result<(), ReportError> {
    let named: Vec<(String, &History)> = runs.iter().map(|run| (run.name(), &run.history)).collect();
    push(page, "<h2>Curves</h2>");
    push(page, &vis::error_svg(&named).map_err(ReportError::Drawing)?);
    // Of five classes or fewer it is 0 throughout.
    let says_something = |run: &RunRecord| run.history.evaluations.iter().any(|point| point.top5_error > 0.0);
    if runs.iter().any(says_something) {
        push(page, &vis::top5_svg(&named).map_err(ReportError::Drawing)?);
    }
    push(page, &vis::loss_svg(&named).map_err(ReportError::Drawing)?);
    Ok(())
}

fn settings_that_differ(page: &mut String, runs: &[RunRecord]) {
    let settings: Vec<_> = runs.iter().map(RunRecord::settings).collect();
    let found = differences(&settings);
    push(page, "<h2>Settings that differ</h2>");
    if found.is_empty() {
        push(page, "<p>None.</p>");
        return;
    }
    let names: String = runs.iter().map(|run| format!("<th>{}</th>", escaped(&run.name()))).collect();
    push(page, &format!("<div class=\"wide\"><table>\n<tr><th>setting</th>{names}</tr>"));
    for difference in found {
        let cell = |value: &Option<String>| {
            format!("<td class=\"s\">{}</td>", escaped(value.as_deref().unwrap_or("–")))
        };
        let values: String = difference.values.iter().map(cell).collect();
        push(page, &format!("<tr><td class=\"s k\">{}</td>{values}</tr>", escaped(&difference.setting)));
    }
    push(page, "</table></div>");
}

/// The first-layer kernels, if the run has left a picture of them that can be read, or a film.
fn kernels(page: &mut String, run: &RunRecord) {
    let picture = run.filters.as_ref().and_then(|path| fs::read(path).ok());
    let of_film = || vis::filters_png(&newest_kernels(&run.folder)?, vis::Scale::Column).ok();
    let Some(bytes) = picture.or_else(of_film) else { return };
    let name = escaped(&run.name());
    push(page, &format!("<h2>First-layer kernels of {name}</h2>"));
    let picture = STANDARD.encode(bytes);
    push(
        page,
        &format!("<img alt=\"The first-layer kernels of {name}\" src=\"data:image/png;base64,{picture}\">"),
    );
}

fn all_settings(page: &mut String, run: &RunRecord) {
    push(page, &format!("<details><summary>All settings of {}</summary>", escaped(&run.name())));
    if let Some(parent) = &run.parent {
        let parent = escaped(&parent.display().to_string());
        push(page, &format!("<p>Branched off from <code>{parent}</code>.</p>"));
    }
    push(page, "<div class=\"wide\"><table>");
    for (name, value) in run.config.settings() {
        let (name, value) = (escaped(&name), escaped(&value));
        push(page, &format!("<tr><td class=\"s k\">{name}</td><td class=\"s\">{value}</td></tr>"));
    }
    push(page, "</table></div></details>");
}

fn push(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("a string takes every line");
}

/// Text as it stands in HTML, also inside of quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(escaped("<b a=\"1\">&'"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
    }
}
