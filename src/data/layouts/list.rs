//! A table of paths and labels: `cat/1.jpg,cat`, or with columns called `path`, `label` and perhaps `split`.
//!
//! The list itself may be the source; then its paths start at its own folder or at the root of the disk. Or it
//! lies in a folder or archive of pictures that are in no class folders. `train.txt` and `val.txt` belong
//! together, as Caffe has them, and numbers get their names from `synset_words.txt` or `classes.txt`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use super::table::{self, Columns};
use super::tree::{Folder, base_name};
use super::{Item, Layout, Picture, Place, check_same_classes, not_validated_note, sentence, split, wordnet};
use crate::config::DataConfig;
use crate::data::Split;
use crate::data::error::DataError;
use crate::data::left_out::LeftOut;
use crate::data::sources::{
    Entry, Folder as Disk, Listing, Opened, Opening, Part, Source, is_picture_name, part_name,
};
use crate::words;

const ENDINGS: &[&str] = &["csv", "tsv", "txt", "lst"];
/// Files that name the classes which a list counts.
const CLASS_FILES: &[&str] = &["synset_words.txt", "classes.txt", "class_names.txt", "labels.txt"];
/// Lists looked at in one source.
const MAX_LISTS: usize = 50;
/// Bytes of all of them together; a list of ImageNet has 60 MB.
const MAX_LIST_BYTES: u64 = 512 << 20;

/// A row of a list.
struct Row {
    line: usize,
    path: String,
    label: String,
    split: Option<Split>,
}

/// A list, read.
struct List {
    name: String,
    rows: Vec<Row>,
    left_out: LeftOut,
}

impl List {
    /// Reads `text`; nothing if it is no list of pictures. `is_there` says whether a path leads to a file.
    fn read(name: &str, text: &str, is_there: impl Fn(&str) -> bool) -> Option<Self> {
        let separator = table::separator(text);
        let mut lines = table::numbered_lines(text).peekable();
        let (_, first) = lines.peek().copied()?;
        let header = table::fields(first, separator);
        let some: Vec<Vec<String>> =
            lines.clone().skip(1).take(20).map(|(_, line)| table::fields(line, separator)).collect();
        if let Some(path) = Columns::one_hot(&header, &some) {
            lines.next();
            let mut list = Self { name: name.to_owned(), rows: Vec::new(), left_out: LeftOut::default() };
            for (line, text) in lines {
                list.marked_row(line, &table::fields(text, separator), path, &header);
            }
            return Some(list);
        }
        let named = Columns::named(&header).filter(|columns| !is_there(&header[columns.path]));
        let looks_right = |line: &str, columns: Columns| {
            let fields = table::fields(line, separator);
            let path = fields.get(columns.path).filter(|_| fields.len() > columns.label);
            path.is_some_and(|path| is_there(path) || is_picture_name(path))
        };
        let second = lines.clone().nth(1).map_or(first, |(_, line)| line);
        let is_swapped = !looks_right(second, Columns::PLAIN) && looks_right(second, Columns::SWAPPED);
        let columns = named.unwrap_or(if is_swapped { Columns::SWAPPED } else { Columns::PLAIN });
        if named.is_some() || !looks_right(first, columns) {
            lines.next();
        }
        let sample: Vec<&str> = lines.clone().map(|(_, line)| line).take(20).collect();
        let right = sample.iter().filter(|line| looks_right(line, columns)).count();
        if right == 0 || (named.is_none() && right * 2 < sample.len()) {
            return None;
        }
        let mut list = Self { name: name.to_owned(), rows: Vec::new(), left_out: LeftOut::default() };
        for (line, text) in lines {
            list.row(line, &table::fields(text, separator), columns);
        }
        Some(list)
    }

    /// A row in which one of the columns that `header` calls like classes holds a 1.
    fn marked_row(&mut self, line: usize, fields: &[String], path: usize, header: &[String]) {
        let is_mark = |(column, field): &(usize, &String)| *column != path && field.parse() == Ok(1.0);
        let marks: Vec<usize> = fields.iter().enumerate().filter(is_mark).map(|(column, _)| column).collect();
        match (fields.get(path), &marks[..]) {
            (Some(path), [mark]) if *mark < header.len() => {
                let (path, label) = (path.replace('\\', "/"), header[*mark].clone());
                self.rows.push(Row { line, path, label, split: None });
            }
            _ => self.left_out.add(format!("{}, line {line}", self.name), "it marks no class, or several"),
        }
    }

    fn row(&mut self, line: usize, fields: &[String], columns: Columns) {
        let field = |index: usize| fields.get(index).map(String::as_str).filter(|field| !field.is_empty());
        let (Some(path), Some(label)) = (field(columns.path), field(columns.label)) else {
            let missing = if field(columns.path).is_none() { "path" } else { "label" };
            self.left_out.add(format!("{}, line {line}", self.name), format!("it has no {missing}"));
            return;
        };
        let split = columns.split.and_then(field).and_then(split_of);
        // Windows separates folders by backslashes.
        let path = path.replace('\\', "/");
        self.rows.push(Row { line, path, label: label.to_owned(), split });
    }
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    Path::new(path)
        .extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// The split that a word says: the name of a part, or whether a row is for validation.
fn split_of(word: &str) -> Option<Split> {
    match (part_name(word), word.to_lowercase().as_str()) {
        (Some(Part::Train), _) | (None, "false" | "0") => Some(Split::Train),
        (Some(Part::Validation(_)), _) | (None, "true" | "1") => Some(Split::Validation),
        (None, _) => None,
    }
}

/// Which split a whole list is for, by its name.
fn split_of_list(name: &str) -> Option<Split> {
    let name = base_name(name).to_lowercase();
    let first = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    split_of(first).filter(|_| first.len() > 2)
}

/// Opens the list at `path` as a source; its files are looked for when they are read.
pub(in crate::data) fn open(
    path: &Path,
    opening: &Opening,
    config: &DataConfig,
) -> Result<(Opened, Layout), DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let base = path.parent().unwrap_or(Path::new("."));
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let disk = Disk::at(base);
    let read = |name: &str| {
        let text = disk.bytes(&Disk::entry(name)).map(table::text);
        text.map(|text| List::read(name, &text, |path| base.join(path).is_file()))
    };
    let list = read(&name).map_err(|reason| DataError::List {
        path: opening.shown.into(),
        list: name.clone(),
        reason,
    })?;
    let list = list.ok_or_else(|| DataError::NotAnArchive { path: opening.shown.into() })?;
    let beside = disk.files();
    let mut lists = vec![list];
    if split_of_list(&name) == Some(Split::Train) {
        lists.extend(validation_list(&name, &beside).and_then(|name| read(&name).ok().flatten()));
    }
    let names = CLASS_FILES.iter().find(|file| beside.iter().any(|name| name == *file));
    let names = names.and_then(|file| disk.bytes(&Disk::entry(file)).ok()).map(table::text);

    let mut entries = Vec::<Entry>::new();
    let listing = Listing { entries: Vec::new(), left_out: LeftOut::default(), cut: None };
    let place = Place { source: &disk, listing: &listing, opening, config };
    let layout = assemble(&place, lists, names.as_deref(), |_, path| {
        entries.push(Disk::entry(path));
        Ok(entries.len() as u32 - 1)
    })?;
    let listing = Listing { entries, ..listing };
    Ok((Opened { source: Box::new(disk), listing }, layout))
}

/// The list of validation pictures that belongs to the list of training pictures `name`.
fn validation_list(name: &str, beside: &[String]) -> Option<String> {
    let ending = Path::new(name).extension()?;
    let fits = |other: &&String| {
        split_of_list(other) == Some(Split::Validation)
            && Path::new(other.as_str()).extension() == Some(ending)
    };
    let stem = |other: &String| other.split(|c: char| !c.is_alphanumeric()).next().map(str::to_owned);
    beside
        .iter()
        .filter(fits)
        .min_by_key(|other| stem(other).and_then(|stem| split::validation_rank(&stem)).unwrap_or(usize::MAX))
        .cloned()
}

/// Finds a list among the files of a source.
pub(super) fn recognise(place: &Place, home: Folder) -> Result<Option<Layout>, DataError> {
    let files = Files::of(place.listing);
    let is_list = |entry: &&Entry| {
        !entry.is_folder
            && has_ending(&entry.path, ENDINGS)
            && !wordnet::NAME_FILES.contains(&base_name(&entry.path))
    };
    let mut lists = Vec::new();
    let mut room = MAX_LIST_BYTES;
    for entry in place.listing.entries.iter().filter(is_list).take(MAX_LISTS) {
        place.opening.check_cancelled()?;
        let Some(left) = place.source.size(entry).ok().and_then(|size| room.checked_sub(size)) else {
            continue;
        };
        room = left;
        let Ok(text) = place.text(entry) else { continue };
        let is_there = |path: &str| files.find(&entry.path, path).is_ok();
        if let Some(list) = List::read(&entry.path, &text, is_there) {
            let found = list.rows.iter().filter(|row| is_there(&row.path)).count();
            if found * 2 >= list.rows.len() && found > 0 {
                lists.push((found, list));
            }
        }
    }
    let is_for = |split| move |(_, list): &(usize, List)| split_of_list(&list.name) == Some(split);
    let chosen = match lists.iter().position(is_for(Split::Train)) {
        Some(train) => {
            let train = lists.swap_remove(train).1;
            let validation = lists.into_iter().find(is_for(Split::Validation)).map(|(_, list)| list);
            [Some(train), validation].into_iter().flatten().collect()
        }
        None => match lists.into_iter().max_by_key(|(found, _)| *found) {
            Some((_, list)) => vec![list],
            None => return Ok(None),
        },
    };
    let names = CLASS_FILES.iter().find_map(|name| home.file(name).or_else(|| place.find(&[name])));
    let names = names.and_then(|file| place.text(file).ok());
    let mut listed: HashSet<u32> = HashSet::new();
    let mut layout = assemble(place, chosen, names.as_deref(), |list, path| {
        let number = files.find(list, path)?;
        listed.insert(number);
        Ok(number)
    })?;
    for (number, entry) in (0..).zip(&place.listing.entries) {
        if !entry.is_folder && is_picture_name(&entry.path) && !listed.contains(&number) {
            layout.left_out.add(&*entry.path, "not named by the list");
        }
    }
    Ok(Some(layout))
}

/// The files of a listing by the ways in which a list may name them.
struct Files<'a> {
    /// Those that hold files.
    folders: HashSet<&'a str>,
    by_path: HashMap<&'a str, u32>,
    /// By the last name alone, with and without its ending; nothing where several share it.
    by_name: HashMap<&'a str, Option<u32>>,
}

impl<'a> Files<'a> {
    fn of(listing: &'a Listing) -> Self {
        let mut files = Self { folders: HashSet::new(), by_path: HashMap::new(), by_name: HashMap::new() };
        for (number, entry) in (0..).zip(&listing.entries).filter(|(_, entry)| !entry.is_folder) {
            files.by_path.insert(&entry.path, number);
            files.folders.extend(entry.path.rsplit_once('/').map(|(folder, _)| folder));
            let name = base_name(&entry.path);
            let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
            for name in [Some(name), (stem != name).then_some(stem)].into_iter().flatten() {
                files.by_name.entry(name).and_modify(|other| *other = None).or_insert(Some(number));
            }
        }
        files
    }

    /// Whether there are files in the folder that `list` says the file `path` lies in.
    fn has_folder_of(&self, list: &str, path: &str) -> bool {
        let Some((folder, _)) = path.rsplit_once('/') else { return false };
        let beside = list.rsplit_once('/').map(|(top, _)| format!("{top}/{folder}"));
        self.folders.contains(folder) || beside.is_some_and(|folder| self.folders.contains(folder.as_str()))
    }

    /// The file that `list` calls `path`: beside the list, from the top, or anywhere if only one has its name.
    fn find(&self, list: &str, path: &str) -> Result<u32, String> {
        let path = path.strip_prefix("./").unwrap_or(path);
        if path.split('/').any(|name| name == "..") {
            return Err("its path leads out of the source".into());
        }
        let beside = list.rsplit_once('/').map(|(folder, _)| format!("{folder}/{path}"));
        let exact = beside.and_then(|path| self.by_path.get(path.as_str()));
        if let Some(&number) = exact.or_else(|| self.by_path.get(path)) {
            return Ok(number);
        }
        match self.by_name.get(base_name(path)) {
            // A folder that is there lacks the file: one of this name elsewhere is another.
            Some(Some(_)) if self.has_folder_of(list, path) => {
                Err("there is no such file, only one of this name in another folder".into())
            }
            Some(Some(number)) => Ok(*number),
            Some(None) => Err("several files have this name".into()),
            None => Err("there is no such file".into()),
        }
    }
}

/// Makes a layout of the rows of `lists`: the first for training, the second for validation. `find` leads from
/// the name of a list and a path in it to the number of a file, or says why not.
fn assemble(
    place: &Place,
    lists: Vec<List>,
    names: Option<&str>,
    mut find: impl FnMut(&str, &str) -> Result<u32, String>,
) -> Result<Layout, DataError> {
    let title: Vec<String> = lists.iter().map(|list| base_name(&list.name).to_owned()).collect();
    let labels: BTreeSet<&str> = lists.iter().flat_map(|list| &list.rows).map(|row| &*row.label).collect();
    if labels.is_empty() {
        return Err(DataError::Empty { path: place.shown() });
    }
    if let (1, Some(only)) = (labels.len(), labels.first()) {
        return Err(DataError::OneClass { path: place.shown(), class: (*only).to_owned() });
    }
    let order = in_label_order(labels);
    let label_of: HashMap<&str, u32> = order.iter().copied().zip(0..).collect();
    let mut layout = Layout { classes: class_names(&order, names), ..Layout::default() };
    let mut seen: HashSet<&str> = HashSet::new();
    let has_split =
        lists.len() > 1 || lists.iter().flat_map(|list| &list.rows).any(|row| row.split.is_some());
    for (number, list) in lists.iter().enumerate() {
        layout.left_out.append(list.left_out.clone());
        for row in &list.rows {
            if !seen.insert(&row.path) {
                let name = format!("{}, line {}", list.name, row.line);
                layout.left_out.add(name, format!("it names {} again", row.path));
                continue;
            }
            let picture = match find(&list.name, &row.path) {
                Ok(file) => Picture::File(file),
                Err(reason) => {
                    let place = format!("line {} of {}", row.line, base_name(&list.name));
                    Picture::unusable(&*row.path, format!("{reason} ({place})"))
                }
            };
            let item = Item { picture, label: label_of[&*row.label] };
            let by_list = if number > 0 { Split::Validation } else { Split::Train };
            match row.split.unwrap_or(by_list) {
                Split::Train => layout.train.push(item),
                Split::Validation => layout.validation.push(item),
            }
        }
    }
    if layout.train.is_empty() {
        layout.train = std::mem::take(&mut layout.validation);
    }
    let what = format!("{} listed in {}", words::counted(layout.classes.len(), "class"), title.join(" and "));
    if has_split && !layout.validation.is_empty() {
        let note = check_classes(place, &layout, &title)?;
        layout.sentence = sentence(&what, &layout, None) + &note;
    } else {
        (layout.train, layout.validation) = split::by_seed(place, std::mem::take(&mut layout.train))?;
        layout.sentence = sentence(&what, &layout, Some(place.config.split_seed));
    }
    Ok(layout)
}

/// Labels in order of their names, or of their numbers if all are numbers.
fn in_label_order(labels: BTreeSet<&str>) -> Vec<&str> {
    let mut order: Vec<&str> = labels.into_iter().collect();
    let numbers: Option<BTreeMap<&str, i64>> =
        order.iter().map(|&label| Some((label, label.parse().ok()?))).collect();
    if let Some(numbers) = numbers {
        order.sort_by_key(|label| numbers[label]);
    }
    order
}

/// What the classes are called: as in the list, or, where the list has numbers, as the lines of `names` say.
fn class_names(order: &[&str], names: Option<&str>) -> Vec<String> {
    let own = || order.iter().map(|&label| label.to_owned()).collect();
    let Some(text) = names else { return own() };
    let (wnids, by_wnid): (Vec<String>, Vec<(String, String)>) =
        wordnet::read_names(text).map(|(wnid, name)| (wnid.clone(), (wnid, name))).unzip();
    let lines: Vec<String> = if wnids.is_empty() {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    } else {
        wordnet::distinct(wnids, &by_wnid.into_iter().collect())
    };
    let named: Option<Vec<String>> =
        order.iter().map(|label| lines.get(label.parse::<usize>().ok()?).cloned()).collect();
    named.unwrap_or_else(own)
}

/// Every class to validate must be one that is trained; the other way round it is only told.
fn check_classes(place: &Place, layout: &Layout, lists: &[String]) -> Result<String, DataError> {
    let of = |items: &[Item]| -> BTreeSet<&str> {
        let labels: BTreeSet<u32> = items.iter().map(|item| item.label).collect();
        labels.into_iter().map(|label| layout.classes[label as usize].as_str()).collect()
    };
    let (train, validation) = (of(&layout.train), of(&layout.validation));
    if !validation.is_subset(&train) {
        let (train_name, validation_name) = match lists {
            [train, validation] => (train.as_str(), validation.as_str()),
            _ => ("train", "val"),
        };
        check_same_classes(place, (train_name, &train), (validation_name, &validation))?;
    }
    let missing: Vec<&str> = train.difference(&validation).copied().collect();
    Ok(not_validated_note(&missing))
}
