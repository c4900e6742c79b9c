//! C-FIND at study level: the host with few studies and with many, and Orthanc with few.
//!
//! Separate from the loads because what is measured is an index and not a disk. Every query is for something that is there;
//! one that finds nothing fails the run, since a fast wrong answer is worth nothing.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::ask::{self, Keys};
use crate::cluster::Cluster;
use crate::cpu::Trees;
use crate::generate::{Generator, Known, Size};
use crate::host::Host;
use crate::load::{self, Load, Peer};
use crate::options::Options;
use crate::orthanc::{Orthanc, Store};
use crate::report::quantile;

/// Studies that every system has.
const FEW: u32 = 1_000;
/// Studies that the host has in the end.
const MANY: u32 = 200_000;
/// Associations that ask at a time.
const LANES: [u32; 2] = [1, 4];
/// Queries of one association, and seconds after which it stops.
const QUERIES: usize = 400;
const LIMIT: Duration = Duration::from_secs(3);
/// A system may finish for so long what it deferred.
const SETTLE: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Question {
    PatientId,
    AccessionNumber,
    StudyUid,
    Day,
    ModalityAndDay,
    Name,
}

impl Question {
    const ALL: [Self; 6] = [
        Self::PatientId,
        Self::AccessionNumber,
        Self::StudyUid,
        Self::Day,
        Self::ModalityAndDay,
        Self::Name,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PatientId => "patient id",
            Self::AccessionNumber => "accession number",
            Self::StudyUid => "study UID",
            Self::Day => "range of dates: a day",
            Self::ModalityAndDay => "modality and a day",
            Self::Name => "name with wild card",
        }
    }

    /// Asks for a study by what is known of it.
    fn ask(self, association: &mut crate::wire::Association, known: &Known) -> io::Result<u64> {
        let day = format!("{0}-{0}", known.date);
        let mut pattern = known.patient.clone();
        pattern.pop();
        pattern.push('*');
        let days = match self {
            Self::Day | Self::ModalityAndDay => day.as_str(),
            _ => "",
        };
        let own = |question: Self, value| if self == question { value } else { "" };
        let keys: &Keys<'_> = &[
            (0x0008_0020, "DA", days),
            (0x0008_0030, "TM", ""),
            (0x0008_0050, "SH", own(Self::AccessionNumber, &known.accession)),
            (0x0008_0052, "CS", "STUDY"),
            (0x0008_0061, "CS", own(Self::ModalityAndDay, "CT")),
            (0x0008_1030, "LO", ""),
            (0x0010_0010, "PN", own(Self::Name, &pattern)),
            (0x0010_0020, "LO", own(Self::PatientId, &known.identifier)),
            (0x0020_000D, "UI", own(Self::StudyUid, &known.study)),
            (0x0020_1208, "IS", ""),
        ];
        ask::find(association, keys)
    }
}

/// One question, asked of one system again and again.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Asked {
    pub(crate) system: String,
    pub(crate) studies: u32,
    pub(crate) question: Question,
    pub(crate) associations: u32,
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Whom the table calls what.
pub(crate) const HOST: &str = "isocenter";
pub(crate) const POSTGRES: &str = "Orthanc, Postgres";
pub(crate) const SQLITE: &str = "Orthanc, SQLite";

/// A system with the numbers of the studies that it has.
struct System<'a> {
    name: &'static str,
    peer: Peer,
    trees: &'a Trees,
    studies: Vec<std::ops::Range<u32>>,
}

/// Fills the systems and asks them.
///
/// # Errors
/// A system does not become ready, refuses an object or does not answer.
pub(crate) fn measure(options: &Options, generator: &Generator, folder: &Path) -> Result<Vec<Asked>, Box<dyn Error>> {
    let folder = folder.join("queries");
    std::fs::create_dir_all(&folder)?;
    let host = Host::start(&options.host, "", &folder)?;
    let cluster = Cluster::start(&folder)?.filter(|_| !options.without_orthanc);
    let started = cluster
        .as_ref()
        .map(|cluster| Orthanc::start(&folder, Store::Postgres(cluster)));
    let postgres = started.transpose()?.flatten();
    let sqlite = if options.without_orthanc {
        None
    } else {
        Orthanc::start(&folder, Store::Sqlite)?
    };
    let mut systems = vec![System {
        name: HOST,
        peer: host.asked(),
        trees: &host.trees,
        studies: Vec::new(),
    }];
    for (name, orthanc) in [(POSTGRES, &postgres), (SQLITE, &sqlite)] {
        systems.extend(orthanc.iter().map(|orthanc| System {
            name,
            peer: orthanc.peer.clone(),
            trees: &orthanc.trees,
            studies: Vec::new(),
        }));
    }
    let mut all = Vec::new();
    for system in &mut systems {
        system.fill(generator, FEW)?;
    }
    for question in Question::ALL {
        for lanes in LANES {
            for system in &systems {
                all.push(system.asked(generator, question, lanes)?);
            }
        }
    }
    let many = if options.quick { MANY / 10 } else { MANY };
    if let Some(host) = systems.first_mut() {
        host.fill(generator, many - FEW)?;
        for question in Question::ALL {
            for lanes in LANES {
                all.push(host.asked(generator, question, lanes)?);
            }
        }
    }
    Ok(all)
}

impl System<'_> {
    /// Stores so many studies of one object each.
    fn fill(&mut self, generator: &Generator, studies: u32) -> Result<(), Box<dyn Error>> {
        let first = generator.next_study();
        let load = Load {
            size: Size::Header,
            lanes: 8,
            objects: studies,
            limit: Duration::from_secs(900),
        };
        let outcome = load::send(generator, load, &self.peer)?;
        if outcome.objects < u64::from(studies) {
            let why = outcome.first_failure.unwrap_or_else(|| "it is too slow".into());
            return Err(format!("{}: {} of {studies} studies stored: {why}", self.name, outcome.objects).into());
        }
        self.studies.push(first..generator.next_study());
        self.trees.settle(SETTLE);
        Ok(())
    }

    fn total(&self) -> u32 {
        self.studies.iter().map(ExactSizeIterator::len).sum::<usize>() as u32
    }

    /// The number of the study in that place.
    fn study(&self, mut place: u32) -> u32 {
        for range in &self.studies {
            let length = range.end - range.start;
            if place < length {
                return range.start + place;
            }
            place -= length;
        }
        0
    }

    fn asked(&self, generator: &Generator, question: Question, lanes: u32) -> Result<Asked, Box<dyn Error>> {
        let total = self.total();
        let begun = Instant::now();
        let answered = thread::scope(|scope| {
            let running: Vec<_> = (0..lanes)
                .map(|lane| scope.spawn(move || self.lane(generator, question, lane, total)))
                .collect();
            running
                .into_iter()
                .map(|lane| {
                    lane.join()
                        .unwrap_or_else(|_| Err(io::Error::other("an asking thread panicked")))
                })
                .collect::<io::Result<Vec<_>>>()
        });
        let seconds = begun.elapsed().as_secs_f64();
        let answered = answered.map_err(|error| format!("{}, {}: {error}", self.name, question.name()))?;
        let mut latencies: Vec<Duration> = answered.concat();
        latencies.sort_unstable();
        Ok(Asked {
            system: self.name.to_owned(),
            studies: total,
            question,
            associations: lanes,
            per_second: latencies.len() as f64 / seconds,
            p50: quantile(&latencies, 0.50).unwrap_or_default(),
            p99: quantile(&latencies, 0.99).unwrap_or_default(),
        })
    }

    /// One association that asks for studies here and there.
    fn lane(&self, generator: &Generator, question: Question, lane: u32, total: u32) -> io::Result<Vec<Duration>> {
        let mut association = ask::finder(&self.peer)?;
        let until = Instant::now() + LIMIT;
        let mut latencies = Vec::with_capacity(QUERIES);
        // A large prime as the step reaches all places in no order.
        let mut place = u64::from(lane) * 1_000_003;
        while latencies.len() < QUERIES && Instant::now() < until {
            place += 15_485_863;
            let known = generator.known(self.study((place % u64::from(total)) as u32));
            let begun = Instant::now();
            if question.ask(&mut association, &known)? == 0 {
                return Err(io::Error::other("a study that is there was not found"));
            }
            latencies.push(begun.elapsed());
        }
        association.release();
        Ok(latencies)
    }
}

/// What was measured of a system with at least so many studies.
pub(crate) fn of<'a>(all: &'a [Asked], system: &str, question: Question, lanes: u32, many: bool) -> Option<&'a Asked> {
    all.iter().find(|asked| {
        asked.system == system
            && asked.question == question
            && asked.associations == lanes
            && (asked.studies > FEW) == many
    })
}

/// The questions, and the numbers of associations, that were measured.
pub(crate) fn asked() -> impl Iterator<Item = (Question, u32)> {
    Question::ALL
        .into_iter()
        .flat_map(|question| LANES.map(|lanes| (question, lanes)))
}

/// All of it as a table.
pub(crate) fn table(all: &[Asked]) -> String {
    let many = all.iter().map(|asked| asked.studies).max().unwrap_or_default();
    let mut text = format!(
        "C-FIND at study level: {FEW} studies, and {many}\n{:34}{:>3}{:>28}{:>28}{:>20}{:>20}\n{:37}{:>28}{:>28}{:>20}{:>20}\n",
        "",
        "",
        "isocenter",
        format!("isocenter, {many}"),
        POSTGRES,
        SQLITE,
        "",
        "p50 ms  p99 ms     per s",
        "p50 ms  p99 ms     per s",
        "p50 ms     per s",
        "p50 ms     per s",
    );
    for (question, lanes) in asked() {
        let _ = write!(text, "  {:32}{lanes:>3}", question.name());
        for many in [false, true] {
            let cell = of(all, HOST, question, lanes, many);
            let cell = cell.map(|asked| format!("{:>6.2}{:>8.2}{:>10.0}", asked.p50, asked.p99, asked.per_second));
            let _ = write!(text, "{:>28}", cell.unwrap_or_default());
        }
        for system in [POSTGRES, SQLITE] {
            let cell = of(all, system, question, lanes, false);
            let cell = cell.map(|asked| format!("{:>6.2}{:>10.0}", asked.p50, asked.per_second));
            let _ = write!(text, "{:>20}", cell.unwrap_or_default());
        }
        text.push('\n');
    }
    text
}
