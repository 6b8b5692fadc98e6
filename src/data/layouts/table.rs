//! Tables of text as people make them: commas, semicolons, tabs or spaces, with or without a header.

/// Names a header may give the column of pictures.
const PATH_NAMES: &[&str] = &[
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "image_path",
    "images",
    "img",
    "picture",
    "imageid",
    "image_id",
    "id",
    "name",
];
/// Names a header may give the column of classes, or a part of such a name.
const LABEL_NAMES: &[&str] =
    &["label", "class", "category", "target", "predictionstring", "breed", "species"];
const SPLIT_NAMES: &[&str] = &["split", "set", "subset", "partition", "is_valid", "is_val"];

/// Which fields of a row mean what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub path: usize,
    pub label: usize,
    pub split: Option<usize>,
}

impl Columns {
    pub const PLAIN: Self = Self { path: 0, label: 1, split: None };
    pub const SWAPPED: Self = Self { path: 1, label: 0, split: None };

    /// Where a header gives each class a column of its own, with 1 in that of a picture's class and 0 in the others: the
    /// column of pictures. `rows` are some rows below.
    pub fn one_hot(header: &[String], rows: &[Vec<String>]) -> Option<usize> {
        let is_path = |name: &String| PATH_NAMES.contains(&name.trim().to_lowercase().as_str());
        let path = header.iter().position(is_path)?;
        let marks = |row: &Vec<String>| -> Option<Vec<f64>> {
            let others = row.iter().enumerate().filter(|(column, _)| *column != path);
            let marks: Option<Vec<f64>> = others.map(|(_, field)| field.parse().ok()).collect();
            marks.filter(|marks| {
                row.len() == header.len() && marks.iter().all(|mark| [0.0, 1.0].contains(mark))
            })
        };
        let marked: Vec<Vec<f64>> = rows.iter().map(marks).collect::<Option<_>>()?;
        let single = marked.iter().filter(|marks| marks.iter().sum::<f64>() == 1.0).count();
        (header.len() > 2 && single * 2 > rows.len()).then_some(path)
    }

    /// The columns as a header names them; nothing if `row` is no header.
    pub fn named(row: &[String]) -> Option<Self> {
        let names: Vec<String> = row.iter().map(|field| field.trim().to_lowercase()).collect();
        let path = names.iter().position(|name| PATH_NAMES.contains(&name.as_str()))?;
        let is_label = |name: &String| LABEL_NAMES.iter().any(|part| name.contains(part));
        let label = names.iter().enumerate().position(|(i, name)| i != path && is_label(name))?;
        let split = names.iter().position(|name| SPLIT_NAMES.contains(&name.as_str()));
        Some(Self { path, label, split })
    }
}

/// Bytes as text: UTF-8 or marked UTF-16, the mark dropped, lines ended alike and strange characters replaced. The
/// usual list is not copied: it may have a hundred megabytes.
pub(super) fn text(bytes: Vec<u8>) -> String {
    let text = decoded(bytes);
    let is_strange = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    // Also a line end of another system is such a character.
    if !text.contains(is_strange) {
        return text;
    }
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => clean.push('\n'),
            c if is_strange(c) => clean.push('\u{FFFD}'),
            c => clean.push(c),
        }
    }
    clean
}

fn decoded(mut bytes: Vec<u8>) -> String {
    let wide = |bytes: &[u8], pair: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|two| pair([two[0], two[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes[..] {
        [0xFF, 0xFE, ..] => return wide(&bytes, u16::from_le_bytes),
        [0xFE, 0xFF, ..] => return wide(&bytes, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, ..] => drop(bytes.drain(..3)),
        _ => {}
    }
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// What separates the fields, or nothing for spaces: the separator that most of the first lines have.
pub(super) fn separator(text: &str) -> Option<char> {
    let lines: Vec<&str> = numbered_lines(text).map(|(_, line)| line).take(20).collect();
    ['\t', ',', ';']
        .into_iter()
        .map(|separator| (lines.iter().filter(|line| line.contains(separator)).count(), separator))
        .filter(|(count, _)| count * 2 > lines.len())
        // Of two that are as frequent, the one named first.
        .rev()
        .max_by_key(|(count, _)| *count)
        .map(|(_, separator)| separator)
}

/// The lines that say something, with their numbers from 1.
pub(super) fn numbered_lines(text: &str) -> impl Iterator<Item = (usize, &str)> + Clone {
    let lines = (1..).zip(text.lines());
    lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

/// The fields of a line. Without a separator these are two: the last word, and all before it.
pub(super) fn fields(line: &str, separator: Option<char>) -> Vec<String> {
    let Some(separator) = separator else {
        let line = line.trim();
        return match line.rsplit_once(char::is_whitespace) {
            Some((before, last)) => vec![before.trim_end().into(), last.into()],
            None => vec![line.into()],
        };
    };
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            // Inside quotes, two of them stand for one.
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted || field.trim().is_empty() => quoted = !quoted,
            c if c == separator && !quoted => fields.push(std::mem::take(&mut field).trim().to_owned()),
            c => field.push(c),
        }
    }
    fields.push(field.trim().to_owned());
    fields
}
