//! Orders by HL7: the port of `[hl7]`, and what becomes of an order in the worklist. Separate from the mapping, which knows no
//! archive.

use std::sync::Arc;

use isocenter_archive::Archive;
use isocenter_archive::index::{IndexError, KeptStep};
use isocenter_dicom::tags;
use isocenter_hl7::{Action, Instruction, Options, Orders, Refusal};
use isocenter_procedure::{Identity, ScheduledStep, Values};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Application internal error (HL7 table 0357).
const INTERNAL: u16 = 207;
/// Duplicate key identifier.
const DUPLICATE_KEY: u16 = 205;

/// Takes orders, where a port is configured for them, until `draining` is cancelled.
pub fn serve(
    config: &Config,
    listener: Option<TcpListener>,
    archive: Archive,
    draining: CancellationToken,
) -> JoinHandle<()> {
    let Some((hl7, listener)) = config.hl7.clone().zip(listener) else {
        return tokio::spawn(std::future::ready(()));
    };
    let options = Options {
        connections: usize::try_from(hl7.max_connections).unwrap_or(usize::MAX),
        idle: hl7.idle,
        grace: config.drain,
        ..Options::default()
    };
    let callers = hl7.callers;
    let admits = Arc::new(move |peer: std::net::SocketAddr| {
        callers.is_empty() || callers.iter().any(|network| network.holds(peer.ip()))
    });
    tracing::info!(hl7 = %hl7.listen, "orders are taken");
    let orders = Scheduler { archive };
    tokio::spawn(isocenter_hl7::serve(
        listener,
        options,
        hl7.stations,
        admits,
        orders,
        draining,
    ))
}

/// Keeps orders in the worklist.
struct Scheduler {
    archive: Archive,
}

impl Orders for Scheduler {
    async fn perform(&self, instructions: Vec<Instruction>) -> Result<(), Refusal> {
        let mut entries = Vec::new();
        let mut gone = Vec::new();
        for Instruction { identity, action } in &instructions {
            if let Action::New(step) | Action::Change(step) = action {
                let known = self
                    .archive
                    .index()
                    .steps_of_order(&of_step(identity, step))
                    .await
                    .map_err(failed)?;
                if matches!(action, Action::New(_)) && known.iter().any(|known| !is_same_patient(known, step)) {
                    let reason = "the order is new, and its number is that of another patient's";
                    return Err(Refusal::error(DUPLICATE_KEY, reason));
                }
                let (entry, replaced) = settled(identity, step, known);
                entries.push(entry);
                gone.extend(replaced);
            }
        }
        let index = self.archive.index();
        let kept = index.schedule(&entries).await.map_err(failed)?.len();
        for (study, step) in gone {
            index.remove_scheduled(&study, &step).await.map_err(failed)?;
        }
        let (mut ended, mut changed) = (0, 0);
        for Instruction { identity, action } in &instructions {
            match action {
                Action::New(_) | Action::Change(_) => {}
                Action::End(outcome) => ended += index.end_order(identity, outcome).await.map_err(failed)?,
                Action::Status(status) => changed += index.set_order_status(identity, status).await.map_err(failed)?,
            }
        }
        tracing::info!(steps = instructions.len(), kept, ended, changed, "an HL7 order");
        Ok(())
    }
}

fn failed(error: IndexError) -> Refusal {
    tracing::error!(%error, "an HL7 order is not kept");
    Refusal::error(INTERNAL, "the worklist cannot be kept now: send the message again")
}

/// The order's identity with the step that the entry has.
fn of_step(identity: &Identity, step: &ScheduledStep) -> Identity {
    Identity {
        step: Some(step.step().to_owned()),
        ..identity.clone()
    }
}

fn is_same_patient(known: &KeptStep, step: &ScheduledStep) -> bool {
    let same = |tag| known.data_set.first(tag) == step.data_set().first(tag);
    let ended = known.outcome.is_some();
    ended || (same(tags::PATIENT_ID) && same(tags::ISSUER_OF_PATIENT_ID))
}

/// The entry under the study that its order had, where the sender gives none; and entries of the same step that it takes the
/// place of: those under another study, which nobody has begun.
fn settled(
    identity: &Identity,
    step: &ScheduledStep,
    known: Vec<KeptStep>,
) -> (ScheduledStep, Vec<(isocenter_dicom::Uid, String)>) {
    let own = match (&identity.study, known.first()) {
        (None, Some(known)) => step.clone().of_study(known.study.clone()),
        _ => step.clone(),
    };
    let replaced = known
        .into_iter()
        .filter(|known| known.study != *own.study() && known.performed.is_none() && known.outcome.is_none());
    let replaced = replaced.map(|known| (known.study, known.step)).collect();
    (own, replaced)
}
