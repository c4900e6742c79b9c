//! Authenticators, authorizers and gates.

use std::sync::Arc;

use isocenter_role::{self as role, Decision, Failure, GateRejection, Identity, Limit, Role};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::{absent, lend};
use crate::bindings::exports::isocenter::auth::{authenticator, authorizer, gate};
use crate::bindings::isocenter::auth::identity;
use crate::call::{self, Call, Work, reason};
use crate::host::evidence::{Access, Association, Credentials};
use crate::host::tag;
use crate::plugin::WasmPlugin;

/// Claims of an identity, and the bytes of all its text.
pub(crate) const MOST_CLAIMS: usize = 256;
pub(crate) const MOST_IDENTITY: usize = 64 * 1024;
/// Limits of a decision, and values of all of them.
pub(crate) const MOST_LIMITS: usize = 16;
pub(crate) const MOST_VALUES: usize = 10_000;

struct Authenticate {
    credentials: Arc<role::Credentials>,
    export: Option<authenticator::GuestIndices>,
}

struct Authorize {
    who: Arc<Identity>,
    access: role::Access,
    export: Option<authorizer::GuestIndices>,
}

struct Admit {
    applicant: Arc<role::Applicant>,
    export: Option<gate::GuestIndices>,
}

impl role::Authenticator for WasmPlugin {
    fn authenticate(self: Arc<Self>, credentials: Arc<role::Credentials>) -> role::Call<'static, Option<Identity>> {
        let export = self.exports.authenticator.clone();
        Box::pin(call::run(
            self,
            Role::Authenticator,
            Authenticate { credentials, export },
        ))
    }
}

impl role::Authorizer for WasmPlugin {
    fn authorize(self: Arc<Self>, who: Arc<Identity>, access: role::Access) -> role::Call<'static, Decision> {
        let export = self.exports.authorizer.clone();
        Box::pin(call::run(self, Role::Authorizer, Authorize { who, access, export }))
    }
}

impl role::Gate for WasmPlugin {
    fn admit(self: Arc<Self>, applicant: Arc<role::Applicant>) -> role::Call<'static, Result<Identity, GateRejection>> {
        let export = self.exports.gate.clone();
        Box::pin(call::run(self, Role::Gate, Admit { applicant, export }))
    }
}

fn from_guest(found: identity::Identity) -> Result<Identity, Failure> {
    let claims = found.claims.iter().map(|(name, value)| name.len() + value.len());
    let bytes = found.subject.len() + found.issuer.len() + claims.sum::<usize>();
    if found.claims.len() > MOST_CLAIMS || bytes > MOST_IDENTITY {
        return Err(Failure::Never(format!(
            "its identity has more than {MOST_CLAIMS} claims or {MOST_IDENTITY} bytes"
        )));
    }
    if found.subject.is_empty() || found.subject.chars().any(char::is_control) {
        return Err(Failure::Never(
            "its identity has no subject, or one that is no text".into(),
        ));
    }
    Ok(Identity {
        subject: found.subject,
        issuer: found.issuer,
        claims: found.claims,
        expires: found.expires_unix_seconds,
    })
}

fn to_guest(who: &Identity) -> identity::Identity {
    identity::Identity {
        subject: who.subject.clone(),
        issuer: who.issuer.clone(),
        claims: who.claims.clone(),
        expires_unix_seconds: who.expires,
    }
}

impl Work for Authenticate {
    type Answer = Option<Identity>;

    fn word(answer: &Option<Identity>) -> &'static str {
        if answer.is_some() { "known" } else { "unknown" }
    }

    async fn call(
        self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> wasmtime::Result<Result<Option<Identity>, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Authenticator)));
        };
        let guest = export.load(&mut *store, instance)?;
        let credentials = store.data_mut().table.push(Credentials(self.credentials))?;
        Ok(match guest.call_authenticate(&mut *store, lend(&credentials)).await? {
            Ok(found) => found.map(from_guest).transpose(),
            Err(failure) => Err(failure.into()),
        })
    }
}

impl Work for Authorize {
    type Answer = Decision;

    fn word(answer: &Decision) -> &'static str {
        answer.word()
    }

    async fn call(self, store: &mut Store<Call>, instance: &Instance) -> wasmtime::Result<Result<Decision, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Authorizer)));
        };
        let guest = export.load(&mut *store, instance)?;
        let access = store.data_mut().table.push(Access(self.access))?;
        let answer = guest
            .call_authorize(&mut *store, &to_guest(&self.who), lend(&access))
            .await?;
        Ok(match answer {
            Ok(authorizer::Decision::Allow) => Ok(Decision::Allow),
            Ok(authorizer::Decision::Deny(why)) => Ok(Decision::Deny(reason(&why))),
            Ok(authorizer::Decision::Within(limits)) => within(limits),
            Err(failure) => Err(failure.into()),
        })
    }
}

fn within(limits: Vec<authorizer::Limit>) -> Result<Decision, Failure> {
    let values = limits.iter().map(|limit| limit.one_of.len()).sum::<usize>();
    if limits.len() > MOST_LIMITS || values > MOST_VALUES {
        return Err(Failure::Never(format!(
            "its decision has more than {MOST_LIMITS} limits or {MOST_VALUES} values"
        )));
    }
    if limits.is_empty() {
        // No limit would be everything; who means that says `allow`.
        return Err(Failure::Never("its decision is `within` no limit at all".into()));
    }
    let limits = limits.into_iter().map(|limit| Limit {
        tag: tag(limit.tag),
        one_of: limit.one_of,
    });
    Ok(Decision::Within(limits.collect()))
}

impl Work for Admit {
    type Answer = Result<Identity, GateRejection>;

    fn word(answer: &Result<Identity, GateRejection>) -> &'static str {
        if answer.is_ok() { "admitted" } else { "rejected" }
    }

    async fn call(
        self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> wasmtime::Result<Result<Result<Identity, GateRejection>, Failure>> {
        let Some(export) = self.export else {
            return Ok(Err(absent(Role::Gate)));
        };
        let guest = export.load(&mut *store, instance)?;
        let association = store.data_mut().table.push(Association(self.applicant))?;
        Ok(match guest.call_admit(&mut *store, lend(&association)).await? {
            Ok(Ok(identity)) => from_guest(identity).map(Ok),
            Ok(Err(rejection)) => Ok(Err(match rejection {
                gate::Rejection::CallingAeUnknown => GateRejection::CallingAeUnknown,
                gate::Rejection::CalledAeUnknown => GateRejection::CalledAeUnknown,
                gate::Rejection::NotNow => GateRejection::NotNow,
                gate::Rejection::NoReason => GateRejection::NoReason,
            })),
            Err(failure) => Err(failure.into()),
        })
    }
}
