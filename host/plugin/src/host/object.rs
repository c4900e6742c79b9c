//! The object that a plugin reads.
//!
//! Separate because it is a view: it shares the header with the host and never changes it.

use std::sync::Arc;

use isocenter_dicom::{Header, Path, Tag, tags};
use isocenter_role::{Frames, OpenObject};
use wasmtime::component::Resource;

use crate::bindings::isocenter::dicom::{objects, types};
use crate::call::Call;
use crate::host::value;

/// Behind the handle `object`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Object {
    pub(crate) header: Arc<Header>,
    pub(crate) frames: Option<Arc<dyn Frames>>,
}

impl Object {
    pub(crate) fn new(object: OpenObject) -> Object {
        Object {
            header: object.header,
            frames: object.frames,
        }
    }

    pub(crate) fn study_uid(&self) -> String {
        self.uid(tags::STUDY_INSTANCE_UID)
    }

    pub(crate) fn object_uid(&self) -> String {
        self.uid(tags::SOP_INSTANCE_UID)
    }

    fn uid(&self, tag: Tag) -> String {
        self.header.first(tag).unwrap_or_default()
    }

    fn get(&self, at: types::Path) -> Option<types::Value> {
        self.header.value(&value::path(at)).map(value::to_guest)
    }
}

impl types::Host for Call {}

impl objects::Host for Call {}

impl objects::HostObject for Call {
    fn sop_class(&mut self, this: Resource<Object>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.uid(tags::SOP_CLASS_UID))
    }

    fn sop_instance(&mut self, this: Resource<Object>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.uid(tags::SOP_INSTANCE_UID))
    }

    fn series(&mut self, this: Resource<Object>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.uid(tags::SERIES_INSTANCE_UID))
    }

    fn study(&mut self, this: Resource<Object>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.uid(tags::STUDY_INSTANCE_UID))
    }

    fn transfer_syntax(&mut self, this: Resource<Object>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.header.syntax().uid().as_str().to_owned())
    }

    fn get(&mut self, this: Resource<Object>, at: types::Path) -> wasmtime::Result<Option<types::Value>> {
        Ok(self.table.get(&this)?.get(at))
    }

    fn get_many(
        &mut self,
        this: Resource<Object>,
        at: Vec<types::Path>,
    ) -> wasmtime::Result<Vec<Option<types::Value>>> {
        let object = self.table.get(&this)?;
        Ok(at.into_iter().map(|at| object.get(at)).collect())
    }

    fn tags(&mut self, this: Resource<Object>, within: Vec<types::Step>) -> wasmtime::Result<Vec<u32>> {
        let tags = self.table.get(&this)?.header.tags(&value::steps(within));
        Ok(tags.into_iter().map(value::packed).collect())
    }

    fn elements(&mut self, this: Resource<Object>, within: Vec<types::Step>) -> wasmtime::Result<Vec<(u32, u16)>> {
        let header = &self.table.get(&this)?.header;
        let within = value::steps(within);
        let tags = header.tags(&within);
        let mut path = Path { within, tag: Tag(0, 0) };
        let mut elements = Vec::with_capacity(tags.len());
        for tag in tags {
            path.tag = tag;
            if let Some(element) = header.element(&path) {
                elements.push((value::packed(tag), u16::from_be_bytes(element.vr().to_bytes())));
            }
        }
        Ok(elements)
    }

    fn items(&mut self, this: Resource<Object>, at: types::Path) -> wasmtime::Result<Option<u32>> {
        Ok(self.table.get(&this)?.header.items(&value::path(at)))
    }

    fn json(&mut self, this: Resource<Object>) -> wasmtime::Result<String> {
        let json = self.table.get(&this)?.header.to_json();
        Ok(serde_json::to_string(&json)?)
    }

    fn drop(&mut self, this: Resource<Object>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
