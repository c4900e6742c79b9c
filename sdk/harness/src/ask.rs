//! The question of each role, from what a case says, and its answer in lines.

mod input;

use std::fmt::Write as _;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use isocenter_dicom::diff;
use isocenter_dicom::edit::{self, SiteKey};
use isocenter_dicom::tags;
use isocenter_plugin::WasmPlugin;
use isocenter_role::{
    Analysis, Answer, Cost, Decision, Direction, FilterAnswer, Member, Next, OpenObject, Outcome, Passage, Piece,
    PlannedSend, Plugin, Role, Study, Transport, Verdict, Volume,
};

use crate::HarnessError;
use crate::case::Case;
use crate::object::CaseObject;
use crate::world::World;

/// The most steps of an analysis; its waits are not waited.
const MOST_STEPS: usize = 10;

type Said = Result<(String, Cost), HarnessError>;

/// Asks in one role.
pub(crate) async fn ask(plugin: &Arc<WasmPlugin>, role: Role, case: &Case, world: &World) -> Said {
    let needs = |needs| HarnessError::Needs {
        role: role.as_str(),
        needs,
    };
    let object = || {
        case.objects
            .first()
            .map(|object| object.open.clone())
            .ok_or_else(|| needs("object.json or object.dcm"))
    };
    let study = || match case.objects.as_slice() {
        [] => Err(needs("the objects of a study: study/*.json or study/*.dcm")),
        objects => Ok(Arc::new(Members::of(objects))),
    };
    macro_rules! seat {
        ($seat:ident) => {
            plugin
                .clone()
                .$seat()
                .ok_or_else(|| needs("a plugin of this role"))?
        };
    }
    match role {
        Role::Filter => {
            let object = object()?;
            let passage = Arc::new(passage(case));
            let outcome = seat!(as_filter).filter(object.clone(), passage).await;
            Ok(told(outcome, |answer| filtered(&object, &answer)))
        }
        Role::Router => Ok(told(seat!(as_router).route(object()?).await, planned)),
        Role::StudyRouter => Ok(told(seat!(as_study_router).route_study(study()?).await, planned)),
        Role::Analyzer => analyze(seat!(as_analyzer), study()?, world).await,
        Role::Authenticator => {
            let credentials = input::credentials(&case.input)?;
            let outcome = seat!(as_authenticator).authenticate(Arc::new(credentials)).await;
            Ok(told(outcome, |known| {
                known.map_or_else(|| "nobody\n".into(), |who| named(&who))
            }))
        }
        Role::Authorizer => {
            let (who, access) = input::access(&case.input)?;
            Ok(told(
                seat!(as_authorizer).authorize(Arc::new(who), access).await,
                decided,
            ))
        }
        Role::Gate => {
            let applicant = input::applicant(&case.input)?;
            let outcome = seat!(as_gate).admit(Arc::new(applicant)).await;
            Ok(told(outcome, |answer| match answer {
                Ok(who) => format!("admit\n{}", named(&who)),
                Err(rejection) => format!("reject: {rejection:?}\n"),
            }))
        }
        Role::Sink => {
            let events = input::events(&case.input)?;
            Ok(told(seat!(as_sink).deliver(Arc::new(events)).await, |()| {
                "taken\n".into()
            }))
        }
        Role::Route => {
            let request = input::request(&case.input, Arc::new(crate::archive::Archive(case.objects.clone())))?;
            Ok(told(seat!(as_route).handle(request).await, answered))
        }
        Role::Worker => {
            let (queue, payload) = input::job(&case.input)?;
            Ok(told(seat!(as_worker).run(queue, payload).await, |()| "done\n".into()))
        }
    }
}

/// The answer, or the failure in the words that an operator reads.
fn told<T>(outcome: Outcome<T>, tell: impl FnOnce(T) -> String) -> (String, Cost) {
    let text = match outcome.result {
        Ok(answer) => tell(answer),
        Err(failure) => format!("failed ({}): {failure}\n", failure.word()),
    };
    (text, outcome.cost)
}

fn passage(case: &Case) -> Passage {
    let of = case.passage.clone();
    Passage {
        direction: if of.destination.is_some() {
            Direction::Egress
        } else {
            Direction::Ingest
        },
        transport: if of.calling_ae.is_some() {
            Transport::Dimse
        } else {
            Transport::File
        },
        calling_ae: of.calling_ae,
        called_ae: of.called_ae,
        peer: of.peer,
        subject: of.subject,
        destination: of.destination,
        hops: 0,
    }
}

fn filtered(object: &OpenObject, answer: &FilterAnswer) -> String {
    let mut text = match &answer.verdict {
        Verdict::Keep => "keep\n".to_owned(),
        Verdict::Drop(reason) | Verdict::Refuse(reason) | Verdict::Quarantine(reason) => {
            format!("{}: {reason}\n", answer.verdict.word())
        }
    };
    // The key of the harness: pseudonyms and UIDs are the same in every run.
    match edit::apply(&object.header, &answer.edits, &SiteKey::new([7; 32])) {
        Ok(edited) => {
            for change in diff::changes(&object.header, &edited.header) {
                let _ = writeln!(text, "{change}");
            }
        }
        Err(error) => {
            let _ = writeln!(text, "the host cannot apply its edits: {error}");
        }
    }
    text
}

fn planned(plan: Vec<PlannedSend>) -> String {
    if plan.is_empty() {
        return "sent nowhere\n".to_owned();
    }
    plan.iter()
        .map(|send| {
            let mut line = format!("send to {}, priority {}", send.destination, send.priority);
            if !send.delay.is_zero() {
                let _ = write!(line, ", in {} s", send.delay.as_secs());
            }
            line + "\n"
        })
        .collect()
}

async fn analyze(analyzer: Arc<dyn isocenter_role::Analyzer>, study: Arc<Members>, world: &World) -> Said {
    let mut outcome = Arc::clone(&analyzer).start(study.clone()).await;
    let (mut text, mut used) = (String::new(), Cost::default());
    for _ in 1..MOST_STEPS {
        let (token, pause) = match &outcome.result {
            Ok(Analysis {
                next: Next::Wait(token, pause),
                ..
            }) => (token.clone(), *pause),
            _ => break,
        };
        world.wait(pause);
        let (step, cost) = told(outcome, analyzed);
        text.push_str(&step);
        used = together(used, cost);
        outcome = Arc::clone(&analyzer).resume(token, study.clone()).await;
    }
    let (step, cost) = told(outcome, analyzed);
    Ok((text + &step, together(used, cost)))
}

/// What two calls used, one after the other.
fn together(one: Cost, other: Cost) -> Cost {
    Cost {
        queue: one.queue + other.queue,
        instantiate: one.instantiate + other.instantiate,
        cpu: one.cpu + other.cpu,
        wall: one.wall + other.wall,
        host_wait: one.host_wait + other.host_wait,
        peak_memory: one.peak_memory.max(other.peak_memory),
    }
}

fn analyzed(analysis: Analysis) -> String {
    let mut text = String::new();
    if let Some((percent, note)) = &analysis.progress {
        let _ = writeln!(text, "{percent} %: {note}");
    }
    for draft in &analysis.drafts {
        let _ = writeln!(text, "draft: {:?}, {} bytes of pixels", draft.kind, draft.pixels.len());
        for (at, value) in &draft.elements {
            let _ = writeln!(text, "  {at} {:?}", diff::shown(value));
        }
    }
    match &analysis.next {
        Next::Done => text.push_str("done\n"),
        Next::Wait(token, pause) => {
            let token = String::from_utf8_lossy(token);
            let _ = writeln!(text, "wait {} s with the token {token:?}", pause.as_secs());
        }
    }
    text
}

fn named(who: &isocenter_role::Identity) -> String {
    let mut text = format!("subject {}, by {}\n", who.subject, who.issuer);
    for (name, value) in &who.claims {
        let _ = writeln!(text, "  {name} = {value}");
    }
    text
}

fn decided(decision: Decision) -> String {
    match decision {
        Decision::Allow => "allow\n".to_owned(),
        Decision::Deny(reason) => format!("deny: {reason}\n"),
        Decision::Within(limits) => {
            let lines = limits
                .iter()
                .map(|limit| format!("  {} one of {:?}\n", limit.tag, limit.one_of));
            std::iter::once("within\n".to_owned()).chain(lines).collect()
        }
    }
}

fn answered(answer: Answer) -> String {
    let mut text = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    for piece in &answer.body {
        match piece {
            Piece::Bytes(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            Piece::Object { object, .. } => {
                let _ = write!(text, "(the object {object})");
            }
        }
    }
    text + "\n"
}

/// The objects of a case as a study.
pub(crate) struct Members {
    uid: String,
    members: Vec<Member>,
    objects: Vec<CaseObject>,
}

impl Members {
    pub(crate) fn of(objects: &[CaseObject]) -> Members {
        let text = |object: &CaseObject, tag| object.open.header.first(tag).unwrap_or_default();
        Members {
            uid: objects
                .first()
                .map(|object| text(object, tags::STUDY_INSTANCE_UID))
                .unwrap_or_default(),
            members: objects
                .iter()
                .map(|object| Member {
                    series: text(object, tags::SERIES_INSTANCE_UID),
                    object: text(object, tags::SOP_INSTANCE_UID),
                })
                .collect(),
            objects: objects.to_vec(),
        }
    }
}

impl Study for Members {
    fn uid(&self) -> &str {
        &self.uid
    }

    fn members(&self) -> &[Member] {
        &self.members
    }

    fn open(&self, position: usize) -> BoxFuture<'_, Result<Option<OpenObject>, String>> {
        std::future::ready(Ok(self.objects.get(position).map(|object| object.open.clone()))).boxed()
    }

    fn volume(&self, series: String) -> BoxFuture<'_, Result<Volume, String>> {
        async move {
            let of_series = self.members.iter().zip(&self.objects);
            let of_series: Vec<&CaseObject> = of_series
                .filter(|(member, _)| member.series == series)
                .map(|(_, object)| object)
                .collect();
            volume(&of_series)
        }
        .boxed()
    }
}

fn volume(objects: &[&CaseObject]) -> Result<Volume, String> {
    use isocenter_pixels::volume::{Plan, VolumeError};
    let headers: Vec<&isocenter_dicom::Header> = objects.iter().map(|object| &*object.open.header).collect();
    let plan = Plan::new(&headers).map_err(|error| error.to_string())?;
    struct Unmade(String);
    impl From<VolumeError> for Unmade {
        fn from(error: VolumeError) -> Unmade {
            Unmade(error.to_string())
        }
    }
    let values = plan.fill(|source| {
        let object = objects
            .get(source.member)
            .ok_or_else(|| Unmade("a member is gone".into()))?;
        object.decoded(source.frame).map_err(|error| Unmade(error.to_string()))
    });
    Ok((plan.shape().to_vec(), values.map_err(|Unmade(why)| why)?))
}
