//! What a JPEG codestream says about itself, read without decoding it (ISO/IEC 10918-1 Annex B).
//!
//! Separate so that JPEG-LS, whose codestream has the same frame, can be read by it too, and because nothing is allocated
//! here but a few bytes for each component.

use crate::PixelError;

/// The coding process, by the frame's marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Process {
    /// SOF0, SOF1.
    Sequential,
    /// SOF2.
    Progressive,
    /// SOF3.
    Lossless,
    /// Hierarchical or arithmetic.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) struct Component {
    pub(in crate::decode) identifier: u8,
    /// Horizontal and vertical sampling factors, in the upper and lower four bits.
    pub(in crate::decode) sampling: u8,
}

/// The numbers of one frame.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::decode) struct Markers {
    pub(in crate::decode) process: Process,
    pub(in crate::decode) precision: u16,
    pub(in crate::decode) rows: u32,
    pub(in crate::decode) columns: u32,
    pub(in crate::decode) components: Vec<Component>,
    pub(in crate::decode) scans: u32,
    /// A restart interval is set.
    pub(in crate::decode) restarts: bool,
    /// Of the first scan.
    pub(in crate::decode) point_transform: u8,
    /// Of the Adobe segment, when there is one.
    pub(in crate::decode) adobe_transform: Option<u8>,
}

impl Markers {
    pub(in crate::decode) fn read(stored: &[u8]) -> Result<Self, PixelError> {
        let mut rest = stored
            .strip_prefix(b"\xFF\xD8")
            .ok_or_else(|| PixelError::corrupt("a frame does not begin as a JPEG codestream"))?;
        let mut markers = Self {
            process: Process::Other,
            precision: 0,
            rows: 0,
            columns: 0,
            components: Vec::new(),
            scans: 0,
            restarts: false,
            point_transform: 0,
            adobe_transform: None,
        };
        let mut framed = false;
        while let Some((marker, behind)) = next_marker(rest) {
            if marker == 0xD9 {
                break;
            }
            let (segment, behind) = segment(behind)?;
            rest = behind;
            match marker {
                0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                    if framed {
                        return Err(PixelError::unsupported("a hierarchical or arithmetic JPEG process"));
                    }
                    framed = true;
                    markers.frame(marker, segment)?;
                }
                0xDA => {
                    markers.scans += 1;
                    if markers.scans == 1 {
                        markers.point_transform = segment.last().map_or(0, |last| last & 15);
                    }
                }
                0xDD => markers.restarts |= segment.iter().any(|&byte| byte != 0),
                0xEE if segment.starts_with(b"Adobe") => markers.adobe_transform = segment.get(11).copied(),
                _ => {}
            }
        }
        if !framed || markers.scans == 0 {
            return Err(PixelError::corrupt("its JPEG codestream has no frame or no scan"));
        }
        Ok(markers)
    }

    fn frame(&mut self, marker: u8, segment: &[u8]) -> Result<(), PixelError> {
        self.process = match marker {
            0xC0 | 0xC1 => Process::Sequential,
            0xC2 => Process::Progressive,
            0xC3 => Process::Lossless,
            _ => Process::Other,
        };
        let [precision, a, b, c, d, count, components @ ..] = segment else {
            return Err(PixelError::corrupt("its JPEG frame header is cut off"));
        };
        self.precision = u16::from(*precision);
        self.rows = u32::from(u16::from_be_bytes([*a, *b]));
        self.columns = u32::from(u16::from_be_bytes([*c, *d]));
        let component = |three: &[u8; 3]| Component {
            identifier: three[0],
            sampling: three[1],
        };
        self.components = components.as_chunks().0.iter().map(component).collect();
        if self.components.len() != usize::from(*count) {
            return Err(PixelError::corrupt("its JPEG frame header is cut off"));
        }
        Ok(())
    }

    /// Whether components have different sampling factors.
    pub(in crate::decode) fn is_subsampled(&self) -> bool {
        let mut factors = self.components.iter().map(|component| component.sampling);
        let first = factors.next();
        factors.any(|other| Some(other) != first)
    }
}

/// The next marker that has a segment, or ends the image, and what follows it. Entropy-coded bytes are stepped over: in
/// them a byte of all ones is followed by a zero or a restart marker.
fn next_marker(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        match bytes {
            [0xFF, 0x00 | 0x01 | 0xD0..=0xD7, rest @ ..] => bytes = rest,
            [0xFF, 0xFF, ..] => bytes = bytes.get(1..)?,
            [0xFF, marker, rest @ ..] => return Some((*marker, rest)),
            [_, rest @ ..] => {
                let skip = rest.iter().position(|&byte| byte == 0xFF)?;
                bytes = rest.get(skip..)?;
            }
            [] => return None,
        }
    }
}

/// A segment without its length, and what follows it.
fn segment(bytes: &[u8]) -> Result<(&[u8], &[u8]), PixelError> {
    let cut = || PixelError::corrupt("a segment of its JPEG codestream is cut off");
    let (length, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
    let length = usize::from(u16::from_be_bytes(*length))
        .checked_sub(2)
        .ok_or_else(cut)?;
    rest.split_at_checked(length).ok_or_else(cut)
}
