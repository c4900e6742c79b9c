//! Studies in memory, what an analysis makes of them, and the numbers that models take.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::Object;
use crate::bindings::imports::isocenter::dicom::drafts::Kind;
use crate::bindings::imports::isocenter::inference::models::{Element, Trouble};
use crate::models::size;
use crate::{Path, Value, tags};

/// A study in memory.
#[derive(Clone, Debug, Default)]
pub struct Study {
    id: String,
    members: Vec<Object>,
    volumes: BTreeMap<String, Numbers>,
    next: Cell<usize>,
}

impl Study {
    /// A study of these objects, which are handed out by series and in this order.
    #[must_use]
    pub fn of(id: &str, members: Vec<Object>) -> Study {
        let mut members = members;
        members.sort_by_key(|member| member.first(tags::SERIES_INSTANCE_UID));
        Study {
            id: id.to_owned(),
            members,
            volumes: BTreeMap::new(),
            next: Cell::new(0),
        }
    }

    /// What the host makes of the frames of a series, for `Tensor::of_series`.
    #[must_use]
    pub fn with_volume(mut self, series: &str, shape: &[u32], values: &[f32]) -> Study {
        self.volumes.insert(series.to_owned(), Numbers::of_f32(shape, values));
        self
    }

    /// As a plugin sees it.
    #[must_use]
    pub fn study(&self) -> crate::Study<'_> {
        crate::Study(crate::raw::Handle::Lent(self))
    }

    pub(crate) fn id(&self) -> String {
        self.id.clone()
    }

    pub(crate) fn count(&self) -> u64 {
        self.members.len() as u64
    }

    pub(crate) fn series(&self) -> Vec<String> {
        let mut series: Vec<String> = self
            .members
            .iter()
            .map(|member| member.first(tags::SERIES_INSTANCE_UID))
            .collect();
        series.dedup();
        series
    }

    pub(crate) fn next(&self, series: Option<&str>) -> Option<Object> {
        loop {
            let member = self.members.get(self.next.get())?;
            self.next.set(self.next.get() + 1);
            if series.is_none_or(|series| member.first(tags::SERIES_INSTANCE_UID) == series) {
                return Some(member.clone());
            }
        }
    }

    pub(crate) fn rewind(&self) {
        self.next.set(0);
    }

    pub(crate) fn volume(&self, series: &str) -> Result<Numbers, Trouble> {
        let none = || Trouble::BadShape("the series is no volume".into());
        self.volumes.get(series).cloned().ok_or_else(none)
    }
}

/// What an analyzer reported and added.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The last progress.
    pub progress: Option<(u8, String)>,
    /// In their order.
    pub drafts: Vec<Draft>,
}

impl Results {
    /// As a plugin sees it.
    pub fn results(&mut self) -> crate::Results<'_> {
        crate::Results(self)
    }

    pub(crate) fn progress(&mut self, percent: u8, note: &str) {
        self.progress = Some((percent, note.to_owned()));
    }

    pub(crate) fn add(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }
}

/// A new object as its author described it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it becomes.
    pub kind: Kind,
    /// SOP Instance UIDs of what it derives from.
    pub sources: Vec<String>,
    /// In the order in which they were set.
    pub elements: Vec<(Path, Value)>,
    /// Pixel data, or the document.
    pub pixels: Vec<u8>,
}

impl Draft {
    /// The last value that an element was set to.
    #[must_use]
    pub fn get(&self, at: impl Into<Path>) -> Option<&Value> {
        let at = at.into();
        self.elements
            .iter()
            .rev()
            .find(|(path, _)| *path == at)
            .map(|(_, value)| value)
    }

    pub(crate) fn new(kind: Kind) -> Draft {
        Draft {
            kind,
            sources: Vec::new(),
            elements: Vec::new(),
            pixels: Vec::new(),
        }
    }

    pub(crate) fn derive_from(&mut self, source: &Object) {
        self.sources.push(source.first(tags::SOP_INSTANCE_UID));
    }

    pub(crate) fn set(&mut self, at: &Path, value: &Value) {
        self.elements.push((at.clone(), value.clone()));
    }

    pub(crate) fn append_pixels(&mut self, bytes: &[u8]) {
        self.pixels.extend_from_slice(bytes);
    }

    pub(crate) fn uid(&self) -> String {
        "2.25.1".into()
    }
}

/// A tensor as a fake model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// What the numbers are.
    pub element: Element,
    /// The length of each axis.
    pub shape: Vec<u32>,
    /// Little endian.
    pub data: Vec<u8>,
}

impl Numbers {
    /// A tensor of `f32`.
    #[must_use]
    pub fn of_f32(shape: &[u32], values: &[f32]) -> Numbers {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Numbers::new(Element::Float32, shape, &data)
    }

    /// Its numbers, if they are `f32`.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let (numbers, _) = self.data.as_chunks();
        numbers.iter().copied().map(f32::from_le_bytes).collect()
    }

    #[expect(clippy::panic, reason = "where the host would trap")]
    pub(crate) fn new(element: Element, shape: &[u32], data: &[u8]) -> Numbers {
        let wanted = shape.iter().map(|&axis| u64::from(axis)).product::<u64>() * size(element);
        if wanted != data.len() as u64 {
            panic!(
                "{shape:?} of {element:?} takes {wanted} bytes, and there are {}",
                data.len()
            );
        }
        Numbers {
            element,
            shape: shape.to_vec(),
            data: data.to_vec(),
        }
    }

    pub(crate) fn of_series(study: &Study, series: &str) -> Result<Numbers, Trouble> {
        study.volume(series)
    }

    pub(crate) fn element(&self) -> Element {
        self.element
    }

    pub(crate) fn shape(&self) -> Vec<u32> {
        self.shape.clone()
    }

    pub(crate) fn reshape(&self, shape: &[u32]) -> Result<Numbers, Trouble> {
        let count = |shape: &[u32]| shape.iter().map(|&axis| u64::from(axis)).product::<u64>();
        if count(shape) != count(&self.shape) {
            return Err(Trouble::BadShape(format!("{:?} is not {shape:?}", self.shape)));
        }
        Ok(Numbers {
            shape: shape.to_vec(),
            ..self.clone()
        })
    }

    pub(crate) fn read(&self, offset: u64, len: u32) -> Vec<u8> {
        super::raw::part(&self.data, offset, len)
    }
}
