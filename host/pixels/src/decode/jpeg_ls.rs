//! JPEG-LS (ISO/IEC 14495-1, ITU-T T.87), lossless and near-lossless, of 2 to 16 bits.
//!
//! Written here because CharLS is C++ and no crate decodes every interleave mode. It is the baseline of the standard:
//! mapping tables, restart intervals, point transforms and the colour transforms of one vendor are refused.

mod bits;
mod scan;

use super::Samples;
use crate::PixelError;
use crate::jpeg_ls::{Parameters, Preset};
use crate::layout::Layout;
use bits::Bits;
use scan::Scan;

/// The frame header (§C.2.2).
struct Header<'a> {
    precision: u16,
    rows: u32,
    columns: u32,
    /// Identifier, sampling factors and quantization table of each component.
    components: &'a [[u8; 3]],
}

pub(super) fn decode(layout: &Layout, stored: &[u8]) -> Result<Samples, PixelError> {
    let mut rest = stored
        .strip_prefix(b"\xFF\xD8")
        .ok_or_else(|| PixelError::corrupt("a frame does not begin as a JPEG-LS codestream"))?;
    let mut header: Option<Header<'_>> = None;
    let mut preset = Preset::default();
    let mut out = Vec::new();
    let mut decoded = Vec::new();
    loop {
        let (marker, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        rest = behind;
        let [0xFF, marker] = *marker else {
            return Err(PixelError::corrupt(
                "something else stands where a JPEG-LS marker belongs",
            ));
        };
        if marker == 0xFF {
            // A byte more before a marker fills.
            rest = stored.get(stored.len() - behind.len() - 1..).unwrap_or_default();
            continue;
        }
        if marker == 0xD9 {
            break;
        }
        let (segment, behind) = segment(rest)?;
        rest = behind;
        match marker {
            0xF7 => {
                let found = Header::read(segment)?;
                check(layout, &found)?;
                out = vec![0; layout.pixels() as usize * found.components.len() * width(found.precision)];
                header = Some(found);
            }
            0xF8 => preset = Preset::read(segment)?,
            0xDD if segment.iter().any(|&byte| byte != 0) => {
                return Err(PixelError::unsupported("JPEG-LS with restart intervals"));
            }
            0xE8 if segment.starts_with(b"mrfx") && segment.get(4).is_some_and(|&transform| transform != 0) => {
                return Err(PixelError::unsupported("JPEG-LS with a colour transform"));
            }
            0xDA => {
                let header = header
                    .as_ref()
                    .ok_or_else(|| PixelError::corrupt("a JPEG-LS scan has no frame"))?;
                let end = entropy_coded(rest);
                let (data, behind) = rest.split_at_checked(end).ok_or_else(cut)?;
                rest = behind;
                scan(header, preset, segment, data, &mut out, &mut decoded)?;
            }
            0xC0..=0xCF => return Err(PixelError::corrupt("the codestream is JPEG, not JPEG-LS")),
            _ => {}
        }
    }
    let header = header.ok_or_else(cut)?;
    if decoded.len() != header.components.len() {
        return Err(PixelError::corrupt(
            "its JPEG-LS codestream has no scan of some components",
        ));
    }
    Ok(Samples {
        bytes: out,
        precision: header.precision,
        colour_is_done: false,
    })
}

fn cut() -> PixelError {
    PixelError::corrupt("its JPEG-LS codestream is cut off")
}

fn width(precision: u16) -> usize {
    if precision > 8 { 2 } else { 1 }
}

impl<'a> Header<'a> {
    fn read(segment: &'a [u8]) -> Result<Self, PixelError> {
        let [precision, a, b, c, d, count, components @ ..] = segment else {
            return Err(cut());
        };
        let (components, rest) = components.as_chunks();
        if components.len() != usize::from(*count) || !rest.is_empty() {
            return Err(cut());
        }
        Ok(Self {
            precision: u16::from(*precision),
            rows: u32::from(u16::from_be_bytes([*a, *b])),
            columns: u32::from(u16::from_be_bytes([*c, *d])),
            components,
        })
    }
}

fn check(layout: &Layout, header: &Header<'_>) -> Result<(), PixelError> {
    let size = (header.rows, header.columns, header.components.len());
    let wanted = (layout.rows, layout.columns, usize::from(layout.samples));
    if size != wanted {
        return Err(PixelError::corrupt(format!(
            "the codestream says {} x {} x {}, the header {} x {} x {}",
            size.0, size.1, size.2, wanted.0, wanted.1, wanted.2
        )));
    }
    if !(2..=16).contains(&header.precision) {
        return Err(PixelError::corrupt("a JPEG-LS sample has 2 to 16 bits"));
    }
    if header.components.iter().any(|[_, sampling, _]| *sampling != 0x11) {
        return Err(PixelError::unsupported("JPEG-LS with subsampled components"));
    }
    Ok(())
}

impl Preset {
    /// An LSE segment (§C.2.4.1).
    fn read(segment: &[u8]) -> Result<Self, PixelError> {
        let Some((1, numbers)) = segment.split_first() else {
            return Err(PixelError::unsupported("JPEG-LS with mapping tables"));
        };
        let numbers: Vec<i32> = numbers
            .as_chunks()
            .0
            .iter()
            .map(|two| i32::from(u16::from_be_bytes(*two)))
            .collect();
        let [maximum, one, two, three, reset] = *numbers.as_slice() else {
            return Err(cut());
        };
        Ok(Self {
            maximum,
            thresholds: [one, two, three],
            reset,
        })
    }
}

/// Decodes one scan into its components' places.
fn scan(
    header: &Header<'_>,
    preset: Preset,
    segment: &[u8],
    data: &[u8],
    out: &mut [u8],
    decoded: &mut Vec<usize>,
) -> Result<(), PixelError> {
    let [count, rest @ ..] = segment else { return Err(cut()) };
    let (selectors, rest) = rest.split_at_checked(usize::from(*count) * 2).ok_or_else(cut)?;
    let [near, interleave, transform] = *rest else {
        return Err(cut());
    };
    let mut components = Vec::new();
    for [identifier, table] in selectors.as_chunks().0 {
        let component = header.components.iter().position(|[known, ..]| known == identifier);
        let component = component.ok_or_else(|| PixelError::corrupt("a JPEG-LS scan is of no component"))?;
        if *table != 0 || transform != 0 {
            return Err(PixelError::unsupported(
                "JPEG-LS with mapping tables or point transform",
            ));
        }
        if decoded.contains(&component) {
            return Err(PixelError::corrupt("a JPEG-LS component is there twice"));
        }
        decoded.push(component);
        components.push(component);
    }
    let parameters = Parameters::new(header.precision, i32::from(near), preset)?;
    let columns = header.columns as usize;
    let mut scan = match (interleave, components.len()) {
        (0 | 1, 1) => Scan::new(parameters, columns, 1, 1),
        (1, lines @ 2..) => Scan::new(parameters, columns, lines, 1),
        (2, samples @ 1..) => Scan::new(parameters, columns, 1, samples),
        _ => {
            return Err(PixelError::corrupt(
                "a JPEG-LS scan is not interleaved in a way there is",
            ));
        }
    };
    let mut bits = Bits::new(data);
    let width = width(header.precision);
    let pixel = header.components.len() * width;
    for row in out.chunks_exact_mut(columns * pixel) {
        scan.row(&mut bits)?;
        for (number, component) in components.iter().enumerate() {
            let places = row.get_mut(component * width..).unwrap_or_default().chunks_mut(pixel);
            for (place, sample) in places.zip(scan.samples(number)) {
                place
                    .iter_mut()
                    .zip(sample.to_le_bytes())
                    .take(width)
                    .for_each(|(to, from)| *to = from);
            }
        }
    }
    Ok(())
}

/// How many bytes are entropy-coded: up to a byte of all ones with a marker's byte behind it.
fn entropy_coded(bytes: &[u8]) -> usize {
    let mut pairs = bytes.iter().zip(bytes.iter().skip(1));
    let marker = pairs.position(|(&one, &next)| one == 0xFF && next >= 0x80);
    marker.unwrap_or(bytes.len())
}

/// A segment without its length, and what follows it.
fn segment(bytes: &[u8]) -> Result<(&[u8], &[u8]), PixelError> {
    let (length, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
    let length = usize::from(u16::from_be_bytes(*length))
        .checked_sub(2)
        .ok_or_else(cut)?;
    rest.split_at_checked(length).ok_or_else(cut)
}

#[cfg(test)]
mod tests;
