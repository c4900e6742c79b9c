//! Every role has a place in the configuration, and none is taken for another.

use std::sync::Arc;
use std::time::Duration;

use isocenter_role::{
    Access, Answer, Applicant, Authenticator, Authorizer, Call, Credentials, Decision, Event, Gate, GateRejection,
    Identity, Limits, Manifest, Part, Plugin, Request, Role, Route, Series, Sink, State,
};

use super::Duty;
use crate::{Set, SinkSpec};

/// A plugin of every role that is never called.
struct Idle(State);

impl Part for Idle {
    fn name(&self) -> &str {
        "idle"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        self.0
    }
}

macro_rules! none {
    ($($name:ident: $role:ident),*) => {
        $(fn $name(self: Arc<Self>) -> Option<Arc<dyn isocenter_role::$role>> {
            None
        })*
    };
}

impl Plugin for Idle {
    fn roles(&self) -> Vec<Role> {
        Role::ALL.to_vec()
    }

    fn state_of(&self, _: Role) -> State {
        self.0
    }

    fn limits(&self, _: Role) -> Option<Limits> {
        None
    }

    fn manifest(&self) -> Option<&Manifest> {
        None
    }

    fn series(&self) -> Vec<Series> {
        Vec::new()
    }

    fn dry(self: Arc<Self>) -> Arc<dyn Plugin> {
        self
    }

    none!(
        as_filter: Filter, as_router: Router, as_study_router: StudyRouter, as_analyzer: Analyzer,
        as_authenticator: Authenticator, as_authorizer: Authorizer, as_gate: Gate, as_sink: Sink, as_route: Route,
        as_worker: Worker
    );
}

fn never<T: 'static>() -> Call<'static, T> {
    Box::pin(std::future::pending())
}

impl Authenticator for Idle {
    fn authenticate(self: Arc<Self>, _: Arc<Credentials>) -> Call<'static, Option<Identity>> {
        never()
    }
}

impl Authorizer for Idle {
    fn authorize(self: Arc<Self>, _: Arc<Identity>, _: Access) -> Call<'static, Decision> {
        never()
    }
}

impl Gate for Idle {
    fn admit(self: Arc<Self>, _: Arc<Applicant>) -> Call<'static, Result<Identity, GateRejection>> {
        never()
    }
}

impl Sink for Idle {
    fn deliver(self: Arc<Self>, _: Arc<Vec<Event>>) -> Call<'static, ()> {
        never()
    }
}

impl Route for Idle {
    fn handle(self: Arc<Self>, _: Request) -> Call<'static, Answer> {
        never()
    }
}

fn idle() -> Arc<Idle> {
    Arc::new(Idle(State::Ready))
}

/// The roles that are not disabled.
fn asked(set: &Set) -> Vec<Role> {
    let roles = Role::ALL.into_iter();
    roles
        .filter(|role| set.duty(&*idle(), *role) != Duty::Disabled)
        .collect()
}

#[test]
fn a_role_is_disabled_unless_the_configuration_has_a_place_for_it() {
    let table: [(Set, &[Role]); 6] = [
        (Set::default(), &[]),
        (
            Set {
                authenticators: vec![idle()],
                ..Set::default()
            },
            &[Role::Authenticator],
        ),
        (
            Set {
                authorizers: vec![idle()],
                ..Set::default()
            },
            &[Role::Authorizer],
        ),
        (
            Set {
                gates: vec![idle()],
                ..Set::default()
            },
            &[Role::Gate],
        ),
        (
            Set {
                sinks: vec![SinkSpec {
                    sink: idle(),
                    batch: 1,
                    kinds: Vec::new(),
                }],
                ..Set::default()
            },
            &[Role::Sink],
        ),
        (
            Set {
                routes: [("idle".to_owned(), idle() as Arc<dyn Route>)].into(),
                ..Set::default()
            },
            &[Role::Route],
        ),
    ];
    for (set, expected) in table {
        // A worker always has a place.
        let expected: Vec<Role> = expected.iter().copied().chain([Role::Worker]).collect();
        assert_eq!(asked(&set), expected);
    }
}

#[test]
fn a_breaker_is_closed_open_or_half_open() {
    let set = Set {
        gates: vec![idle()],
        ..Set::default()
    };
    let rest = Duration::from_secs(3);
    for (state, duty) in [
        (State::Ready, Duty::Ready),
        (
            State::Tripped { retry_after: rest },
            Duty::Tripped { retry_after: rest },
        ),
        (
            State::Tripped {
                retry_after: Duration::ZERO,
            },
            Duty::HalfOpen,
        ),
    ] {
        assert_eq!(set.duty(&Idle(state), Role::Gate), duty);
        assert!(Duty::WORDS.contains(&duty.word()));
    }
}
