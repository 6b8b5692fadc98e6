//! PyTorch's files: what `torch.save` writes (zip, the older pickle stream, the oldest tar) and `.safetensors`.
//!
//! `pytorch-reader` reads the pickles as data and runs nothing. What it would let through is stopped before:
//! descriptions and sparse archives that unpack to far more than the file holds.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pytorch_reader::{DType, PytorchReader, Tensor};
use safetensors::tensor::{Dtype, SafeTensors};

use super::Foreign;
use super::source::{Number, SourceTensor};
use super::torchvision;

/// Largest unpacked description of a zip file. That of an AlexNet has 2 KiB; a checkpoint with its history
/// some more. In memory it grows by a factor of up to a hundred.
const MAX_DESCRIPTION_BYTES: u64 = 8 << 20;

/// What `torch.save` writes first in the older format: its magic number, as pickled by protocol 2.
const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Outer form of a state dict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// Since PyTorch 1.6.
    Zip,
    /// PyTorch 0.1.10 to 1.5.
    Legacy,
    /// Before.
    Tar,
}

impl Container {
    fn words(self) -> &'static str {
        match self {
            Self::Zip => "PyTorch state dict (zip)",
            Self::Legacy => "PyTorch state dict (older form, one stream)",
            Self::Tar => "PyTorch state dict (oldest form, tar)",
        }
    }
}

/// The container that begins with `head`, if it is one of `torch.save`.
pub(super) fn container_of(head: &[u8]) -> Option<Container> {
    let near_start = &head[..head.len().min(64)];
    if head.starts_with(b"PK\x03\x04") {
        Some(Container::Zip)
    } else if head.get(257..262) == Some(b"ustar") {
        Some(Container::Tar)
    } else if near_start.windows(LEGACY_MAGIC.len()).any(|bytes| bytes == LEGACY_MAGIC) {
        Some(Container::Legacy)
    } else {
        None
    }
}

/// Reads a state dict.
///
/// # Errors
/// Everything that does not fit.
pub(super) fn from_state_dict(path: &Path, container: Container) -> Result<Foreign, Vec<String>> {
    let one = |reason: String| vec![reason];
    match container {
        Container::Zip => check_zip(path).map_err(one)?,
        Container::Tar => check_tar(path).map_err(one)?,
        Container::Legacy => {}
    }
    // A reader's own mistake on a strange file must not end the program.
    let reader = catch_unwind(AssertUnwindSafe(|| PytorchReader::new(path)))
        .map_err(|_| one("it is damaged: the reader gave up".into()))?
        .map_err(|e| one(format!("it is damaged, or no state dict: {}", one_line(&e.to_string()))))?;
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    check_claims(reader.tensors().values(), length).map_err(one)?;
    let tensors = reader.into_tensors().into_iter().map(|(name, tensor)| (name, source(tensor))).collect();
    torchvision::network(tensors, container.words())
}

fn source(tensor: Tensor) -> SourceTensor<'static> {
    let number = match tensor.dtype() {
        DType::F64 => Ok(Number::F64),
        DType::F32 => Ok(Number::F32),
        DType::F16 => Ok(Number::F16),
        DType::BF16 => Ok(Number::Bf16),
        other => Err(format!("{other:?}")),
    };
    let shape = tensor.shape().to_vec();
    let unusable = number.clone().err();
    let read = move || {
        let number = number.clone()?;
        let bytes = catch_unwind(AssertUnwindSafe(|| tensor.read()));
        let bytes = bytes.map_err(|_| "is damaged: the reader gave up".to_owned())?;
        let bytes = bytes.map_err(|e| format!("cannot be read: {}", one_line(&e.to_string())))?;
        Ok(number.to_f32(&bytes))
    };
    SourceTensor { shape, unusable, read: Box::new(read) }
}

/// Views and packed entries can claim more numbers than there are bytes; honest weights hardly shrink.
fn check_claims<'a>(tensors: impl Iterator<Item = &'a Tensor>, file_bytes: u64) -> Result<(), String> {
    let total = tensors.fold(0_u64, |sum, tensor| sum.saturating_add(tensor.byte_len() as u64));
    if total <= file_bytes.saturating_mul(4).saturating_add(1 << 20) {
        return Ok(());
    }
    Err(format!("it claims to hold {} MiB of numbers, but the file has {file_bytes} bytes", total >> 20))
}

/// Refuses zip files whose description unpacks to more than any network needs.
fn check_zip(path: &Path) -> Result<(), String> {
    let damaged = |e: &dyn std::fmt::Display| {
        format!("it begins as a zip file, but is cut short or damaged ({})", one_line(&e.to_string()))
    };
    let file = File::open(path).map_err(|e| damaged(&e))?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(&e))?;
    let mut described = false;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|e| damaged(&e))?;
        if entry.name_raw().ends_with(b"data.pkl") {
            described = true;
            if entry.size() > MAX_DESCRIPTION_BYTES {
                return Err(format!(
                    "its description claims {} MiB; that of a network has less than {}",
                    entry.size() >> 20,
                    MAX_DESCRIPTION_BYTES >> 20
                ));
            }
        }
    }
    if described { Ok(()) } else { Err("it is a zip file, but none of PyTorch: it has no data.pkl".into()) }
}

/// Refuses archives with holes, which unpack to whatever size they name, and archives that are none of
/// PyTorch's.
fn check_tar(path: &Path) -> Result<(), String> {
    let damaged = |e: std::io::Error| {
        format!("it begins as a tar archive, but is cut short or damaged ({})", one_line(&e.to_string()))
    };
    let file = File::open(path).map_err(damaged)?;
    let length = file.metadata().map_err(damaged)?.len();
    let mut archive = tar::Archive::new(BufReader::new(file));
    let mut described = false;
    for entry in archive.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_dir() || kind.is_contiguous()) || entry.size() > length {
            return Err("the archive holds more than plain files, which PyTorch does not write".into());
        }
        described |= entry.path_bytes().ends_with(b"storages");
    }
    if described {
        Ok(())
    } else {
        Err("it is a tar archive, but none of PyTorch; pictures are opened as data".into())
    }
}

/// Reads a `.safetensors` file that is not one of ours.
///
/// # Errors
/// Everything that does not fit.
pub(super) fn from_safetensors(bytes: &[u8]) -> Result<Foreign, Vec<String>> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| vec![format!("it is cut short or damaged ({})", one_line(&e.to_string()))])?;
    let tensors = file
        .iter()
        .map(|(name, view)| {
            let number = match view.dtype() {
                Dtype::F64 => Ok(Number::F64),
                Dtype::F32 => Ok(Number::F32),
                Dtype::F16 => Ok(Number::F16),
                Dtype::BF16 => Ok(Number::Bf16),
                other => Err(format!("{other:?}")),
            };
            let (shape, unusable) = (view.shape().to_vec(), number.clone().err());
            let read = move || number.clone().map(|number| number.to_f32(view.data()));
            (name.to_owned(), SourceTensor { shape, unusable, read: Box::new(read) as _ })
        })
        .collect();
    torchvision::network(tensors, "safetensors file")
}

/// Other people's messages, fit for one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
