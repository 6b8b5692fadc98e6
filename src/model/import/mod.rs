//! Networks from elsewhere: PyTorch's state dicts and Caffe's models become a [`ModelFile`].
//!
//! ```text
//! bytes -> container (zip, pickle, tar, safetensors, protobuf) -> named tensors -> checked against a spec -> weights
//! ```
//!
//! What a file is, is told by its content, never by its name. Nothing in a file is run, no size in it is
//! believed before it is checked, and either everything fits or every misfit is named and nothing is kept.

mod assemble;
mod caffe;
mod classes;
mod source;
mod torch;
mod torchvision;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::bounds::plain;
use super::export;
use super::file::{ModelFile, ModelFileError};

/// Files above this many bytes are not read whole: four bytes for each of the thousand million parameters
/// that a network may have, and some for the description.
const MAX_FILE_BYTES: u64 = (4 << 30) + (256 << 20);

/// Origins that are no other program.
const OWN: &str = "a model of this program already";
const EXPORTED: &str = "a model of this program, exported for PyTorch";

/// So many misfits are named; a quite different network has hundreds.
const NAMED_PROBLEMS: usize = 40;

/// What a user can add to a file that does not say everything.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Name of the network that the file is said to hold. Empty: whatever it holds.
    pub preset: Option<String>,
    /// Class names, one a line.
    pub classes: Option<PathBuf>,
    /// Caffe's mean image (`.binaryproto`).
    pub mean: Option<PathBuf>,
}

/// A model with its history.
#[derive(Clone, Debug)]
pub struct Imported {
    pub file: ModelFile,
    /// What the file was, for example `PyTorch state dict (zip), names of torchvision's AlexNet`.
    pub origin: String,
    /// Whether it came from another program.
    pub foreign: bool,
    /// What a user should know: what was assumed, what was left out.
    pub notes: Vec<String>,
}

/// A file that cannot be made into a model.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A model file of this program that is damaged, or a file of no known kind.
    #[error(transparent)]
    Model(#[from] ModelFileError),
    #[error("cannot read `{path}`: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("`{path}` cannot be used: {}", list(.problems))]
    Unfit { path: PathBuf, problems: Vec<String> },
}

/// One problem in the sentence, several below it.
fn list(problems: &[String]) -> String {
    match problems {
        [only] => plain(only),
        many => {
            let shown: Vec<String> = many.iter().take(NAMED_PROBLEMS).map(|problem| plain(problem)).collect();
            let rest = match many.len() - shown.len() {
                0 => String::new(),
                rest => format!("\n  - and {rest} more"),
            };
            format!("{} things do not fit\n  - {}{rest}", many.len(), shown.join("\n  - "))
        }
    }
}

/// A network on its way from a foreign file: everything but the names of its classes.
struct Foreign {
    spec: super::spec::ModelSpec,
    /// `[3, side, side]` in 0 to 255, RGB.
    mean: Vec<f32>,
    weights: Vec<Vec<f32>>,
    origin: String,
    notes: Vec<String>,
}

/// What kind of file this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    SafeTensors,
    Torch(torch::Container),
    Caffe,
    /// Known, but not a network that can be used, and why.
    Useless(&'static str),
    Unknown,
}

impl ModelFile {
    /// Reads a model of this program, of PyTorch or of Caffe, whichever it is.
    ///
    /// # Errors
    /// As [`import`].
    pub fn open(path: &Path) -> Result<Imported, ImportError> {
        import(path, &ImportOptions::default())
    }
}

/// Reads a model of this program, also one that it exported for PyTorch, of PyTorch (`.pth`, `.safetensors`) or
/// of Caffe (`.caffemodel`).
///
/// # Errors
/// An unreadable file or one of no known kind; everything about a network that does not fit, by name.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Imported, ImportError> {
    let unfit = |problems: Vec<String>| ImportError::Unfit { path: path.into(), problems };
    let foreign = match recognise(path)? {
        Format::SafeTensors => {
            let bytes = read_whole(path)?;
            match ModelFile::is_own(&bytes) {
                Ok(true) => return own(ModelFile::parse(path, &bytes)?, OWN, path, options),
                Ok(false) => match export::torch::restore(&bytes) {
                    Ok(Some(file)) => return own(file, EXPORTED, path, options),
                    Ok(None) => torch::from_safetensors(&bytes),
                    Err(reason) => {
                        Err(vec![format!("it is an export of this program, but damaged: {reason}")])
                    }
                },
                Err(reason) => Err(vec![reason]),
            }
        }
        Format::Torch(container) => torch::from_state_dict(path, container),
        Format::Caffe => {
            let mean = options.mean.as_deref().map(read_whole).transpose()?;
            let mean = mean.map(|bytes| (options.mean.as_deref().unwrap_or(path), bytes));
            caffe::from_model(read_whole(path)?, mean)
        }
        Format::Useless(reason) => Err(vec![reason.to_owned()]),
        Format::Unknown => {
            return Err(ImportError::Model(ModelFileError::Foreign {
                path: path.into(),
                reason: "it is neither a .safetensors file, nor a PyTorch state dict (.pth), nor a Caffe \
                         model (.caffemodel), or only a piece of one"
                    .into(),
            }));
        }
    };
    let Foreign { spec, mean, weights, origin, notes } = foreign.map_err(unfit)?;
    let mut notes: Vec<String> = notes.iter().map(|note| plain(note)).collect();
    check_expectations(&spec.name, options).map_err(unfit)?;
    let count = super::shapes::Shapes::of(&spec).map_err(|e| unfit(vec![e.to_string()]))?.classes;
    let classes = class_names(count, options, &mut notes)?;
    Ok(Imported { file: ModelFile { spec, classes, mean, weights, step: 0 }, origin, foreign: true, notes })
}

/// A model of ours: it brings everything along.
fn own(
    mut file: ModelFile,
    origin: &str,
    path: &Path,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    check_expectations(&file.spec.name, options)
        .map_err(|problems| ImportError::Unfit { path: path.into(), problems })?;
    let mut notes = Vec::new();
    if options.classes.is_some() {
        file.classes = class_names(file.classes.len(), options, &mut notes)?;
    }
    Ok(Imported { file, origin: origin.into(), foreign: false, notes })
}

/// Whether the network is the one that was announced, and whether the options make sense for it.
fn check_expectations(found: &str, options: &ImportOptions) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    if let Some(wanted) = options.preset.as_deref().filter(|wanted| *wanted != found) {
        problems
            .push(format!("it holds the network {found}, not {wanted}; leave --as out, or say --as {found}"));
    }
    if options.mean.is_some() && found != caffe::NAME {
        problems.push("a mean image goes with Caffe's models only; leave --mean out".into());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn class_names(
    count: usize,
    options: &ImportOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<String>, ImportError> {
    let Some(path) = &options.classes else {
        let (names, note) = classes::customary(count);
        notes.push(note);
        return Ok(names);
    };
    let bytes = read_whole(path)?;
    classes::from_list(&bytes, count)
        .map_err(|problem| ImportError::Unfit { path: path.clone(), problems: vec![problem] })
}

/// Looks at the first bytes.
fn recognise(path: &Path) -> Result<Format, ImportError> {
    let unreadable = |reason: String| ImportError::Unreadable { path: path.into(), reason };
    let metadata = fs::metadata(path).map_err(|e| unreadable(e.to_string()))?;
    if metadata.is_dir() {
        return Err(unreadable("it is a folder; name the model file in it".into()));
    }
    if !metadata.is_file() {
        return Err(unreadable("it is no ordinary file".into()));
    }
    if metadata.len() == 0 {
        return Err(unreadable("the file is empty".into()));
    }
    let mut head = Vec::with_capacity(512);
    File::open(path)
        .and_then(|file| file.take(512).read_to_end(&mut head))
        .map_err(|e| unreadable(e.to_string()))?;
    Ok(format_of(&head))
}

fn format_of(head: &[u8]) -> Format {
    if let Some(container) = torch::container_of(head) {
        return Format::Torch(container);
    }
    let json_length = head.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes));
    if json_length.is_some_and(|length| length <= 100_000_000) && head.get(8) == Some(&b'{') {
        return Format::SafeTensors;
    }
    match head {
        [0x80, 0..=5, ..] => Format::Useless(
            "it is a pickle that torch.save did not write, and pickles can run programs: only state dicts \
             saved by torch.save are read",
        ),
        [0x89, b'H', b'D', b'F', ..] => Format::Useless(
            "it is an HDF5 file; save the Caffe model as .caffemodel (binary protobuf) instead",
        ),
        [0x08, ..] => {
            Format::Useless("it looks like an ONNX file, which this program writes but does not read")
        }
        head if caffe::is_description(head) => Format::Useless(
            "it is the text of a Caffe network, without weights; the weights are in the .caffemodel",
        ),
        head if caffe::looks_like_model(head) => Format::Caffe,
        _ => Format::Unknown,
    }
}

/// All bytes of a file of bearable size.
fn read_whole(path: &Path) -> Result<Vec<u8>, ImportError> {
    let unreadable = |reason: String| ImportError::Unreadable { path: path.into(), reason };
    let file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let metadata = file.metadata().map_err(|e| unreadable(e.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("it is no ordinary file".into()));
    }
    let mut bytes = Vec::new();
    if metadata.len() <= MAX_FILE_BYTES {
        bytes.try_reserve_exact(metadata.len() as usize).map_err(|e| unreadable(e.to_string()))?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
    }
    if metadata.len() > MAX_FILE_BYTES || bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable(format!(
            "it has {} MiB; no network that this program can run is larger than {}",
            metadata.len() >> 20,
            MAX_FILE_BYTES >> 20
        )));
    }
    Ok(bytes)
}
