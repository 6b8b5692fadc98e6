//! An evaluation as tables of comma-separated values: classes, confusions, pictures.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::model::replace_file;
use crate::vis::Evaluation;
use crate::words::quoted;

/// A table that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`: {reason}; choose another folder, or make room there")]
pub struct TableError {
    /// The table, or the folder that cannot be made.
    pub path: PathBuf,
    pub reason: io::Error,
}

/// Writes `classes.csv`, `confusion.csv` and `pictures.csv` into a folder, which is made if it is not there, and
/// returns their paths. Older ones are replaced.
///
/// # Errors
/// The folder or a file cannot be written.
pub fn write_evaluation(evaluation: &Evaluation, folder: &Path) -> Result<Vec<PathBuf>, TableError> {
    fs::create_dir_all(folder).map_err(|reason| TableError { path: folder.to_owned(), reason })?;
    let tables = [
        ("classes.csv", class_table(evaluation)),
        ("confusion.csv", confusion_table(evaluation)),
        ("pictures.csv", picture_table(evaluation)),
    ];
    tables
        .into_iter()
        .map(|(name, text)| {
            let path = folder.join(name);
            let written = replace_file(&path, |part| fs::write(part, text), |reason| reason);
            written.map(|()| path.clone()).map_err(|reason| TableError { path, reason })
        })
        .collect()
}

/// A row for each class. A figure that cannot be told, for want of pictures, is empty.
fn class_table(evaluation: &Evaluation) -> String {
    let mut table =
        "class,pictures,right,top1_error,top5_error,precision,recall,mistaken_for,times\n".to_owned();
    let figure = |value: Option<f64>| value.map(|value| format!("{value:.6}")).unwrap_or_default();
    for (class, result) in evaluation.classes.iter().zip(evaluation.class_results()) {
        let (other, times) = match result.mistaken_for {
            Some((other, times)) => (quoted(&evaluation.classes[other as usize]), times.to_string()),
            None => Default::default(),
        };
        let errors = [result.top1_error(), result.top5_error(), result.precision(), result.recall()];
        let errors = errors.map(figure).join(",");
        let (pictures, right) = (result.pictures, result.right);
        line(&mut table, &format!("{},{pictures},{right},{errors},{other},{times}", quoted(class)));
    }
    table
}

/// A row for each true class, a column for each predicted one.
fn confusion_table(evaluation: &Evaluation) -> String {
    let classes = evaluation.classes.len();
    let names: Vec<String> = evaluation.classes.iter().map(|class| quoted(class)).collect();
    let mut table = format!("\"true class\",{}\n", names.join(","));
    for (name, row) in names.iter().zip(evaluation.confusion().chunks_exact(classes)) {
        let row: Vec<String> = row.iter().map(u32::to_string).collect();
        line(&mut table, &format!("{name},{}", row.join(",")));
    }
    table
}

/// Reads a `confusion.csv`: the classes, and how many pictures of each (rows) were taken for each (columns).
///
/// # Errors
/// A file that cannot be read or is no such table, by its path.
pub fn read_confusion(path: &Path) -> Result<(Vec<String>, Vec<u32>), String> {
    let text = fs::read_to_string(path).map_err(|e| format!("`{}` cannot be read: {e}", path.display()))?;
    confusion_of(&text).ok_or_else(|| {
        format!(
            "`{}` is no table of confusions; make it again with `alexnet-lab eval --tables`",
            path.display()
        )
    })
}

fn confusion_of(text: &str) -> Option<(Vec<String>, Vec<u32>)> {
    // A class name in quotes may hold line breaks, so that lines alone tell nothing.
    let fields = fields(text);
    let (titles, rows) = fields.split_first()?;
    let classes = titles.get(1..).filter(|classes| !classes.is_empty())?.to_vec();
    let mut counts = Vec::new();
    if rows.len() != classes.len() {
        return None;
    }
    for (row, class) in rows.iter().zip(&classes) {
        let (name, numbers) = row.split_first()?;
        let numbers: Option<Vec<u32>> = numbers.iter().map(|number| number.parse().ok()).collect();
        counts.extend(numbers.filter(|numbers| name == class && numbers.len() == classes.len())?);
    }
    Some((classes, counts))
}

/// The fields of comma-separated values, row by row.
fn fields(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                field.push('"');
                letters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            letter => field.push(letter),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

/// A row for each picture, with its most probable classes.
fn picture_table(evaluation: &Evaluation) -> String {
    let kept = evaluation.classes.len().min(5);
    let columns: Vec<String> = (1..=kept).map(|place| format!("class_{place},probability_{place}")).collect();
    let mut table = format!("picture,true_class,rank,probability,{}\n", columns.join(","));
    for (index, verdict) in evaluation.verdicts().iter().enumerate() {
        let name = |class: u32| quoted(&evaluation.classes[class as usize]);
        let top: Vec<String> =
            evaluation.top(index).iter().map(|&(class, p)| format!("{},{p:.6}", name(class))).collect();
        let (rank, probability) = (verdict.rank + 1, verdict.probability);
        let own = name(verdict.label);
        let picture = quoted(evaluation.name(index));
        line(&mut table, &format!("{picture},{own},{rank},{probability:.6},{}", top.join(",")));
    }
    table
}

fn line(table: &mut String, row: &str) {
    writeln!(table, "{row}").expect("a string takes every line");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_confusions_is_read_as_it_was_written() {
        let classes = ["a \"dog\", large", "owl\nat night", "cat"].map(str::to_owned).to_vec();
        let mut found = Evaluation::new("pets".into(), 1, classes.clone());
        for (label, best) in [(0, 0), (0, 2), (1, 1), (2, 1), (2, 1)] {
            let mut scores = [0.0; 3];
            scores[best] = 1.0;
            found.add("p".into(), 0, label, &scores);
        }
        let table = confusion_table(&found);
        assert_eq!(confusion_of(&table), Some((classes, found.confusion())));
        assert_eq!(
            confusion_of(&table.replace('\n', "\r\n")).map(|(_, counts)| counts),
            Some(found.confusion())
        );
        for wrong in ["", "a,b\n", "\"true class\",\"a\"\n\"b\",1\n", &table[..table.len() - 3]] {
            assert_eq!(confusion_of(wrong), None, "{wrong:?}");
        }
    }
}
