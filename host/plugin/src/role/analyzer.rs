//! Analyzers.

use std::sync::Arc;
use std::time::Duration;

use isocenter_role::{self as role, Analysis, Failure, Next, Role};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::{absent, lend};
use crate::bindings::exports::isocenter::inference::analyzer;
use crate::call::{self, Call, Work};
use crate::host::results::Results;
use crate::host::studies::Study;
use crate::plugin::WasmPlugin;

/// The largest token, in bytes.
pub(crate) const MOST_TOKEN: usize = 64 * 1024;

struct Step {
    study: Arc<dyn role::Study>,
    /// `None`: the first step.
    token: Option<Vec<u8>>,
    export: Option<analyzer::GuestIndices>,
}

impl role::Analyzer for WasmPlugin {
    fn start(self: Arc<Self>, study: Arc<dyn role::Study>) -> role::Call<'static, Analysis> {
        let export = self.exports.analyzer.clone();
        let step = Step {
            study,
            token: None,
            export,
        };
        Box::pin(call::run(self, Role::Analyzer, step))
    }

    fn resume(self: Arc<Self>, token: Vec<u8>, study: Arc<dyn role::Study>) -> role::Call<'static, Analysis> {
        let export = self.exports.analyzer.clone();
        let step = Step {
            study,
            token: Some(token),
            export,
        };
        Box::pin(call::run(self, Role::Analyzer, step))
    }
}

impl Work for Step {
    type Answer = Analysis;

    fn word(answer: &Analysis) -> &'static str {
        match answer.next {
            Next::Done => "done",
            Next::Wait(..) => "wait",
        }
    }

    async fn call(self, store: &mut Store<Call>, instance: &Instance) -> wasmtime::Result<Result<Analysis, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Analyzer)));
        };
        let guest = export.load(&mut *store, instance)?;
        let table = &mut store.data_mut().table;
        let study = table.push(Study::new(self.study))?;
        let results = table.push(Results::default())?;
        let answer = match self.token {
            None => guest.call_start(&mut *store, lend(&study), lend(&results)).await?,
            Some(token) => {
                guest
                    .call_resume(&mut *store, &token, lend(&study), lend(&results))
                    .await?
            }
        };
        let results = store.data_mut().table.delete(results)?;
        let next = match answer {
            Ok(analyzer::Step::Done) => Next::Done,
            Ok(analyzer::Step::Wait(pause)) => {
                if pause.token.len() > MOST_TOKEN {
                    return Ok(Err(Failure::Never(format!(
                        "its token has more than {MOST_TOKEN} bytes"
                    ))));
                }
                if !results.drafts.is_empty() {
                    return Ok(Err(Failure::Never(
                        "it added drafts in a step that waits; only the last step may".into(),
                    )));
                }
                Next::Wait(pause.token, Duration::from_secs(u64::from(pause.seconds)))
            }
            Err(failure) => return Ok(Err(failure.into())),
        };
        Ok(Ok(Analysis {
            next,
            drafts: results.drafts,
            progress: results.progress,
        }))
    }
}
