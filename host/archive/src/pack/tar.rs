//! POSIX tar (ustar with pax extended headers, IEEE 1003.1 `pax`): blocks and records, as bytes.
//!
//! Separate from [`super::label`], which knows what Isocenter writes into them. Pure: no file is touched here.

/// Everything in a tar file is a multiple of this.
pub(crate) const BLOCK: usize = 512;

/// The largest size that the ustar size field holds (11 octal digits); beyond it a pax `size` record is needed.
pub(crate) const LARGEST: u64 = 0o777_7777_7777;

/// Two zero blocks end an archive. A file that just stops at a block boundary is read the same by every tar.
pub(crate) const TRAILER: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// What kind of member a header block announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `x`: records that describe the member that follows.
    Extended,
    /// `0`: a file.
    File,
}

/// What a header block says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Seconds since 1970.
    pub(crate) modified: u64,
    pub(crate) kind: Kind,
}

/// What 512 bytes turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Header(Header),
    /// All zero: the archive ends here.
    Zero,
    /// Not a header of the kinds that packs have, and why.
    Bad(&'static str),
}

/// Rounds up to whole blocks.
pub(crate) fn padded(length: u64) -> u64 {
    length.next_multiple_of(BLOCK as u64)
}

/// Writes a header block. The name must be at most 100 bytes; a size beyond [`LARGEST`] is written as zero, because the
/// caller's `size` record overrides it.
pub(crate) fn header(header: &Header) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    put(&mut block, NAME, header.name.as_bytes());
    put(&mut block, MODE, b"0000600\0");
    put(&mut block, OWNER, b"0000000\0");
    put(&mut block, GROUP, b"0000000\0");
    let size = if header.size > LARGEST { 0 } else { header.size };
    put(&mut block, SIZE, format!("{size:011o}\0").as_bytes());
    put(
        &mut block,
        MODIFIED,
        format!("{:011o}\0", header.modified.min(LARGEST)).as_bytes(),
    );
    put(
        &mut block,
        TYPE,
        if header.kind == Kind::Extended { b"x" } else { b"0" },
    );
    put(&mut block, MAGIC, b"ustar\x0000");
    let sum = format!("{:06o}\0 ", checksum(&block));
    put(&mut block, CHECKSUM, sum.as_bytes());
    block
}

/// Reads a header block.
pub(crate) fn read(block: &[u8; BLOCK]) -> Read {
    if block.iter().all(|byte| *byte == 0) {
        return Read::Zero;
    }
    if field(block, MAGIC) != b"ustar\x0000" {
        return Read::Bad("not a tar header");
    }
    if octal(field(block, CHECKSUM)) != Some(u64::from(checksum(block))) {
        return Read::Bad("the tar header's checksum is wrong");
    }
    let kind = match field(block, TYPE) {
        b"x" => Kind::Extended,
        b"0" => Kind::File,
        _ => return Read::Bad("not a kind of member that a pack has"),
    };
    let name = field(block, NAME).split(|byte| *byte == 0).next().unwrap_or_default();
    let (Ok(name), Some(size), Some(modified)) = (
        std::str::from_utf8(name),
        octal(field(block, SIZE)),
        octal(field(block, MODIFIED)),
    ) else {
        return Read::Bad("a field of the tar header is malformed");
    };
    Read::Header(Header {
        name: name.to_owned(),
        size,
        modified,
        kind,
    })
}

/// Appends one pax record: `<length> <keyword>=<value>\n`, where the length counts its own digits.
pub(crate) fn put_record(body: &mut Vec<u8>, keyword: &str, value: &str) {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + 1;
    while length.to_string().len() + rest != length {
        length = length.to_string().len() + rest;
    }
    body.extend_from_slice(format!("{length} {keyword}={value}\n").as_bytes());
}

/// Splits a pax body into its records; `None` if it is malformed.
pub(crate) fn records(mut body: &[u8]) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    while !body.is_empty() {
        let space = body.iter().take(8).position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(body.get(..space)?).ok()?.parse().ok()?;
        let record = body.get(space + 1..length)?.strip_suffix(b"\n")?;
        let (keyword, value) = std::str::from_utf8(record).ok()?.split_once('=')?;
        found.push((keyword, value));
        body = body.get(length..)?;
    }
    Some(found)
}

type Field = std::ops::Range<usize>;
const NAME: Field = 0..100;
const MODE: Field = 100..108;
const OWNER: Field = 108..116;
const GROUP: Field = 116..124;
const SIZE: Field = 124..136;
const MODIFIED: Field = 136..148;
const CHECKSUM: Field = 148..156;
const TYPE: Field = 156..157;
const MAGIC: Field = 257..265;

fn field(block: &[u8; BLOCK], at: Field) -> &[u8] {
    block.get(at).unwrap_or_default()
}

fn put(block: &mut [u8; BLOCK], at: Field, value: &[u8]) {
    for (to, from) in block.iter_mut().skip(at.start).take(at.len()).zip(value) {
        *to = *from;
    }
}

/// The sum of all bytes, the checksum field itself counted as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = field(block, CHECKSUM).iter().map(|byte| u32::from(*byte)).sum();
    sum - own + 8 * u32::from(b' ')
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(text, 8).ok()
}

#[cfg(test)]
mod tests;
