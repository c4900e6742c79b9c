//! CT objects as a scanner sends them, made in memory: studies of a hundred to five hundred objects, headers of
//! about 180 elements, pseudo-random pixels.
//!
//! Separate from the sending because it must cost the machine next to nothing: the generator shares the
//! processors with what it measures. So a header is rendered once per series and a few fields of fixed width
//! are patched per object, and the pixels are a window into noise that is made once.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// CT Image Storage.
pub(crate) const SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.2";
const UID_ROOT: &str = "1.2.826.0.1.3680043.10.1451.7";
/// Objects of consecutive studies of one association; what is left over makes the last one.
const STUDY_SIZES: [u32; 4] = [100, 250, 500, 150];
/// Objects of one series, so that larger studies have several.
const SERIES_SIZE: u32 = 250;
/// The noise is longer than an object by this much, so that windows differ.
const NOISE_SLACK: usize = 8 << 20;

/// The two sizes of object that the project is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// About 20 KB.
    Small,
    /// About 0.5 MB.
    Large,
    /// A header with hardly a pixel: one of many studies.
    Header,
}

impl Size {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
            Self::Header => "header",
        }
    }

    fn rows(self) -> usize {
        match self {
            Self::Small => 92,
            Self::Large => 512,
            Self::Header => 2,
        }
    }

    fn pixel_bytes(self) -> usize {
        self.rows() * self.rows() * 2
    }
}

/// Where all objects of one run come from: hands out study numbers that no other load of the run (or of another
/// run) uses.
#[derive(Clone)]
pub(crate) struct Generator {
    noise: Arc<[u8]>,
    run: u128,
    studies: Arc<AtomicU32>,
}

impl Generator {
    pub(crate) fn new() -> Self {
        let run = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |since| since.as_millis());
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut noise = Vec::with_capacity(Size::Large.pixel_bytes() + NOISE_SLACK);
        while noise.len() < Size::Large.pixel_bytes() + NOISE_SLACK {
            // Twelve bits stored of sixteen allocated, as the header says.
            noise.extend_from_slice(&(next(&mut state) & 0x0FFF_0FFF_0FFF_0FFF).to_le_bytes());
        }
        Self {
            noise: noise.into(),
            run,
            studies: Arc::new(AtomicU32::new(100_000)),
        }
    }

    /// The number that the next study gets.
    pub(crate) fn next_study(&self) -> u32 {
        self.studies.load(Ordering::Relaxed)
    }

    /// What is known of a study by its number.
    pub(crate) fn known(&self, number: u32) -> Known {
        Known {
            study: format!("{UID_ROOT}.{}.{number}", self.run),
            patient: patient(number as usize),
            identifier: identifier(self.run, number),
            accession: accession(number),
            date: date(number as usize),
        }
    }

    /// The objects that one association sends.
    pub(crate) fn feed(&self, size: Size, objects: u32) -> Feed {
        let mut feed = Feed {
            generator: self.clone(),
            size,
            left: match size {
                Size::Header => vec![1; objects as usize],
                Size::Small | Size::Large => study_sizes(objects),
            },
            study: Study::default(),
            object: String::new(),
            header: Vec::new(),
            patches: Vec::new(),
            random: self.run as u64 | 1,
            sent_studies: Vec::new(),
        };
        feed.left.reverse();
        feed
    }
}

/// The date of a study: twenty in a day, as in a hospital of that size.
fn date(number: usize) -> String {
    let day = number / 20;
    format!("{}{:02}{:02}", 1980 + day / 336, day / 28 % 12 + 1, day % 28 + 1)
}

fn accession(number: impl std::fmt::Display) -> String {
    format!("A{number}")
}

fn identifier(run: u128, number: impl std::fmt::Display) -> String {
    format!("BENCH-{}-{number}", run % 1_000_000)
}

fn patient(number: usize) -> String {
    let names = [
        "ADAMS^ALICE",
        "BAKER^BRUNO",
        "CLARK^CARLA",
        "DAVIS^DAVID",
        "EVANS^ELENA",
        "FOSTER^FRANK",
        "GREEN^GRACE",
    ];
    format!("{}^{number}", names.get(number % names.len()).unwrap_or(&"DOE^JOHN"))
}

/// What a study can be found by.
pub(crate) struct Known {
    pub(crate) study: String,
    pub(crate) patient: String,
    pub(crate) identifier: String,
    pub(crate) accession: String,
    pub(crate) date: String,
}

/// How many objects each study of a share has.
fn study_sizes(objects: u32) -> Vec<u32> {
    let mut left = objects;
    let mut sizes = Vec::new();
    for size in STUDY_SIZES.iter().cycle() {
        if left == 0 {
            break;
        }
        let size = (*size).min(left);
        sizes.push(size);
        left -= size;
    }
    sizes
}

#[derive(Default)]
struct Study {
    uid: String,
    objects: u32,
    done: u32,
}

/// The objects of one association, one after the other.
pub(crate) struct Feed {
    generator: Generator,
    size: Size,
    left: Vec<u32>,
    study: Study,
    object: String,
    header: Vec<u8>,
    patches: Vec<Patch>,
    random: u64,
    sent_studies: Vec<(String, u32)>,
}

/// An object ready to be sent: the data set in explicit little endian is the header followed by the pixels.
pub(crate) struct Outgoing<'a> {
    pub(crate) sop_instance: &'a str,
    /// Up to and with the tag, VR and length of the pixel data element.
    pub(crate) header: &'a [u8],
    pub(crate) pixels: &'a [u8],
}

impl Outgoing<'_> {
    pub(crate) fn bytes(&self) -> u64 {
        (self.header.len() + self.pixels.len()) as u64
    }
}

/// A place in the header that differs from object to object.
struct Patch {
    at: usize,
    what: Field,
}

#[derive(Clone, Copy)]
enum Field {
    Object,
    Number,
    Position,
    Time,
}

const FIELDS: [(&str, Field); 4] = [
    ("@object", Field::Object),
    ("@number", Field::Number),
    ("@position", Field::Position),
    ("@time", Field::Time),
];

impl Feed {
    /// The next object, or none when the share is complete.
    ///
    /// # Errors
    /// The header's table (`ct-header.txt`) is malformed.
    pub(crate) fn next(&mut self) -> Result<Option<Outgoing<'_>>, Box<dyn Error + Send + Sync>> {
        if self.study.done == self.study.objects {
            let Some(objects) = self.left.pop() else {
                return Ok(None);
            };
            let number = self.generator.studies.fetch_add(1, Ordering::Relaxed);
            let uid = format!("{UID_ROOT}.{}.{number}", self.generator.run);
            self.sent_studies.push((uid.clone(), 0));
            self.study = Study { uid, objects, done: 0 };
        }
        if self.study.done.is_multiple_of(SERIES_SIZE) {
            self.render()?;
        }
        let in_study = self.study.done;
        self.study.done += 1;
        if let Some((_, sent)) = self.sent_studies.last_mut() {
            *sent += 1;
        }
        self.object = format!(
            "{}.{}.{}",
            self.study.uid,
            in_study / SERIES_SIZE + 1,
            10_001 + in_study
        );
        for patch in &self.patches {
            let value = field(patch.what, &self.object, in_study);
            if let Some(place) = self.header.get_mut(patch.at..patch.at + value.len()) {
                place.copy_from_slice(value.as_bytes());
            }
        }
        let start = (next(&mut self.random) as usize % NOISE_SLACK) & !1;
        let pixels = self
            .generator
            .noise
            .get(start..start + self.size.pixel_bytes())
            .unwrap_or_default();
        Ok(Some(Outgoing {
            sop_instance: &self.object,
            header: &self.header,
            pixels,
        }))
    }

    /// The studies begun so far, with the number of their objects handed out.
    pub(crate) fn studies(&self) -> &[(String, u32)] {
        &self.sent_studies
    }

    /// Renders the header of the series that begins with the study's next object.
    fn render(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let study = &self.study.uid;
        let number = study.rsplit('.').next().unwrap_or_default();
        let seed: usize = number.parse().unwrap_or_default();
        let series = self.study.done / SERIES_SIZE + 1;
        let fixed = [
            // Longer names first: "@studyid" holds "@study".
            ("@studyid", number.to_owned()),
            ("@study", study.clone()),
            ("@seriesno", series.to_string()),
            ("@series", format!("{study}.{series}")),
            (
                "@description",
                format!("{:.2} mm axial, series {series}", 1.25 * f64::from(series)),
            ),
            ("@date", date(seed)),
            ("@accession", accession(number)),
            ("@patient", patient(seed)),
            ("@identifier", identifier(self.generator.run, number)),
            ("@rows", self.size.rows().to_string()),
        ];
        self.header.clear();
        self.patches.clear();
        for line in include_str!("ct-header.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let mut value = line.get(13..).unwrap_or_default().to_owned();
            for (name, text) in &fixed {
                value = value.replace(name, text);
            }
            for (name, what) in FIELDS {
                if let Some(at) = value.find(name) {
                    value = value.replace(name, &field(what, &format!("{study}.{series}.10001"), 0));
                    self.patches.push(Patch {
                        at: self.header.len() + 8 + at,
                        what,
                    });
                }
            }
            element(&mut self.header, line, &value, self.size.pixel_bytes())
                .ok_or_else(|| format!("bad header line {line:?}"))?;
        }
        Ok(())
    }
}

/// The text of a field of one object: always of the same width, and even where it stands alone (an odd UID is
/// padded behind it).
fn field(what: Field, object: &str, in_study: u32) -> String {
    match what {
        Field::Object => object.to_owned(),
        Field::Number => format!("{:06}", in_study + 1),
        Field::Position => format!("{:+08.2}", f64::from(in_study) * 1.25 - 400.0),
        Field::Time => format!("1014{:02}.{:03}000 ", in_study / 20 % 60, in_study % 20 * 50),
    }
}

/// Appends one line of the table as an element; `None` if the line cannot be understood.
fn element(out: &mut Vec<u8>, line: &str, value: &str, pixel_bytes: usize) -> Option<()> {
    let group = u16::from_str_radix(line.get(0..4)?, 16).ok()?;
    let number = u16::from_str_radix(line.get(5..9)?, 16).ok()?;
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    if group == 0xFFFE {
        let length = if number == 0xE000 { u32::MAX } else { 0 };
        out.extend_from_slice(&length.to_le_bytes());
        return Some(());
    }
    let vr = line.get(10..12)?;
    out.extend_from_slice(vr.as_bytes());
    let numbers = value.split('\\');
    let mut bytes: Vec<u8> = match vr {
        "SQ" => {
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&u32::MAX.to_le_bytes());
            return Some(());
        }
        "OW" => {
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&u32::try_from(pixel_bytes).ok()?.to_le_bytes());
            return Some(());
        }
        "US" => numbers
            .map(|n| n.parse::<u16>().ok().map(u16::to_le_bytes))
            .collect::<Option<Vec<_>>>()?
            .concat(),
        "SS" => numbers
            .map(|n| n.parse::<i16>().ok().map(i16::to_le_bytes))
            .collect::<Option<Vec<_>>>()?
            .concat(),
        "SL" => numbers
            .map(|n| n.parse::<i32>().ok().map(i32::to_le_bytes))
            .collect::<Option<Vec<_>>>()?
            .concat(),
        "FL" => numbers
            .map(|n| n.parse::<f32>().ok().map(f32::to_le_bytes))
            .collect::<Option<Vec<_>>>()?
            .concat(),
        "FD" => numbers
            .map(|n| n.parse::<f64>().ok().map(f64::to_le_bytes))
            .collect::<Option<Vec<_>>>()?
            .concat(),
        "OB" => numbers.map(|n| n.parse::<u8>().ok()).collect::<Option<Vec<_>>>()?,
        _ => value.as_bytes().to_vec(),
    };
    if bytes.len() % 2 == 1 {
        bytes.push(if matches!(vr, "UI" | "OB") { 0 } else { b' ' });
    }
    if vr == "OB" {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
    } else {
        out.extend_from_slice(&u16::try_from(bytes.len()).ok()?.to_le_bytes());
    }
    out.extend_from_slice(&bytes);
    Some(())
}

/// Xorshift: noise needs no better.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[cfg(test)]
mod tests;
