//! Sinks.

use std::sync::Arc;

use isocenter_role::{self as role, Event, Failure, Role};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::absent;
use crate::bindings::exports::isocenter::events::sink;
use crate::call::{self, Call, Work};
use crate::plugin::WasmPlugin;

struct Deliver {
    batch: Arc<Vec<Event>>,
    export: Option<sink::GuestIndices>,
}

impl role::Sink for WasmPlugin {
    fn deliver(self: Arc<Self>, batch: Arc<Vec<Event>>) -> role::Call<'static, ()> {
        let export = self.exports.sink.clone();
        Box::pin(call::run(self, Role::Sink, Deliver { batch, export }))
    }
}

impl Work for Deliver {
    type Answer = ();

    async fn call(self, store: &mut Store<Call>, instance: &Instance) -> wasmtime::Result<Result<(), Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Sink)));
        };
        let guest = export.load(&mut *store, instance)?;
        let batch: Vec<sink::Event> = self
            .batch
            .iter()
            .map(|event| sink::Event {
                cursor: event.cursor,
                unix_millis: event.unix_millis,
                kind: event.kind.clone(),
                data: event.data.to_string(),
            })
            .collect();
        Ok(guest.call_deliver(&mut *store, &batch).await?.map_err(Failure::from))
    }
}
