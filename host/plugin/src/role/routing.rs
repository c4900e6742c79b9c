//! Routers and study-routers.

use std::sync::Arc;

use isocenter_role::{self as role, Failure, OpenObject, PlannedSend, Role};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::{absent, lend};
use crate::bindings::exports::isocenter::routing::{router, study_router};
use crate::call::{self, Call, Work};
use crate::host::object::Object;
use crate::host::plan::Plan;
use crate::host::studies::Study;
use crate::plugin::WasmPlugin;

struct Route {
    object: OpenObject,
    export: Option<router::GuestIndices>,
}

struct RouteStudy {
    study: Arc<dyn role::Study>,
    export: Option<study_router::GuestIndices>,
}

impl role::Router for WasmPlugin {
    fn route(self: Arc<Self>, object: OpenObject) -> role::Call<'static, Vec<PlannedSend>> {
        let export = self.exports.router.clone();
        Box::pin(call::run(self, Role::Router, Route { object, export }))
    }
}

impl role::StudyRouter for WasmPlugin {
    fn route_study(self: Arc<Self>, study: Arc<dyn role::Study>) -> role::Call<'static, Vec<PlannedSend>> {
        let export = self.exports.study_router.clone();
        Box::pin(call::run(self, Role::StudyRouter, RouteStudy { study, export }))
    }
}

impl Work for Route {
    type Answer = Vec<PlannedSend>;

    async fn call(
        self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> wasmtime::Result<Result<Vec<PlannedSend>, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Router)));
        };
        let guest = export.load(&mut *store, instance)?;
        let table = &mut store.data_mut().table;
        let object = table.push(Object::new(self.object))?;
        let plan = table.push(Plan::default())?;
        let answer = guest.call_route(&mut *store, lend(&object), lend(&plan)).await?;
        let plan = store.data_mut().table.delete(plan)?;
        Ok(answer.map(|()| plan.into_sends()).map_err(Failure::from))
    }
}

impl Work for RouteStudy {
    type Answer = Vec<PlannedSend>;

    async fn call(
        self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> wasmtime::Result<Result<Vec<PlannedSend>, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::StudyRouter)));
        };
        let guest = export.load(&mut *store, instance)?;
        let table = &mut store.data_mut().table;
        let study = table.push(Study::new(self.study))?;
        let plan = table.push(Plan::default())?;
        let answer = guest.call_route_study(&mut *store, lend(&study), lend(&plan)).await?;
        let plan = store.data_mut().table.delete(plan)?;
        Ok(answer.map(|()| plan.into_sends()).map_err(Failure::from))
    }
}
