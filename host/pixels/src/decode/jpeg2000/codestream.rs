//! What a JPEG 2000 codestream says about itself, read without decoding it (ISO/IEC 15444-1 Annex A).
//!
//! Separate because a few bytes here can ask for millions of tiles, precincts and code-blocks, each of which a decoder
//! allocates before it has read a single sample. They are counted first.

use crate::PixelError;

/// Tiles, precincts and code-blocks at most, all together; a decoder holds some 100 bytes for each.
const PARTS: u64 = 4 << 20;

/// The numbers of one codestream.
#[derive(Debug)]
pub(super) struct Codestream<'a> {
    /// The codestream, out of the file format that some writers wrap it in.
    pub(super) bytes: &'a [u8],
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) components: u16,
    pub(super) precision: u16,
    pub(super) signed: bool,
    /// Its code-blocks are those of ISO/IEC 15444-15.
    pub(super) high_throughput: bool,
    tiles: u64,
    /// Decomposition levels at most, samples in the smallest code-block, and in the smallest precinct.
    levels: u64,
    code_block: u64,
    precinct: u64,
    layers: u64,
}

fn cut() -> PixelError {
    PixelError::corrupt("the header of its JPEG 2000 codestream is cut off")
}

impl<'a> Codestream<'a> {
    pub(super) fn read(stored: &'a [u8]) -> Result<Self, PixelError> {
        let bytes = unwrapped(stored)?;
        let rest = bytes
            .strip_prefix(b"\xFF\x4F\xFF\x51")
            .ok_or_else(|| PixelError::corrupt("a frame does not begin as a JPEG 2000 codestream"))?;
        let (size, mut rest) = segment(rest)?;
        let mut codestream = Self::sized(bytes, size)?;
        loop {
            let (marker, behind) = rest.split_first_chunk().ok_or_else(cut)?;
            let [0xFF, marker] = *marker else { return Err(cut()) };
            if marker == 0x90 {
                break;
            }
            if matches!(marker, 0x30..=0x3F) {
                rest = behind;
                continue;
            }
            let (segment, behind) = segment(behind)?;
            rest = behind;
            match marker {
                0x52 => codestream.style(segment.get(5..).ok_or_else(cut)?, segment)?,
                0x53 => codestream.style(segment.get(2..).ok_or_else(cut)?, &[])?,
                _ => {}
            }
        }
        codestream.check_tile_parts(rest)?;
        Ok(codestream)
    }

    /// SIZ, §A.5.1.
    fn sized(bytes: &'a [u8], size: &[u8]) -> Result<Self, PixelError> {
        let number = |at: usize| {
            let four = size.get(at..at + 4).and_then(<[u8]>::first_chunk);
            four.map(|four| u32::from_be_bytes(*four)).ok_or_else(cut)
        };
        let [right, bottom, left, top] = [number(2)?, number(6)?, number(10)?, number(14)?];
        let tile = [number(18)?, number(22)?, number(26)?, number(30)?];
        let components: &[[u8; 3]] = size.get(36..).ok_or_else(cut)?.as_chunks().0;
        let [first, ..] = components else { return Err(cut()) };
        let stated = size.get(34..36).and_then(<[u8]>::first_chunk);
        if stated.map(|stated| usize::from(u16::from_be_bytes(*stated))) != Some(components.len()) {
            return Err(cut());
        }
        if components
            .iter()
            .any(|component| component != first || !component.ends_with(&[1, 1]))
        {
            return Err(PixelError::unsupported(
                "JPEG 2000 with subsampled components, or components of different precision",
            ));
        }
        let along = |end: u32, begin: u32, size: u32| {
            let covered = end.checked_sub(begin).filter(|_| size > 0).ok_or_else(cut)?;
            Ok::<_, PixelError>(u64::from(covered.div_ceil(size)))
        };
        Ok(Self {
            bytes,
            rows: bottom.checked_sub(top).ok_or_else(cut)?,
            columns: right.checked_sub(left).ok_or_else(cut)?,
            components: u16::try_from(components.len()).map_err(|_| cut())?,
            precision: u16::from(first[0] & 0x7F) + 1,
            signed: first[0] & 0x80 != 0,
            high_throughput: false,
            tiles: along(right, tile[2], tile[0])? * along(bottom, tile[3], tile[1])?,
            levels: 0,
            code_block: u64::MAX,
            precinct: u64::MAX,
            layers: 1,
        })
    }

    /// The coding style of COD (§A.6.1), of which `defaults` is the whole segment, or of COC (§A.6.2).
    fn style(&mut self, style: &[u8], defaults: &[u8]) -> Result<(), PixelError> {
        if let [_, _, high, low, ..] = defaults {
            self.layers = u64::from(u16::from_be_bytes([*high, *low]));
        }
        let [levels, width, height, blocks, transform, precincts @ ..] = style else {
            return Err(cut());
        };
        let high_throughput = blocks & 0x40 != 0;
        let components_differ = defaults.is_empty() && high_throughput != self.high_throughput;
        if components_differ || high_throughput && blocks & 0x80 != 0 {
            return Err(PixelError::unsupported(
                "JPEG 2000 of which only some code-blocks are high-throughput",
            ));
        }
        // The decoder takes what was cut away for zero, and not for half of what it may have been.
        if high_throughput && *transform != 1 {
            return Err(PixelError::unsupported("irreversible high-throughput JPEG 2000"));
        }
        self.high_throughput = high_throughput;
        let exponent = u32::from(width & 15) + u32::from(height & 15) + 4;
        self.levels = self.levels.max(u64::from(*levels));
        self.code_block = self.code_block.min(1 << exponent);
        for precinct in precincts {
            let exponent = u32::from(precinct & 15) + u32::from(precinct >> 4);
            self.precinct = self.precinct.min(1 << exponent);
        }
        Ok(())
    }

    /// Whether a decoder may be asked to make a place for each tile, precinct and code-block of a frame with so many
    /// samples.
    pub(super) fn check_parts(&self, samples: u64) -> Result<(), PixelError> {
        // Every level has a third as many samples as those below it have together, at most.
        let samples = samples.saturating_mul(4) / 3;
        let bands = 3 * self.levels + 1;
        let tile_bands = self
            .tiles
            .saturating_mul(u64::from(self.components))
            .saturating_mul(bands);
        // A precinct cuts code-blocks and is there once for each of three bands; at the edges of tiles there are more of
        // either than fit.
        let around = |part: u64| (samples / part.max(1)).saturating_add(tile_bands.saturating_mul(4));
        let blocks = around(self.code_block).saturating_add(around(self.precinct).saturating_mul(3));
        if blocks.saturating_mul(self.layers.max(1)) > PARTS {
            return Err(PixelError::unsupported(format!(
                "JPEG 2000 of more than {PARTS} tiles, precincts and code-blocks"
            )));
        }
        Ok(())
    }

    /// Follows the tile-parts from the first, which begins `rest`: every tile must have one. A tile-part may bring a coding
    /// style of its own, which nothing in medicine does, and which would make the counts wrong.
    fn check_tile_parts(&self, mut rest: &[u8]) -> Result<(), PixelError> {
        // A tile has a number of 16 bits.
        let tiles = usize::try_from(self.tiles).ok().filter(|tiles| *tiles <= 1 << 16);
        let mut present = vec![false; tiles.ok_or_else(cut)?];
        while let [0xFF, 0x90, 0, 10, high, low, a, b, c, d, _, _, header @ ..] = rest {
            let tile = usize::from(u16::from_be_bytes([*high, *low]));
            *present.get_mut(tile).ok_or_else(cut)? = true;
            check_tile_part(header)?;
            rest = match u32::from_be_bytes([*a, *b, *c, *d]) {
                0 => &[],
                length => rest.get(length.max(14) as usize..).ok_or_else(cut)?,
            };
        }
        if present.contains(&false) {
            return Err(PixelError::corrupt(
                "its JPEG 2000 codestream has no data for some tiles",
            ));
        }
        Ok(())
    }
}

/// The markers of a tile-part up to the start of its data (SOD).
fn check_tile_part(mut rest: &[u8]) -> Result<(), PixelError> {
    loop {
        let (marker, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        rest = match marker {
            [0xFF, 0x93] => return Ok(()),
            [0xFF, 0x52 | 0x53] => {
                return Err(PixelError::unsupported(
                    "JPEG 2000 whose tiles have coding styles of their own",
                ));
            }
            [0xFF, 0x30..=0x3F] => behind,
            _ => segment(behind)?.1,
        };
    }
}

/// The codestream in a JP2 file (§I.4): DICOM has the codestream alone, some writers wrap it.
fn unwrapped(stored: &[u8]) -> Result<&[u8], PixelError> {
    if !stored.starts_with(b"\0\0\0\x0CjP  ") {
        return Ok(stored);
    }
    let mut rest = stored;
    loop {
        let (head, _) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let [a, b, c, d, kind @ ..] = *head;
        let (begin, length) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, rest.len()),
            1 => {
                let long = rest.get(8..16).and_then(<[u8]>::first_chunk).ok_or_else(cut)?;
                (16, usize::try_from(u64::from_be_bytes(*long)).map_err(|_| cut())?)
            }
            length => (8, length as usize),
        };
        let (this, behind) = rest.split_at_checked(length.max(begin)).ok_or_else(cut)?;
        if kind == *b"jp2c" {
            return this.get(begin..).ok_or_else(cut);
        }
        rest = behind;
    }
}

/// A segment without its length, and what follows it.
fn segment(bytes: &[u8]) -> Result<(&[u8], &[u8]), PixelError> {
    let (length, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
    let length = usize::from(u16::from_be_bytes(*length))
        .checked_sub(2)
        .ok_or_else(cut)?;
    rest.split_at_checked(length).ok_or_else(cut)
}
