//! New objects, as their author describes them. Nothing is built or stored here.

use isocenter_role::{DraftKind, PlannedDraft};
use wasmtime::component::Resource;

use crate::bindings::isocenter::dicom::{drafts, types};
use crate::call::Call;
use crate::host::object::Object;
use crate::host::value;

/// Drafts in one call.
pub(crate) const MOST_DRAFTS: u32 = 256;
/// Elements of all drafts of one call.
pub(crate) const MOST_ELEMENTS: usize = 100_000;
/// Pixel data and values of all drafts of one call, in bytes.
pub(crate) const MOST_BYTES: usize = 256 << 20;

/// Behind the handle `draft`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Draft(pub(crate) PlannedDraft);

/// What the drafts of one call have taken.
#[derive(Debug, Default)]
pub(crate) struct DraftBudget {
    drafts: u32,
    elements: usize,
    bytes: usize,
}

impl DraftBudget {
    fn take(&mut self, elements: usize, bytes: usize) -> wasmtime::Result<()> {
        self.elements = self.elements.saturating_add(elements);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.elements > MOST_ELEMENTS {
            return Err(wasmtime::Error::msg(format!(
                "drafts of more than {MOST_ELEMENTS} elements"
            )));
        }
        if self.bytes > MOST_BYTES {
            return Err(wasmtime::Error::msg(format!(
                "drafts of more than {} MiB",
                MOST_BYTES >> 20
            )));
        }
        Ok(())
    }
}

/// A UUID as a UID (PS3.5 §B.2).
fn fresh_uid() -> wasmtime::Result<String> {
    let mut bytes = [0; 16];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    let number = (u128::from_be_bytes(bytes) & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    Ok(format!("2.25.{number}"))
}

impl drafts::HostDraft for Call {
    fn new(&mut self, kind: drafts::Kind) -> wasmtime::Result<Resource<Draft>> {
        self.drafts.drafts += 1;
        if self.drafts.drafts > MOST_DRAFTS {
            return Err(wasmtime::Error::msg(format!("more than {MOST_DRAFTS} drafts")));
        }
        let kind = match kind {
            drafts::Kind::SecondaryCapture => DraftKind::SecondaryCapture,
            drafts::Kind::StructuredReport => DraftKind::StructuredReport,
            drafts::Kind::Segmentation => DraftKind::Segmentation,
            drafts::Kind::ParametricMap => DraftKind::ParametricMap,
            drafts::Kind::PresentationState => DraftKind::PresentationState,
            drafts::Kind::EncapsulatedPdf => DraftKind::EncapsulatedPdf,
        };
        let draft = PlannedDraft {
            kind,
            uid: fresh_uid()?,
            sources: Vec::new(),
            elements: Vec::new(),
            pixels: Vec::new(),
        };
        Ok(self.table.push(Draft(draft))?)
    }

    fn derive_from(&mut self, this: Resource<Draft>, source: Resource<Object>) -> wasmtime::Result<()> {
        let header = self.table.get(&source)?.header.clone();
        self.drafts.take(1, 0)?;
        self.table.get_mut(&this)?.0.sources.push(header);
        Ok(())
    }

    fn set(&mut self, this: Resource<Draft>, at: types::Path, value: types::Value) -> wasmtime::Result<()> {
        self.drafts
            .take(1, size_of_val(at.within.as_slice()) + value::size(&value))?;
        let element = (value::path(at), value::from_guest(value));
        self.table.get_mut(&this)?.0.elements.push(element);
        Ok(())
    }

    fn append_pixels(&mut self, this: Resource<Draft>, bytes: Vec<u8>) -> wasmtime::Result<()> {
        self.drafts.take(0, bytes.len())?;
        self.table.get_mut(&this)?.0.pixels.extend_from_slice(&bytes);
        Ok(())
    }

    fn uid(&mut self, this: Resource<Draft>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.0.uid.clone())
    }

    fn drop(&mut self, this: Resource<Draft>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl drafts::Host for Call {}
