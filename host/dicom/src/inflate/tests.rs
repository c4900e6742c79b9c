//! Streams that are whole, cut, damaged and hostile.

use super::*;

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut deflater = Deflater::new();
    for chunk in bytes.chunks(1000) {
        deflater.push(chunk, &mut out);
    }
    deflater.finish(&mut out);
    out
}

fn inflate(bytes: &[u8], chunk: usize, limit: u64, ratio: u32) -> Result<Vec<u8>, Problem> {
    let mut inflater = Inflater::new(limit, ratio);
    let mut out = Vec::new();
    for chunk in bytes.chunks(chunk) {
        inflater
            .push(chunk, &mut out)
            .map_err(|error| error.problem().clone())?;
    }
    inflater.finish().map_err(|error| error.problem().clone())?;
    Ok(out)
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(step).collect()
}

#[test]
fn there_and_back() {
    for bytes in [vec![], b"a".to_vec(), noise(200_000), vec![7; 500_000]] {
        let deflated = deflate(&bytes);
        assert_eq!(deflated.len() % 2, 0);
        for chunk in [1, 77, 1 << 20] {
            assert_eq!(
                inflate(&deflated, chunk, 1 << 20, 2000).as_ref(),
                Ok(&bytes),
                "{} by {chunk}",
                bytes.len()
            );
        }
    }
}

/// The stream without the byte that makes its length even.
fn raw_end(deflated: &[u8]) -> &[u8] {
    let mut inflater = Decompress::new(false);
    let mut out = Vec::with_capacity(1 << 20);
    inflater
        .decompress_vec(deflated, &mut out, FlushDecompress::Finish)
        .unwrap();
    &deflated[..inflater.total_in() as usize]
}

#[test]
fn refused() {
    let whole = deflate(&noise(10_000));
    let zlib = [&[0x78, 0x9C][..], &whole].concat();
    let garbage = [&whole[..], b"xx"].concat();
    let gzip = [raw_end(&whole), &[1, 2, 3, 4], &10_000u32.to_le_bytes(), &[0]].concat();
    let padded = [&whole[..], &[0; 6]].concat();
    let bomb = deflate(&vec![0; 8 << 20]);
    let cases: &[(&str, &[u8], Result<(), Problem>)] = &[
        ("whole", &whole, Ok(())),
        ("padded", &padded, Ok(())),
        ("with the trailer of gzip", &gzip, Ok(())),
        ("cut", &whole[..5000], Err(Problem::DeflateEnds)),
        ("nothing", b"", Err(Problem::DeflateEnds)),
        ("zlib", &zlib, Err(Problem::Zlib)),
        ("garbage behind", &garbage, Err(Problem::AfterDeflate)),
        ("not deflated", b"\xFF\xFF\xFF\xFF", Err(Problem::Deflate)),
        ("bomb", &bomb, Err(Problem::InflatesTooMuch(100))),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(inflate(bytes, 4096, 1 << 30, 100).map(drop), *expected, "{name}");
    }
    assert_eq!(
        inflate(&bomb, 4096, 1 << 20, 2000),
        Err(Problem::InflatesTooFar(1 << 20))
    );
}

#[test]
fn a_bomb_takes_little_memory() {
    let bomb = deflate(&vec![0; 8 << 20]);
    let mut inflater = Inflater::new(1 << 30, 100);
    let mut out = Vec::new();
    assert!(inflater.push(&bomb, &mut out).is_err());
    assert!(out.capacity() <= 4 << 20, "{}", out.capacity());
}
