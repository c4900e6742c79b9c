//! Which plugins are loaded: what they are, which roles they play, whether they are called, and within which limits.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use isocenter_pipeline::Set;
use isocenter_pipeline::duty::Duty;
use isocenter_role::Plugin;
use serde_json::{Map, Value, json};

use crate::access::{ADMIN, Doors};
use crate::app::AppState;

pub(super) fn routes() -> Doors {
    Doors::new().get("/api/plugins", ADMIN, plugins)
}

async fn plugins(Shared(state): Shared<AppState>) -> Json<Value> {
    let set = state.app.pipeline.set();
    Json(set.plugins.values().map(|one| plugin(&set, one)).collect())
}

fn plugin(set: &Set, plugin: &Arc<dyn Plugin>) -> Value {
    let roles: Map<String, Value> = plugin
        .roles()
        .into_iter()
        .map(|role| {
            let limits = plugin.limits(role).map(|limits| {
                json!({
                    "memory": limits.memory,
                    "cpu_ms": limits.cpu.as_millis(),
                    "wall_ms": limits.wall.as_millis(),
                    "concurrency": limits.concurrency,
                })
            });
            let of_role = json!({ "state": set.duty(&**plugin, role).word(), "limits": limits });
            (role.as_str().to_owned(), of_role)
        })
        .collect();
    json!({
        "name": plugin.name(),
        "digest": plugin.digest(),
        "state": Duty::from(plugin.state()).word(),
        "roles": roles,
        "manifest": plugin.manifest().map(|manifest| json!({
            "name": manifest.name,
            "version": manifest.version,
            "description": manifest.description,
            "license": manifest.license,
        })),
    })
}
