//! Filters.

use std::sync::Arc;

use isocenter_role::{self as role, Failure, FilterAnswer, OpenObject, Role, Verdict};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::{absent, lend};
use crate::bindings::exports::isocenter::filter::filter;
use crate::call::{self, Call, Work, reason};
use crate::host::edits::Edits;
use crate::host::object::Object;
use crate::host::passage::Passage;
use crate::plugin::WasmPlugin;

struct Apply {
    object: OpenObject,
    passage: Arc<role::Passage>,
    export: Option<filter::GuestIndices>,
}

impl role::Filter for WasmPlugin {
    fn wants_pixels(&self) -> bool {
        self.pixels
    }

    fn filter(self: Arc<Self>, object: OpenObject, passage: Arc<role::Passage>) -> role::Call<'static, FilterAnswer> {
        let export = self.exports.filter.clone();
        Box::pin(call::run(
            self,
            Role::Filter,
            Apply {
                object,
                passage,
                export,
            },
        ))
    }
}

impl Work for Apply {
    type Answer = FilterAnswer;

    fn word(answer: &FilterAnswer) -> &'static str {
        answer.verdict.word()
    }

    async fn call(
        self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> wasmtime::Result<Result<FilterAnswer, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Filter)));
        };
        let guest = export.load(&mut *store, instance)?;
        let table = &mut store.data_mut().table;
        let edits = table.push(Edits::new(self.object.header.clone()))?;
        let object = table.push(Object::new(self.object))?;
        let passage = table.push(Passage(self.passage))?;
        let answer = guest
            .call_apply(&mut *store, lend(&object), lend(&passage), lend(&edits))
            .await?;
        let edits = store.data_mut().table.delete(edits)?;
        Ok(answer.map_err(Failure::from).map(|verdict| match verdict {
            filter::Verdict::Keep => FilterAnswer {
                verdict: Verdict::Keep,
                edits: edits.recorded,
            },
            filter::Verdict::Drop(why) => without_edits(Verdict::Drop(reason(&why))),
            filter::Verdict::Refuse(why) => without_edits(Verdict::Refuse(reason(&why))),
            filter::Verdict::Quarantine(why) => without_edits(Verdict::Quarantine(reason(&why))),
        }))
    }
}

fn without_edits(verdict: Verdict) -> FilterAnswer {
    FilterAnswer {
        verdict,
        edits: Vec::new(),
    }
}
