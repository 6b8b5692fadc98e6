//! Bytes that are read as if their beginning and end were others, without a copy of what lies between: a file may be large,
//! and what one picture may take is limited.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// A file in which other bytes stand in the place of the first ones, and more behind the last.
pub(in crate::data) struct Patched<'a> {
    /// In the place of as many bytes.
    start: Vec<u8>,
    bytes: &'a [u8],
    end: Vec<u8>,
    at: u64,
}

impl<'a> Patched<'a> {
    /// `start` is no longer than `bytes`.
    pub fn new(bytes: &'a [u8], start: Vec<u8>, end: Vec<u8>) -> Self {
        Self { start, bytes, end, at: 0 }
    }

    fn length(&self) -> u64 {
        (self.bytes.len() + self.end.len()) as u64
    }

    /// What lies in one piece from here on; nothing at the end.
    fn rest(&self) -> &[u8] {
        let Ok(at) = usize::try_from(self.at) else { return &[] };
        if at < self.start.len() {
            &self.start[at..]
        } else if at < self.bytes.len() {
            &self.bytes[at..]
        } else {
            self.end.get(at - self.bytes.len()..).unwrap_or_default()
        }
    }
}

impl Read for Patched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.rest().read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Patched<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.rest())
    }

    fn consume(&mut self, count: usize) {
        self.at += count as u64;
    }
}

impl Seek for Patched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_the_whole_would() {
        let bytes: Vec<u8> = (0..50).collect();
        let whole: Vec<u8> = (200..208).chain(8..50).chain(100..117).collect();
        let mut patched = Patched::new(&bytes, (200..208).collect(), (100..117).collect());
        let mut all = Vec::new();
        patched.read_to_end(&mut all).expect("memory can be read");
        assert_eq!(all, whole);
        for from in 0..=whole.len() + 2 {
            for count in [1, 7, 9, 60] {
                patched.seek(SeekFrom::Start(from as u64)).expect("any place is allowed");
                let mut part = Vec::new();
                patched.by_ref().take(count).read_to_end(&mut part).expect("memory can be read");
                let rest = whole.get(from..).unwrap_or_default();
                assert_eq!(part, rest[..rest.len().min(count as usize)], "{count} from {from}");
            }
        }
        assert_eq!(patched.seek(SeekFrom::End(-17)).expect("within"), 50);
        assert_eq!(patched.fill_buf().expect("memory can be read")[0], 100);
        assert_eq!(patched.seek(SeekFrom::Current(-1)).expect("within"), 49);
        assert_eq!(patched.fill_buf().expect("memory can be read"), [49]);
        assert!(patched.seek(SeekFrom::Current(-50)).is_err());
    }
}
