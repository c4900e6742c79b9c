//! A stored study whose members are handed out one at a time.

use std::sync::Arc;

use isocenter_role as role;
use wasmtime::component::Resource;

use crate::bindings::isocenter::dicom::studies;
use crate::call::Call;
use crate::host::object::Object;

/// Behind the handle `study`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Study {
    pub(crate) source: Arc<dyn role::Study>,
    next: usize,
}

impl Study {
    pub(crate) fn new(source: Arc<dyn role::Study>) -> Study {
        Study { source, next: 0 }
    }

    /// The position of the next member, of that series if one is named; behind it the handle goes on.
    fn advance(&mut self, series: Option<&str>) -> Option<usize> {
        let members = self.source.members();
        let found = members
            .iter()
            .enumerate()
            .skip(self.next)
            .find(|(_, member)| series.is_none_or(|series| member.series == series))
            .map(|(position, _)| position);
        self.next = found.map_or(members.len(), |position| position + 1);
        found
    }
}

impl studies::HostStudy for Call {
    fn id(&mut self, this: Resource<Study>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.source.uid().to_owned())
    }

    fn count(&mut self, this: Resource<Study>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&this)?.source.members().len() as u64)
    }

    fn series(&mut self, this: Resource<Study>) -> wasmtime::Result<Vec<String>> {
        let study = self.table.get(&this)?;
        let mut series: Vec<String> = Vec::new();
        // Members come in the order of their series.
        for member in study.source.members() {
            if series.last() != Some(&member.series) {
                series.push(member.series.clone());
            }
        }
        Ok(series)
    }

    async fn next(
        &mut self,
        this: Resource<Study>,
        series: Option<String>,
    ) -> wasmtime::Result<Option<Resource<Object>>> {
        loop {
            let study = self.table.get_mut(&this)?;
            let source = study.source.clone();
            let Some(position) = study.advance(series.as_deref()) else {
                return Ok(None);
            };
            match self.waiting(source.open(position)).await {
                Ok(Some(object)) => return Ok(Some(self.table.push(Object::new(object))?)),
                // Deleted since the study was opened.
                Ok(None) => {}
                Err(why) => return Err(wasmtime::Error::msg(format!("a member cannot be read: {why}"))),
            }
        }
    }

    fn rewind(&mut self, this: Resource<Study>) -> wasmtime::Result<()> {
        self.table.get_mut(&this)?.next = 0;
        Ok(())
    }

    fn drop(&mut self, this: Resource<Study>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl studies::Host for Call {}
