//! The requesting side of one DICOM association, as much as a load needs: propose CT in explicit little endian,
//! C-STORE, release; and messages as such, for those who ask (`ask.rs`).
//!
//! Separate from host/dimse on purpose: a load generator built on the code under test would hide that code's
//! faults, and it would spend the processor time that it is to measure. It is blocking, copies no object, and
//! sets TCP_NODELAY.

use std::io::{self, BufReader, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::generate::{Outgoing, SOP_CLASS};

const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
pub(crate) const CONTEXT: u8 = 1;
/// Longest PDU that a peer may send here: only answers are expected.
const LONGEST_ANSWER: u32 = 1 << 20;
/// Longest PDU sent, whatever the peer would accept.
const LONGEST_SENT: usize = 256 << 10;

/// An established association whose presentation contexts are all accepted.
pub(crate) struct Association {
    reading: BufReader<TcpStream>,
    writing: TcpStream,
    /// Bytes of a data set that fit into one PDU.
    fragment: usize,
    message: u16,
    /// What the last PDU was read into.
    buffer: Vec<u8>,
}

/// A message that was received.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) context: u8,
    pub(crate) command: Vec<u8>,
    /// Bytes of its data set.
    pub(crate) data_bytes: u64,
}

impl Association {
    /// Opens an association; every read and write afterwards waits at most `patience`.
    ///
    /// # Errors
    /// The peer cannot be reached, rejects the association or the presentation context, or does not answer.
    pub(crate) fn open(address: SocketAddr, called: &str, calling: &str, patience: Duration) -> io::Result<Self> {
        Self::open_for(address, called, calling, patience, &[SOP_CLASS], false)
    }

    /// Opens an association for these SOP classes, whose contexts have the ids 1, 3, 5 and so on. `provides`: of CT this
    /// side is the provider, as C-GET wants it.
    ///
    /// # Errors
    /// As [`Association::open`].
    pub(crate) fn open_for(
        address: SocketAddr,
        called: &str,
        calling: &str,
        patience: Duration,
        classes: &[&str],
        provides: bool,
    ) -> io::Result<Self> {
        let writing = TcpStream::connect_timeout(&address, patience)?;
        let mut association = Self::over(writing, patience)?;
        let asked = request(called, calling, classes, provides);
        association.writing.write_all(&asked)?;
        let (kind, body) = association.pdu()?;
        if kind != 0x02 {
            let what = format!(
                "association not accepted: PDU type {kind}, {:?}",
                body.get(..4).unwrap_or_default()
            );
            return Err(io::Error::other(what));
        }
        let longest = accepted(&body, classes.len())
            .ok_or_else(|| io::Error::other("explicit little endian is not accepted for all of them"))?;
        association.fragment = longest.min(LONGEST_SENT) - 6;
        Ok(association)
    }

    /// A connection on which nothing has been said.
    pub(crate) fn over(writing: TcpStream, patience: Duration) -> io::Result<Self> {
        writing.set_nodelay(true)?;
        writing.set_read_timeout(Some(patience))?;
        writing.set_write_timeout(Some(patience))?;
        Ok(Self {
            reading: BufReader::new(writing.try_clone()?),
            writing,
            fragment: 0,
            message: 0,
            buffer: Vec::new(),
        })
    }

    /// The next Message ID.
    pub(crate) fn next_id(&mut self) -> u16 {
        self.message = self.message.wrapping_add(1);
        self.message
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writing.write_all(bytes)
    }

    /// Sends a short message: a command, and a data set of one PDU where there is one.
    pub(crate) fn say(&mut self, context: u8, command: &[u8], data: Option<&[u8]>) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(command.len() + data.map_or(0, <[u8]>::len) + 24);
        for (part, control) in [(Some(command), 0x03), (data, 0x02)] {
            if let Some(part) = part {
                bytes.extend_from_slice(&prefix(context, part.len(), control));
                bytes.extend_from_slice(part);
            }
        }
        self.writing.write_all(&bytes)
    }

    /// Receives a message; `None` where the peer ends the association. Of a data set only its length is kept.
    pub(crate) fn heard(&mut self) -> io::Result<Option<Heard>> {
        let mut heard = Heard::default();
        let (mut has_command, mut has_data) = (false, false);
        loop {
            let (kind, body) = self.pdu()?;
            if kind != 0x04 {
                self.buffer = body;
                return Ok(None);
            }
            let mut rest = body.as_slice();
            while let Some((value, after)) = sized(rest) {
                rest = after;
                let Some((&[context, control], part)) = value.split_first_chunk() else {
                    break;
                };
                heard.context = context;
                if control & 0x01 == 0 {
                    heard.data_bytes += part.len() as u64;
                    has_data |= control & 0x02 != 0;
                    continue;
                }
                heard.command.extend_from_slice(part);
                has_command |= control & 0x02 != 0;
            }
            self.buffer = body;
            // Command Data Set Type (0000,0800): 0101H says that there is none.
            if has_command && (has_data || number(&heard.command, 0x0800) == Some(0x0101)) {
                return Ok(Some(heard));
            }
        }
    }

    /// Sends one object and waits for the answer: the DIMSE status.
    ///
    /// # Errors
    /// The connection broke or the answer is not a C-STORE response.
    pub(crate) fn store(&mut self, object: &Outgoing<'_>) -> io::Result<u16> {
        self.message = self.message.wrapping_add(1);
        let command = c_store(object.sop_instance, self.message);
        let total = object.header.len() + object.pixels.len();
        // Every PDU's own twelve bytes first, so that they can be borrowed beside the data while it is written.
        let mut prefixes = vec![prefix(CONTEXT, command.len(), 0x03)];
        for start in (0..total).step_by(self.fragment) {
            let length = self.fragment.min(total - start);
            let control = if start + length == total { 0x02 } else { 0x00 };
            prefixes.push(prefix(CONTEXT, length, control));
        }
        let mut slices = Vec::with_capacity(prefixes.len() * 2 + 2);
        let (mut header, mut pixels) = (object.header, object.pixels);
        for (nth, prefix) in prefixes.iter().enumerate() {
            slices.push(IoSlice::new(prefix));
            if nth == 0 {
                slices.push(IoSlice::new(&command));
                continue;
            }
            let from_header = self.fragment.min(header.len());
            let from_pixels = (self.fragment - from_header).min(pixels.len());
            for (source, length) in [(&mut header, from_header), (&mut pixels, from_pixels)] {
                let (part, rest) = source.split_at(length);
                *source = rest;
                if length > 0 {
                    slices.push(IoSlice::new(part));
                }
            }
        }
        write_all(&mut self.writing, &mut slices)?;
        self.status()
    }

    /// Ends the association in order. A peer that does not answer is left alone.
    pub(crate) fn release(mut self) {
        if self.writing.write_all(&[5, 0, 0, 0, 0, 4, 0, 0, 0, 0]).is_ok() {
            let _ = self.pdu();
        }
    }

    /// The status (0000,0900) of the answer.
    fn status(&mut self) -> io::Result<u16> {
        let heard = self
            .heard()?
            .ok_or_else(|| io::Error::other("the peer ended the association"))?;
        number(&heard.command, 0x0900).ok_or_else(|| io::Error::other("an answer without a status"))
    }

    pub(crate) fn pdu(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut start = [0_u8; 6];
        self.reading.read_exact(&mut start)?;
        let [kind, _, length @ ..] = start;
        let length = u32::from_be_bytes(length);
        if length > LONGEST_ANSWER {
            return Err(io::Error::other(format!("a PDU of {length} bytes was announced")));
        }
        // The last one's, so that many large ones cost no memory anew.
        let mut body = std::mem::take(&mut self.buffer);
        body.resize(length as usize, 0);
        self.reading.read_exact(&mut body)?;
        Ok((kind, body))
    }
}

/// P-DATA-TF with one presentation data value: both lengths, the context and the control header (PS3.8 §9.3.5).
fn prefix(context: u8, length: usize, control: u8) -> [u8; 12] {
    let [a, b, c, d] = (length as u32 + 6).to_be_bytes();
    let [e, f, g, h] = (length as u32 + 2).to_be_bytes();
    [4, 0, a, b, c, d, e, f, g, h, context, control]
}

/// A 32-bit length and what it covers; then the rest.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

fn write_all(stream: &mut TcpStream, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match stream.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A-ASSOCIATE-RQ (PS3.8 §9.3.2) with a presentation context for each of these SOP classes.
fn request(called: &str, calling: &str, classes: &[&str], provides: bool) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    for title in [called, calling] {
        body.extend_from_slice(format!("{title:16.16}").as_bytes());
    }
    body.extend_from_slice(&[0; 32]);
    item(&mut body, 0x10, b"1.2.840.10008.3.1.1.1");
    for (id, class) in (CONTEXT..).step_by(2).zip(classes) {
        let mut context = vec![id, 0, 0, 0];
        item(&mut context, 0x30, class.as_bytes());
        item(&mut context, 0x40, EXPLICIT_LITTLE_ENDIAN.as_bytes());
        item(&mut body, 0x20, &context);
    }
    let mut user = Vec::new();
    item(&mut user, 0x51, &LONGEST_ANSWER.to_be_bytes());
    item(&mut user, 0x52, b"1.2.826.0.1.3680043.10.1451.7.1");
    if provides {
        let mut role = (SOP_CLASS.len() as u16).to_be_bytes().to_vec();
        role.extend_from_slice(SOP_CLASS.as_bytes());
        role.extend_from_slice(&[0, 1]);
        item(&mut user, 0x54, &role);
    }
    item(&mut user, 0x55, b"ISOCENTER_BENCH");
    item(&mut body, 0x50, &user);
    let mut pdu = vec![1, 0];
    pdu.extend_from_slice(&(body.len() as u32).to_be_bytes());
    pdu.extend_from_slice(&body);
    pdu
}

/// A-ASSOCIATE-AC (PS3.8 §9.3.3) that accepts every context of this request in the first of its transfer syntaxes.
pub(crate) fn acceptance(request: &[u8]) -> Vec<u8> {
    let mut body = request.get(..68).unwrap_or_default().to_vec();
    item(&mut body, 0x10, b"1.2.840.10008.3.1.1.1");
    for (kind, value) in Items(request.get(68..).unwrap_or_default()) {
        if let (0x20, Some((id, rest))) = (kind, value.split_first()) {
            let syntax = Items(rest.get(3..).unwrap_or_default()).find(|(kind, _)| *kind == 0x40);
            let mut context = vec![*id, 0, 0, 0];
            item(&mut context, 0x40, syntax.map_or(&[], |(_, syntax)| syntax));
            item(&mut body, 0x21, &context);
        }
    }
    let mut user = Vec::new();
    item(&mut user, 0x51, &LONGEST_ANSWER.to_be_bytes());
    item(&mut user, 0x52, b"1.2.826.0.1.3680043.10.1451.7.1");
    item(&mut body, 0x50, &user);
    let mut pdu = vec![2, 0];
    pdu.extend_from_slice(&(body.len() as u32).to_be_bytes());
    pdu.extend_from_slice(&body);
    pdu
}

fn item(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    out.extend_from_slice(&[kind, 0]);
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
}

/// The longest PDU of the peer if A-ASSOCIATE-AC accepts so many contexts.
fn accepted(body: &[u8], contexts: usize) -> Option<usize> {
    let mut accepted = 0;
    let mut longest = LONGEST_SENT;
    for (kind, value) in Items(body.get(68..)?) {
        match kind {
            0x21 => accepted += usize::from(value.get(2) == Some(&0)),
            0x50 => {
                let limit = Items(value)
                    .find(|(kind, _)| *kind == 0x51)
                    .and_then(|(_, value)| value.try_into().ok());
                match limit.map_or(0, u32::from_be_bytes) {
                    0 => {}
                    limit => longest = limit as usize,
                }
            }
            _ => {}
        }
    }
    (accepted == contexts && longest > 64).then_some(longest)
}

/// Items and sub-items of an association PDU: type, a reserved byte, length, value.
struct Items<'a>(&'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[kind, _, high, low], rest) = self.0.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        self.0 = rest;
        Some((kind, value))
    }
}

/// C-STORE-RQ command set (PS3.7 §9.3.1).
fn c_store(sop_instance: &str, message: u16) -> Vec<u8> {
    command(&[
        (0x0002, SOP_CLASS.as_bytes()),
        (0x0100, &1_u16.to_le_bytes()),
        (0x0110, &message.to_le_bytes()),
        (0x0700, &0_u16.to_le_bytes()),
        (0x0800, &0_u16.to_le_bytes()),
        (0x1000, sop_instance.as_bytes()),
    ])
}

/// A command set of these elements of group 0000, implicit little endian.
pub(crate) fn command(elements: &[(u16, &[u8])]) -> Vec<u8> {
    let mut fields = Vec::new();
    for (number, value) in elements {
        element(&mut fields, *number, value);
    }
    let mut command = Vec::with_capacity(fields.len() + 12);
    element(&mut command, 0x0000, &(fields.len() as u32).to_le_bytes());
    command.extend_from_slice(&fields);
    command
}

fn element(out: &mut Vec<u8>, number: u16, value: &[u8]) {
    let padded = value.len() + value.len() % 2;
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&(padded as u32).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len() + padded - value.len(), 0);
}

/// An element of a command set as a number.
pub(crate) fn number(command: &[u8], wanted: u16) -> Option<u16> {
    Some(u16::from_le_bytes(raw(command, wanted)?.try_into().ok()?))
}

/// An element of a command set as it is.
pub(crate) fn raw(mut command: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (&[_, _, low, high, a, b, c, d], rest) = command.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes([a, b, c, d]) as usize)?;
        if u16::from_le_bytes([low, high]) == wanted {
            return Some(value);
        }
        command = rest;
    }
}

#[cfg(test)]
mod tests;
