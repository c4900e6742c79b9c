//! `check()`: no role, but what every plugin answers when it is loaded.

use isocenter_role::Failure;
use wasmtime::Store;
use wasmtime::component::Instance;

use super::Exports;
use crate::call::{Call, Work, reason};

/// Calls `check()`, after a look at whether the roles have the types of the contract.
pub(crate) struct CheckWork {
    pub(crate) exports: Exports,
}

/// What `check()` says, or what is wrong before it is called.
pub(crate) enum Checked {
    Fine,
    Refused(String),
    Unlike(String),
}

impl Work for CheckWork {
    type Answer = Checked;

    async fn call(self, store: &mut Store<Call>, instance: &Instance) -> wasmtime::Result<Result<Checked, Failure>> {
        /// The first role whose functions are not those of the contract.
        macro_rules! unlike {
            ($($role:ident),+) => {{
                let mut unlike = None;
                $(if let Some(export) = &self.exports.$role
                    && let Err(error) = export.load(&mut *store, instance)
                {
                    unlike.get_or_insert(error);
                })+
                unlike
            }};
        }
        let unlike = unlike!(
            filter,
            router,
            study_router,
            analyzer,
            authenticator,
            authorizer,
            gate,
            sink,
            route,
            worker
        );
        let guest = match (unlike, self.exports.lifecycle.load(&mut *store, instance)) {
            (None, Ok(guest)) => guest,
            (Some(error), _) | (None, Err(error)) => {
                return Ok(Ok(Checked::Unlike(reason(&format!("{error:#}")))));
            }
        };
        Ok(Ok(match guest.call_check(&mut *store).await? {
            Ok(()) => Checked::Fine,
            Err(why) => Checked::Refused(reason(&why)),
        }))
    }
}
