//! Workers.

use std::sync::Arc;

use isocenter_role::{self as role, Failure, Role};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::absent;
use crate::bindings::exports::isocenter::jobs::worker;
use crate::call::{self, Call, Work};
use crate::plugin::WasmPlugin;

struct Run {
    queue: String,
    payload: Vec<u8>,
    export: Option<worker::GuestIndices>,
}

impl role::Worker for WasmPlugin {
    fn run(self: Arc<Self>, queue: String, payload: Vec<u8>) -> role::Call<'static, ()> {
        let export = self.exports.worker.clone();
        let run = Run { queue, payload, export };
        Box::pin(call::run(self, Role::Worker, run))
    }
}

impl Work for Run {
    type Answer = ();

    async fn call(self, store: &mut Store<Call>, instance: &Instance) -> wasmtime::Result<Result<(), Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Worker)));
        };
        let guest = export.load(&mut *store, instance)?;
        let answer = guest.call_run(&mut *store, &self.queue, &self.payload).await?;
        Ok(answer.map_err(Failure::from))
    }
}
