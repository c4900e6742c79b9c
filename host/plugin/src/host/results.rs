//! What a step of an analysis comes to.

use isocenter_role::PlannedDraft;
use wasmtime::component::Resource;

use crate::bindings::isocenter::inference::results;
use crate::call::{Call, reason};
use crate::host::drafts::Draft;

/// Behind the handle `results`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Default)]
pub struct Results {
    pub(crate) drafts: Vec<PlannedDraft>,
    pub(crate) progress: Option<(u8, String)>,
}

impl results::HostResults for Call {
    fn progress(&mut self, this: Resource<Results>, percent: u8, note: String) -> wasmtime::Result<()> {
        self.table.get_mut(&this)?.progress = Some((percent.min(100), reason(&note)));
        Ok(())
    }

    fn add(&mut self, this: Resource<Results>, draft: Resource<Draft>) -> wasmtime::Result<()> {
        let draft = self.table.delete(draft)?;
        self.table.get_mut(&this)?.drafts.push(draft.0);
        Ok(())
    }

    fn drop(&mut self, this: Resource<Results>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl results::Host for Call {}
