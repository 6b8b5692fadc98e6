//! The files of a zip archive that was cut short, and so has no directory: each has a header of its own in front.

use zip::CompressionMethod;

use super::{Index, LOCAL_HEADER, Packed};
use crate::data::error::DataError;
use crate::data::sources::{Opened, Opening, Region};

/// Of the flags: the file is encrypted; its size stands behind it, where it is too late to be of use.
const ENCRYPTED: u16 = 1;
const SIZE_BEHIND: u16 = 1 << 3;
/// What stands in place of a size that needs more than 32 bits.
const LARGE: u64 = 0xFFFF_FFFF;

/// Lists the whole files of the archive up to where it ends, or to the first whose size stands behind it.
pub(super) fn open(archive: Region, opening: &Opening) -> Result<Opened, DataError> {
    let mut index = Index::default();
    let mut at = 0;
    while let Some(local) = Local::read(&archive, at) {
        if index.packed.len().is_multiple_of(4096) {
            opening.check_cancelled()?;
        }
        let end = local.data.checked_add(local.packed.packed);
        match end.filter(|&end| end <= archive.length()) {
            Some(end) => {
                index.push(&local.name, local.packed, opening)?;
                at = end;
            }
            None => {
                index.lister.ignore(super::shown(&local.name), "the archive is cut short here");
                break;
            }
        }
    }
    index.lister.ends_early(opening.shown);
    Ok(index.finish(archive))
}

/// A file as the header in front of it tells it.
struct Local {
    name: Vec<u8>,
    /// Where its bytes begin.
    data: u64,
    packed: Packed,
}

impl Local {
    fn read(archive: &Region, at: u64) -> Option<Self> {
        let mut header = [0; LOCAL_HEADER as usize];
        archive.fill(&mut header, at).ok()?;
        if !header.starts_with(b"PK\x03\x04") {
            return None;
        }
        let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u64::from(short(at)) | u64::from(short(at + 2)) << 16;
        let (flags, checksum, packed, unpacked) = (short(6), long(14), long(18), long(22));
        if flags & SIZE_BEHIND != 0 && packed == 0 {
            return None;
        }
        let mut rest = vec![0; usize::from(short(26)) + usize::from(short(28))];
        archive.fill(&mut rest, at + LOCAL_HEADER).ok()?;
        let data = at + LOCAL_HEADER + rest.len() as u64;
        let extra = rest.split_off(usize::from(short(26)));
        let (unpacked, packed) = large_sizes(&extra, unpacked, packed)?;
        let method = match short(8) {
            0 => CompressionMethod::Stored,
            8 => CompressionMethod::Deflated,
            _ => return None,
        };
        let packed = Packed {
            header: at,
            packed,
            unpacked,
            checksum: checksum as u32,
            method,
            encrypted: flags & ENCRYPTED != 0,
        };
        Some(Self { name: rest, data, packed })
    }
}

/// Unpacked and packed size, from the extra field where the header has no room for them.
fn large_sizes(mut extra: &[u8], unpacked: u64, packed: u64) -> Option<(u64, u64)> {
    if unpacked != LARGE && packed != LARGE {
        return Some((unpacked, packed));
    }
    while let [a, b, c, d, rest @ ..] = extra {
        let (kind, length) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
        let field = rest.get(..length)?;
        if kind == 1 {
            let number = |at: usize| Some(u64::from_le_bytes(*field.get(at..)?.first_chunk()?));
            return Some((number(0)?, number(8)?));
        }
        extra = &rest[length..];
    }
    None
}
