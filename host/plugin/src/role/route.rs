//! Routes.

use std::sync::Arc;

use isocenter_role::{self as role, Answer, Failure, Role};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::{absent, lend};
use crate::bindings::exports::isocenter::http_ext::route;
use crate::call::{self, Call, Work};
use crate::host::exchange::{Request, Response};
use crate::plugin::WasmPlugin;

struct Handle {
    request: role::Request,
    export: Option<route::GuestIndices>,
}

impl role::Route for WasmPlugin {
    fn handle(self: Arc<Self>, request: role::Request) -> role::Call<'static, Answer> {
        let export = self.exports.route.clone();
        Box::pin(call::run(self, Role::Route, Handle { request, export }))
    }
}

impl Work for Handle {
    type Answer = Answer;

    async fn call(self, store: &mut Store<Call>, instance: &Instance) -> wasmtime::Result<Result<Answer, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Route)));
        };
        let guest = export.load(&mut *store, instance)?;
        let call = store.data_mut();
        call.archive = Some(self.request.archive.clone());
        let request = call.table.push(Request::new(self.request))?;
        let response = call.table.push(Response::new())?;
        let answer = guest.call_handle(&mut *store, lend(&request), lend(&response)).await?;
        let response = store.data_mut().table.delete(response)?;
        Ok(answer.map(|()| response.answer).map_err(Failure::from))
    }
}
