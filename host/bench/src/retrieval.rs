//! C-GET and C-MOVE of CT studies: the host, Orthanc, and the same bytes read from a file and written to a socket.
//!
//! Separate from the loads because here bytes go the other way. Every object that was stored must come back.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::ask::{self, Sent};
use crate::cluster::Cluster;
use crate::cpu;
use crate::generate::{Generator, Size};
use crate::host::Host;
use crate::load::{self, Load, Peer};
use crate::options::Options;
use crate::orthanc::{Orthanc, Store};

/// Objects stored in every system.
const OBJECTS: u32 = 1_000;
/// Associations that ask at a time.
const LANES: [u32; 2] = [1, 4];
/// A system may finish for so long what it deferred.
const SETTLE: Duration = Duration::from_secs(10);
/// The AE title of the receiver of C-MOVE; an even number of letters.
const RECEIVER: &str = "RECEIVER";

/// How objects are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    Get,
    Move,
}

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "C-GET",
            Self::Move => "C-MOVE",
        }
    }
}

/// One system, asked for all that it has.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Retrieved {
    pub(crate) system: String,
    pub(crate) way: Way,
    pub(crate) associations: u32,
    pub(crate) megabytes_per_second: f64,
    /// Resident, of the host.
    pub(crate) peak_megabytes: Option<f64>,
}

pub(crate) const HOST: &str = "isocenter";
pub(crate) const POSTGRES: &str = "Orthanc, Postgres";
pub(crate) const SQLITE: &str = "Orthanc, SQLite";
pub(crate) const COPY: &str = "file to socket";

struct System {
    name: &'static str,
    peer: Peer,
    process: Option<u32>,
    studies: Vec<(String, u32)>,
}

/// Fills the systems and retrieves everything.
///
/// # Errors
/// A system does not become ready, refuses an object or does not give all back.
pub(crate) fn measure(
    options: &Options,
    generator: &Generator,
    folder: &Path,
) -> Result<Vec<Retrieved>, Box<dyn Error>> {
    let folder = folder.join("retrieval");
    std::fs::create_dir_all(&folder)?;
    let receiver = Receiver::start()?;
    let configuration = format!(
        "[destinations.receiver]\ndicom = {{ ae-title = \"{RECEIVER}\", address = \"{}\" }}\n",
        receiver.address
    );
    let host = Host::start(&options.host, &configuration, &folder)?;
    let cluster = Cluster::start(&folder)?.filter(|_| !options.without_orthanc);
    let mut orthancs = Vec::new();
    if !options.without_orthanc {
        let to = Some((RECEIVER, receiver.address));
        if let Some(cluster) = &cluster {
            let orthanc = Orthanc::start_with(&folder, Store::Postgres(cluster), to)?;
            orthancs.extend(orthanc.map(|orthanc| (POSTGRES, orthanc)));
        }
        let orthanc = Orthanc::start_with(&folder, Store::Sqlite, to)?;
        orthancs.extend(orthanc.map(|orthanc| (SQLITE, orthanc)));
    }
    let mut systems = vec![System {
        name: HOST,
        peer: host.asked(),
        process: Some(host.id()),
        studies: Vec::new(),
    }];
    systems.extend(orthancs.iter().map(|(name, orthanc)| System {
        name,
        peer: orthanc.peer.clone(),
        process: None,
        studies: Vec::new(),
    }));
    let objects = if options.quick { OBJECTS / 4 } else { OBJECTS };
    let mut bytes = 0;
    for system in &mut systems {
        bytes = system.fill(generator, objects)?;
    }
    host.trees.settle(SETTLE);
    let mut all = Vec::new();
    for way in [Way::Get, Way::Move] {
        for lanes in LANES {
            let rate = copy(&folder, bytes, lanes)?;
            all.push(Retrieved {
                system: COPY.to_owned(),
                way,
                associations: lanes,
                megabytes_per_second: rate,
                peak_megabytes: None,
            });
            for system in &systems {
                all.push(system.retrieved(way, lanes, objects, &receiver)?);
            }
        }
    }
    Ok(all)
}

impl System {
    /// Stores so many large objects: the bytes of their data sets.
    fn fill(&mut self, generator: &Generator, objects: u32) -> Result<u64, Box<dyn Error>> {
        let load = Load {
            size: Size::Large,
            lanes: 8,
            objects,
            limit: Duration::from_secs(300),
        };
        let outcome = load::send(generator, load, &self.peer)?;
        if outcome.objects < u64::from(objects) {
            let why = outcome.first_failure.unwrap_or_else(|| "it is too slow".into());
            return Err(format!("{}: {} of {objects} objects stored: {why}", self.name, outcome.objects).into());
        }
        self.studies = outcome.studies;
        Ok(outcome.bytes)
    }

    fn retrieved(&self, way: Way, lanes: u32, objects: u32, receiver: &Receiver) -> Result<Retrieved, Box<dyn Error>> {
        if let Some(process) = self.process {
            cpu::forget_peak(process);
        }
        let before = receiver.bytes.load(Ordering::Relaxed);
        let left = Mutex::new(self.studies.iter());
        let begun = Instant::now();
        let came = thread::scope(|scope| {
            let running: Vec<_> = (0..lanes).map(|_| scope.spawn(|| self.lane(way, &left))).collect();
            let mut came = Sent::default();
            for lane in running {
                let sent = lane
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("an asking thread panicked")))?;
                came.objects += sent.objects;
                came.bytes += sent.bytes;
            }
            Ok::<_, io::Error>(came)
        });
        let seconds = begun.elapsed().as_secs_f64();
        let came = came.map_err(|error| format!("{}, {}: {error}", self.name, way.name()))?;
        if came.objects != u64::from(objects) {
            return Err(format!("{}, {}: {} of {objects} objects", self.name, way.name(), came.objects).into());
        }
        let bytes = match way {
            Way::Get => came.bytes,
            Way::Move => receiver.bytes.load(Ordering::Relaxed) - before,
        };
        Ok(Retrieved {
            system: self.name.to_owned(),
            way,
            associations: lanes,
            megabytes_per_second: bytes as f64 / 1e6 / seconds,
            peak_megabytes: self.process.map(|process| cpu::peak(process) as f64 / 1e6),
        })
    }

    /// One association that asks for studies as long as there are some.
    fn lane(&self, way: Way, left: &Mutex<std::slice::Iter<'_, (String, u32)>>) -> io::Result<Sent> {
        let mut association = match way {
            Way::Get => ask::getter(&self.peer)?,
            Way::Move => ask::mover(&self.peer)?,
        };
        let mut came = Sent::default();
        loop {
            let next = left
                .lock()
                .map_err(|_| io::Error::other("another lane panicked"))?
                .next();
            let Some((study, _)) = next else {
                break;
            };
            match way {
                Way::Get => {
                    let sent = ask::get(&mut association, study)?;
                    came.objects += sent.objects;
                    came.bytes += sent.bytes;
                }
                Way::Move => came.objects += ask::send_on(&mut association, study, RECEIVER)?,
            }
        }
        association.release();
        Ok(came)
    }
}

/// Who C-MOVE sends to.
struct Receiver {
    address: SocketAddr,
    bytes: &'static AtomicU64,
}

impl Receiver {
    /// Listens to the end of the program.
    fn start() -> io::Result<Self> {
        static BYTES: AtomicU64 = AtomicU64::new(0);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    if let Err(error) = ask::receive(stream, &BYTES) {
                        eprintln!("the receiver: {error}");
                    }
                });
            }
        });
        Ok(Self { address, bytes: &BYTES })
    }
}

/// The reference: as many bytes, read from files and written to sockets, in MB a second.
fn copy(folder: &Path, bytes: u64, lanes: u32) -> io::Result<f64> {
    let share = bytes / u64::from(lanes);
    let path = folder.join("copied");
    let mut piece = vec![7_u8; 1 << 20];
    let mut file = File::create(&path)?;
    let mut written = 0;
    while written < share {
        file.write_all(&piece)?;
        written += piece.len() as u64;
    }
    piece.truncate(256 << 10);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let begun = Instant::now();
    let copied = thread::scope(|scope| {
        let mut running = Vec::new();
        for _ in 0..lanes {
            let (path, mut piece) = (&path, piece.clone());
            running.push(scope.spawn(move || {
                let mut stream = TcpStream::connect(address)?;
                let mut file = File::open(path)?;
                loop {
                    let length = file.read(&mut piece)?;
                    let Some(part) = piece.get(..length).filter(|part| !part.is_empty()) else {
                        return Ok::<u64, io::Error>(0);
                    };
                    stream.write_all(part)?;
                }
            }));
            let (mut taking, _) = listener.accept()?;
            running.push(scope.spawn(move || {
                let mut buffer = vec![0; 256 << 10];
                let mut taken = 0;
                loop {
                    match taking.read(&mut buffer)? {
                        0 => return Ok(taken),
                        length => taken += length as u64,
                    }
                }
            }));
        }
        let mut copied = 0;
        for lane in running {
            copied += lane
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a copying thread panicked")))?;
        }
        Ok::<_, io::Error>(copied)
    })?;
    let rate = copied as f64 / 1e6 / begun.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}

/// What was measured of a system.
pub(crate) fn rate(all: &[Retrieved], system: &str, way: Way, lanes: u32) -> Option<f64> {
    let found = all
        .iter()
        .find(|one| one.system == system && one.way == way && one.associations == lanes);
    found.map(|one| one.megabytes_per_second)
}

/// What was asked for.
pub(crate) fn asked() -> impl Iterator<Item = (Way, u32)> {
    [Way::Get, Way::Move]
        .into_iter()
        .flat_map(|way| LANES.map(|lanes| (way, lanes)))
}

/// All of it as a table.
pub(crate) fn table(all: &[Retrieved]) -> String {
    let mut text = format!(
        "Retrieval of CT studies, MB/s\n{:37}{:>16}{:>20}{:>20}{:>16}{:>10}\n",
        "", HOST, POSTGRES, SQLITE, COPY, "peak MB"
    );
    for (way, lanes) in asked() {
        let cell = |system| rate(all, system, way, lanes).map_or_else(String::new, |rate| format!("{rate:.0}"));
        let peak = all
            .iter()
            .find(|one| one.system == HOST && one.way == way && one.associations == lanes)
            .and_then(|one| one.peak_megabytes)
            .map_or_else(String::new, |peak| format!("{peak:.0}"));
        let _ = writeln!(
            text,
            "  {:32}{lanes:>3}{:>16}{:>20}{:>20}{:>16}{:>10}",
            way.name(),
            cell(HOST),
            cell(POSTGRES),
            cell(SQLITE),
            cell(COPY),
            peak
        );
    }
    text
}
