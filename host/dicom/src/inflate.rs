//! The deflated transfer syntax: a plain RFC 1951 stream around an Explicit VR Little Endian data set (PS3.5 §A.5).
//!
//! Separate because it comes before everything else that reads, and because it is where a small object can become a
//! huge one: the output is bounded in bytes and in proportion to the input.

use crate::error::{ParseError, Problem};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Bytes by which the output grows at a time.
const STEP: usize = 64 << 10;

/// Bytes after the end of the stream that can mean something.
const TRAILER: usize = 8;

/// Output that is always allowed, whatever the ratio: small data sets compress well.
const FREE: u64 = 1 << 20;

/// Inflates a data set as bytes arrive.
#[derive(Debug)]
pub struct Inflater {
    stream: Decompress,
    limit: u64,
    ratio: u32,
    ended: bool,
    /// The first two bytes, to recognize a zlib header.
    first: [Option<u8>; 2],
    /// What followed the end of the stream, at most [`TRAILER`] bytes; zeros behind those are left out.
    after: Vec<u8>,
}

impl Inflater {
    /// Refuses to give more than `limit_out` bytes, or more than `ratio` bytes per byte taken (once past 1 MiB).
    /// Deflate itself cannot do better than about 1,030 to 1; images and text reach 5 to 20.
    pub fn new(limit_out: u64, ratio: u32) -> Self {
        Self {
            stream: Decompress::new(false),
            limit: limit_out,
            ratio,
            ended: false,
            first: [None; 2],
            after: Vec::new(),
        }
    }

    /// Takes the next deflated bytes; appends what comes out: up to `ratio` times as many, so give it small pieces.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), ParseError> {
        for byte in chunk.iter().take(2) {
            if let Some(free) = self.first.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(*byte);
            }
        }
        let mut rest = chunk;
        while !self.ended {
            out.reserve(STEP);
            let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.decompress_vec(rest, out, FlushDecompress::None);
            let taken = self.stream.total_in() - before_in;
            rest = rest.get(taken as usize..).unwrap_or_default();
            self.check()?;
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) if taken == 0 && self.stream.total_out() == before_out => break,
                // Nothing more to take, and there was room left in the output: all has come out.
                Ok(_) if rest.is_empty() && out.len() < out.capacity() => break,
                Ok(_) => {}
                Err(_) => return Err(self.error(self.damage())),
            }
        }
        for &byte in rest {
            match (byte, self.after.len() < TRAILER) {
                (_, true) => self.after.push(byte),
                (0, false) => {}
                (_, false) => return Err(self.error(Problem::AfterDeflate)),
            }
        }
        Ok(())
    }

    /// The stream is over; an error when it ends in the middle.
    pub fn finish(self) -> Result<(), ParseError> {
        if self.ended {
            return if self.is_trailer() {
                Ok(())
            } else {
                Err(self.error(Problem::AfterDeflate))
            };
        }
        let problem = match self.damage() {
            Problem::Zlib => Problem::Zlib,
            _ => Problem::DeflateEnds,
        };
        Err(self.error(problem))
    }

    /// The stream is padded to even length with a zero, some writers pad more, and some leave the trailer of gzip there:
    /// a check sum, and how much comes out (RFC 1952 §2.3.1).
    fn is_trailer(&self) -> bool {
        let length = (self.stream.total_out() as u32).to_le_bytes();
        self.after.iter().all(|&b| b == 0) || self.after.get(4..) == Some(&length)
    }

    fn check(&self) -> Result<(), ParseError> {
        let (taken, given) = (self.stream.total_in(), self.stream.total_out());
        if given > self.limit {
            return Err(self.error(Problem::InflatesTooFar(self.limit)));
        }
        if given > FREE && given > taken.saturating_mul(u64::from(self.ratio)) {
            return Err(self.error(Problem::InflatesTooMuch(self.ratio)));
        }
        Ok(())
    }

    /// RFC 1950 §2.2: compression method 8, and the first two bytes a multiple of 31.
    fn damage(&self) -> Problem {
        match self.first {
            [Some(a), Some(b)] if a & 15 == 8 && u16::from_be_bytes([a, b]) % 31 == 0 => Problem::Zlib,
            _ => Problem::Deflate,
        }
    }

    fn error(&self, problem: Problem) -> ParseError {
        ParseError::new(None, self.stream.total_in(), problem)
    }
}

/// Deflates a data set as bytes arrive.
#[derive(Debug)]
pub struct Deflater {
    stream: Compress,
}

impl Default for Deflater {
    fn default() -> Self {
        Self::new()
    }
}

impl Deflater {
    /// A deflater at the start of a data set.
    pub fn new() -> Self {
        Self {
            stream: Compress::new(Compression::default(), false),
        }
    }

    /// Takes the next bytes; appends what comes out.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        self.run(chunk, FlushCompress::None, out);
    }

    /// Ends the stream, padded to even length as PS3.5 §A.5 wants.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.run(&[], FlushCompress::Finish, out);
        if self.stream.total_out() % 2 == 1 {
            out.push(0);
        }
    }

    fn run(&mut self, chunk: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
        let mut rest = chunk;
        loop {
            out.reserve(STEP);
            let before = self.stream.total_in();
            // Deflating cannot fail for lack of anything but output, of which there is enough.
            let status = self.stream.compress_vec(rest, out, flush);
            let taken = self.stream.total_in() - before;
            rest = rest.get(taken as usize..).unwrap_or_default();
            match status {
                Ok(Status::Ok) if !rest.is_empty() || matches!(flush, FlushCompress::Finish) => {}
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests;
