//! RLE (PS3.5 Annex G): PackBits, a segment for each byte of each sample, the most significant first.

use crate::{Frame, PixelError};

/// Segments that the header of a frame has room for.
const SEGMENTS: usize = 15;
/// Bytes of a run, or of literals, at most.
const LONGEST: usize = 128;

pub(super) fn encode(frame: &Frame) -> Result<Vec<u8>, PixelError> {
    let width = usize::from(frame.bits_allocated / 8);
    let pixel = usize::from(frame.samples) * width;
    if pixel > SEGMENTS {
        return Err(PixelError::unencoded(format!("RLE of {pixel} bytes a pixel")));
    }
    let mut header = vec![pixel as u32];
    let mut out = vec![0; 64];
    let mut plane = Vec::with_capacity(frame.columns as usize);
    for segment in 0..pixel {
        header.push(u32::try_from(out.len()).map_err(|_| PixelError::unencoded("RLE of such a length"))?);
        let first = segment / width * width + (width - 1 - segment % width);
        // A row is packed by itself.
        for row in frame.bytes.chunks_exact(frame.columns as usize * pixel) {
            plane.clear();
            plane.extend(row.iter().skip(first).step_by(pixel));
            pack(&plane, &mut out);
        }
        if out.len() % 2 == 1 {
            out.push(0);
        }
    }
    for (place, number) in out.as_chunks_mut().0.iter_mut().zip(header) {
        *place = number.to_le_bytes();
    }
    Ok(out)
}

fn pack(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let Some(&first) = bytes.first() {
        let run = bytes.iter().take(LONGEST).take_while(|&&byte| byte == first).count();
        let length = if run > 1 { run } else { literals(bytes) };
        let (these, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        if run > 1 {
            out.extend([(257 - run) as u8, first]);
        } else {
            out.push((length - 1) as u8);
            out.extend(these);
        }
        bytes = rest;
    }
}

/// How many bytes stand before a run that is worth ending literals for; at least one.
fn literals(bytes: &[u8]) -> usize {
    let mut threes = bytes.windows(3);
    let run = threes.position(|three| three.iter().all(|byte| three.first() == Some(byte)));
    run.unwrap_or(bytes.len()).clamp(1, LONGEST)
}
