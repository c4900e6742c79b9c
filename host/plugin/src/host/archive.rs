//! The archive as the caller of a request may see it.

use std::sync::Arc;

use isocenter_role::Visible;
use wasmtime::component::Resource;

use crate::bindings::isocenter::http_ext::archive;
use crate::call::Call;
use crate::host::object::Object;
use crate::host::studies::Study;

impl Call {
    /// Only a call for a request has a caller, and so an archive.
    fn visible(&self) -> wasmtime::Result<Arc<dyn Visible>> {
        self.archive
            .clone()
            .ok_or_else(|| wasmtime::Error::msg("the archive is there only for the caller of a request"))
    }
}

fn unreadable(why: String) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the archive cannot be read: {why}"))
}

impl archive::Host for Call {
    async fn open(&mut self, sop_instance: String) -> wasmtime::Result<Option<Resource<Object>>> {
        let archive = self.visible()?;
        let found = self.waiting(archive.open(sop_instance)).await.map_err(unreadable)?;
        found
            .map(|object| Ok(self.table.push(Object::new(object))?))
            .transpose()
    }

    async fn open_study(&mut self, study_instance: String) -> wasmtime::Result<Option<Resource<Study>>> {
        let archive = self.visible()?;
        let found = self
            .waiting(archive.open_study(study_instance))
            .await
            .map_err(unreadable)?;
        found.map(|study| Ok(self.table.push(Study::new(study))?)).transpose()
    }

    async fn search(&mut self, query: String) -> wasmtime::Result<Result<String, String>> {
        let archive = self.visible()?;
        Ok(self.waiting(archive.search(query)).await)
    }
}
