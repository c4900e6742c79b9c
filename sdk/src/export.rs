//! What the export macros stand on: the frame around an author's code. No part of the interface for authors.
//!
//! Separate because it is where the contract's exports become the traits of [`role`](crate::role): the panic hook first,
//! then the configuration, then the call.

/// Text as the bytes of a custom section.
#[must_use]
#[expect(
    clippy::indexing_slicing,
    reason = "runs in the compiler, where a panic is a build error"
)]
pub const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = text.as_bytes()[at];
        at += 1;
    }
    bytes
}

/// A role's own check, for the component's one `check`.
pub mod check {
    use crate::{
        Analyzer, Authenticator, Authorizer, Error, Filter, Gate, Result, Route, Router, Sink, StudyRouter, Worker,
        host, raw,
    };

    type Checked = std::result::Result<(), String>;

    pub(super) fn config<C: serde::de::DeserializeOwned>() -> Result<C> {
        #[cfg(target_arch = "wasm32")]
        host::log_panics();
        serde_json::from_str(&host::config_json()).map_err(|error| Error::never(error.to_string()))
    }

    fn checked<C: serde::de::DeserializeOwned>(check: impl FnOnce(&C) -> Result<()>) -> Checked {
        config()
            .and_then(|config| check(&config))
            .map_err(|error| error.reason().to_owned())
    }

    macro_rules! check {
        ($($name:ident: $role:ident $(($given:expr))?;)*) => {
            $(
                #[expect(missing_docs, reason = "one for each role")]
                pub fn $name<P: $role>() -> Checked {
                    checked(|config| P::check(config $(, &$given)?))
                }
            )*
        };
    }

    check! {
        filter: Filter;
        router: Router(raw::plan::destinations());
        study_router: StudyRouter(raw::plan::destinations());
        analyzer: Analyzer;
        authenticator: Authenticator;
        authorizer: Authorizer;
        gate: Gate;
        sink: Sink;
        route: Route;
        worker: Worker;
    }
}

/// The type of the configuration that a role of a plugin reads.
pub mod config_of {
    macro_rules! config_of {
        ($($name:ident: $role:ident;)*) => {
            $(
                #[expect(missing_docs, non_camel_case_types, reason = "one for each role, named as `plugin!` has it")]
                pub type $name<P> = <P as crate::$role>::Config;
            )*
        };
    }

    config_of! {
        filter: Filter;
        router: Router;
        study_router: StudyRouter;
        analyzer: Analyzer;
        authenticator: Authenticator;
        authorizer: Authorizer;
        gate: Gate;
        sink: Sink;
        route: Route;
        worker: Worker;
    }
}

/// A plugin's roles as the contract's exports.
#[cfg(target_arch = "wasm32")]
pub struct Exported<P>(std::marker::PhantomData<P>);

#[cfg(target_arch = "wasm32")]
mod exported {
    use super::{Exported, check::config};
    use crate::bindings::imports::isocenter::auth::evidence;
    use crate::bindings::imports::isocenter::auth::identity::Identity;
    use crate::bindings::imports::isocenter::dicom::{edits, objects, studies};
    use crate::bindings::imports::isocenter::filter::passage;
    use crate::bindings::imports::isocenter::host::failure::Failure;
    use crate::bindings::imports::isocenter::http_ext::exchange;
    use crate::bindings::imports::isocenter::inference::results;
    use crate::bindings::imports::isocenter::routing::plan;
    use crate::bindings::{
        analyzer, authenticator, authorizer, filter, gate, route, router, sink, study_router, worker,
    };
    use crate::{
        Access, Admission, Association, Credentials, Decision, Edits, Event, Next, Object, Passage, Plan, Request,
        Response, Results, Study, Verdict,
    };

    type Answer<T> = std::result::Result<T, Failure>;

    impl<P: crate::Filter> filter::exports::isocenter::filter::filter::Guest for Exported<P> {
        fn apply(object: &objects::Object, passage: &passage::Passage, edits: &edits::Edits) -> Answer<Verdict> {
            let config = config()?;
            Ok(P::apply(
                &Object::lent(object),
                &Passage(passage),
                &mut Edits(edits),
                &config,
            )?)
        }
    }

    impl<P: crate::Router> router::exports::isocenter::routing::router::Guest for Exported<P> {
        fn route(object: &objects::Object, plan: &plan::Plan) -> Answer<()> {
            let config = config()?;
            Ok(P::route(&Object::lent(object), &mut Plan(plan), &config)?)
        }
    }

    impl<P: crate::StudyRouter> study_router::exports::isocenter::routing::study_router::Guest for Exported<P> {
        fn route_study(study: &studies::Study, plan: &plan::Plan) -> Answer<()> {
            let config = config()?;
            Ok(P::route_study(&mut Study::lent(study), &mut Plan(plan), &config)?)
        }
    }

    impl<P: crate::Analyzer> analyzer::exports::isocenter::inference::analyzer::Guest for Exported<P> {
        fn start(study: &studies::Study, results: &results::Results) -> Answer<Step> {
            let config = config()?;
            Ok(P::start(&mut Study::lent(study), &mut Results(results), &config)?.into())
        }

        fn resume(token: Vec<u8>, study: &studies::Study, results: &results::Results) -> Answer<Step> {
            let config = config()?;
            Ok(P::resume(&token, &mut Study::lent(study), &mut Results(results), &config)?.into())
        }
    }

    use analyzer::exports::isocenter::inference::analyzer::{Pause, Step};

    impl From<Next> for Step {
        fn from(next: Next) -> Step {
            match next {
                Next::Done => Step::Done,
                Next::Wait { token, seconds } => Step::Wait(Pause { token, seconds }),
            }
        }
    }

    impl<P: crate::Authenticator> authenticator::exports::isocenter::auth::authenticator::Guest for Exported<P> {
        fn authenticate(credentials: &evidence::Credentials) -> Answer<Option<Identity>> {
            let config = config()?;
            Ok(P::authenticate(&Credentials(credentials), &config)?)
        }
    }

    use authorizer::exports::isocenter::auth::authorizer::{Decision as Decided, Limit};

    impl<P: crate::Authorizer> authorizer::exports::isocenter::auth::authorizer::Guest for Exported<P> {
        fn authorize(who: Identity, access: &evidence::Access) -> Answer<Decided> {
            let config = config()?;
            Ok(P::authorize(&who, &Access(access), &config)?.into())
        }
    }

    impl From<Decision> for Decided {
        fn from(decision: Decision) -> Decided {
            let limit = |limit: crate::Limit| Limit {
                tag: limit.tag.0,
                one_of: limit.one_of,
            };
            match decision {
                Decision::Allow => Decided::Allow,
                Decision::Within(limits) => Decided::Within(limits.into_iter().map(limit).collect()),
                Decision::Deny(reason) => Decided::Deny(reason),
            }
        }
    }

    impl<P: crate::Gate> gate::exports::isocenter::auth::gate::Guest for Exported<P> {
        fn admit(association: &evidence::Association) -> Answer<std::result::Result<Identity, crate::Rejection>> {
            let config = config()?;
            Ok(match P::admit(&Association(association), &config)? {
                Admission::Admit(identity) => Ok(identity),
                Admission::Reject(rejection) => Err(rejection),
            })
        }
    }

    impl<P: crate::Sink> sink::exports::isocenter::events::sink::Guest for Exported<P> {
        fn deliver(batch: Vec<Event>) -> Answer<()> {
            let config = config()?;
            Ok(P::deliver(&batch, &config)?)
        }
    }

    impl<P: crate::Route> route::exports::isocenter::http_ext::route::Guest for Exported<P> {
        fn handle(request: &exchange::Request, response: &exchange::Response) -> Answer<()> {
            let config = config()?;
            Ok(P::handle(&Request(request), &mut Response(response), &config)?)
        }
    }

    impl<P: crate::Worker> worker::exports::isocenter::jobs::worker::Guest for Exported<P> {
        fn run(queue: String, payload: Vec<u8>) -> Answer<()> {
            let config = config()?;
            Ok(P::run(&queue, &payload, &config)?)
        }
    }
}
