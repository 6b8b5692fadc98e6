//! Files that hold many small pictures of one size, one after the other.

use image::{Rgb, RgbImage};

use crate::data::sources::{Fault, Region};

/// Pictures of one file, all of the same size.
pub(in crate::data) struct Records {
    /// The file, for messages.
    pub name: String,
    pub bytes: Region,
    /// Bytes before the first record.
    pub header: u64,
    /// Bytes of each record before its pixels.
    pub labels: u64,
    pub width: u32,
    pub height: u32,
    /// 3: planes of red, green and blue. 1: grey.
    pub channels: u32,
}

impl Records {
    fn stride(&self) -> u64 {
        self.labels + self.pixels()
    }

    /// Bytes of the pixels of one picture.
    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * u64::from(self.channels)
    }

    /// How many whole records the file holds.
    pub fn whole(&self) -> u64 {
        self.bytes.length().saturating_sub(self.header) / self.stride().max(1)
    }

    /// Whether bytes are left over after the last whole record.
    pub fn is_cut(&self) -> bool {
        !self.bytes.length().saturating_sub(self.header).is_multiple_of(self.stride().max(1))
    }

    /// The bytes before the pixels of every whole record, `labels` each.
    pub fn read_labels(&self) -> Result<Vec<u8>, String> {
        let stride = usize::try_from(self.stride()).map_err(|_| "its pictures are too large")?;
        let (mut labels, mut buffer) = (Vec::new(), Vec::new());
        let at_once = ((1 << 20) / stride).max(1) as u64;
        let whole = self.whole();
        for first in (0..whole).step_by(at_once as usize) {
            let count = at_once.min(whole - first);
            buffer.resize(count as usize * stride, 0);
            self.bytes
                .fill(&mut buffer, self.header + first * self.stride())
                .map_err(|e| format!("the file cannot be read ({e})"))?;
            buffer.chunks_exact(stride).for_each(|record| labels.extend(&record[..self.labels as usize]));
        }
        Ok(labels)
    }

    /// What is to blame where picture `index` cannot be used: every row of bytes is a picture.
    pub fn fault(&self, index: u32) -> Fault {
        match self.read(index) {
            Ok(_) => Fault::Picture,
            Err(_) => Fault::Reading,
        }
    }

    /// Picture `index`.
    pub fn read(&self, index: u32) -> Result<RgbImage, String> {
        let mut pixels = vec![0; usize::try_from(self.pixels()).map_err(|_| "the picture is too large")?];
        self.bytes
            .fill(&mut pixels, self.header + u64::from(index) * self.stride() + self.labels)
            .map_err(|e| format!("the file cannot be read ({e})"))?;
        let plane = (self.width * self.height) as usize;
        let at = |x: u32, y: u32, channel: usize| pixels[channel * plane + (y * self.width + x) as usize];
        Ok(RgbImage::from_fn(self.width, self.height, |x, y| {
            if self.channels == 1 { Rgb([at(x, y, 0); 3]) } else { Rgb([0, 1, 2].map(|c| at(x, y, c))) }
        }))
    }
}
