//! Conversations of DCMTK and pynetdicom for every service (`conversations/*.bin`, recorded by `record.py`), changed in
//! thousands of ways and said to a host: every one ends, and the host does its work beside them and after them.
//!
//! The changes come from a generator with a fixed seed. What a failure names can be said again by
//! `ISOCENTER_SEED=NUMBER`, and more of them are said with `ISOCENTER_CHANGES=NUMBER`.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use door::Host;
use door::object::Object;

/// Changed conversations, unless the environment asks for more.
const CHANGES: u64 = 3_000;
/// Conversations at a time.
const LANES: u64 = 4;
/// What no conversation may take, whose peer has said all that it says.
const LONGEST: Duration = Duration::from_secs(30);

/// Numbers without order (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = door::repository().join("host/server/tests/conversations");
    let mut seeds: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "bin"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                std::fs::read(&path).unwrap(),
            )
        })
        .collect();
    seeds.sort();
    seeds
}

/// Where the PDUs of a conversation begin, and its end.
fn pdus(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    while let Some(&at) = starts.last() {
        let Some(&[_, _, a, b, c, d]) = bytes.get(at..at + 6) else {
            break;
        };
        starts.push((at + 6 + u32::from_be_bytes([a, b, c, d]) as usize).min(bytes.len()));
    }
    starts
}

/// A conversation that was changed in one to four places. Half of them keep the association as it was proposed, so that
/// what follows is reached.
fn changed(seeds: &[(String, Vec<u8>)], dice: &mut Dice) -> Vec<u8> {
    let (_, seed) = &seeds[dice.below(seeds.len())];
    let mut bytes = seed.clone();
    let keeps = if dice.below(2) == 0 { pdus(&bytes)[1] } else { 0 };
    for _ in 0..=dice.below(4) {
        if bytes.len() <= keeps {
            break;
        }
        let at = keeps + dice.below(bytes.len() - keeps);
        match dice.below(9) {
            // A byte or a bit.
            0 => bytes[at] = dice.next() as u8,
            1 => bytes[at] ^= 1 << dice.below(8),
            // The lengths that are hardest to bear.
            2 | 3 => {
                let lengths: [u32; 7] = [0, 1, 7, 0xFF, 0xFFFF, 0x7FFF_FFFF, u32::MAX];
                let length = lengths[dice.below(lengths.len())];
                let value = if dice.below(2) == 0 {
                    length.to_le_bytes()
                } else {
                    length.to_be_bytes()
                };
                for (place, byte) in bytes[at..].iter_mut().zip(value) {
                    *place = byte;
                }
            }
            // The end is missing.
            4 => bytes.truncate(at),
            // Something is there twice, or gone, or from another conversation.
            5 => {
                let piece = bytes[at..bytes.len().min(at + dice.below(300))].to_vec();
                bytes.splice(at..at, piece);
            }
            6 => {
                let end = bytes.len().min(at + dice.below(64));
                bytes.drain(at..end);
            }
            7 => {
                let (_, other) = &seeds[dice.below(seeds.len())];
                let from = pdus(other);
                let begin = from[dice.below(from.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[begin..]);
            }
            // A sequence in a sequence, and so on.
            _ => {
                let nested = [
                    0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF, 0x08, 0x00, 0x40, 0x11, b'S', b'Q', 0, 0, 0xFF,
                    0xFF, 0xFF, 0xFF,
                ];
                bytes.splice(at..at, nested.repeat(1 + dice.below(20)));
            }
        }
    }
    bytes
}

/// Says it all, and reads until the host closes.
fn said(to: SocketAddr, bytes: &[u8]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(LONGEST))?;
    stream.set_write_timeout(Some(LONGEST))?;
    // A host that has heard enough closes before the end.
    if stream.write_all(bytes).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = [0; 4096];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn whatever_is_said_the_host_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing is kept waiting long, so that whatever waits is heard of.
    let host = Host::start(
        folder.path(),
        "[dicom]\nartim = \"2 s\"\npdu-time = \"2 s\"\nidle = \"3 s\"\n",
    );
    let seeds = seeds();
    assert!(seeds.len() >= 9, "{}", seeds.len());
    for (name, bytes) in &seeds {
        said(host.dicom, bytes).unwrap_or_else(|error| panic!("{name}, unchanged: {error}"));
    }
    let before = Object::slice(1, 1, 10);
    assert_eq!(host.send_one(&before), 0);

    let once = number("ISOCENTER_SEED");
    let changes = once.map_or_else(|| number("ISOCENTER_CHANGES").unwrap_or(CHANGES), |_| 1);
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (seeds, address) = (&seeds, host.dicom);
            scope.spawn(move || {
                for change in (lane..changes).step_by(LANES as usize) {
                    let seed = once.unwrap_or(change);
                    let bytes = changed(seeds, &mut Dice(seed));
                    if let Err(error) = said(address, &bytes) {
                        panic!("ISOCENTER_SEED={seed}: {error}");
                    }
                }
            });
        }
        // Beside them others are served.
        for nth in 2..6 {
            assert_eq!(host.send_one(&Object::slice(nth, 1, 10)), 0);
        }
    });
    assert_eq!(host.send_one(&Object::slice(7, 1, 10)), 0);
    assert!(host.object(&before.study, &before.series, &before.uid).is_some());
    let log = host.log();
    assert!(!log.contains("panicked"), "{log}");
}
