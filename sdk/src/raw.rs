//! What the wrappers stand on: the contract's imports in the sandbox, the fakes outside of it, under the same names.
//!
//! Separate so that no wrapper asks where it runs, and a plugin's native tests take the way that its calls will take.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::imports::isocenter::{
    auth::evidence,
    dicom::{drafts, edits, objects, pixels, studies},
    filter::passage,
    host::{clock, config, http, jobs, log, metrics, random, secrets, state},
    http_ext::{archive, exchange},
    inference::{models, results},
    routing::plan,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::fake::raw::*;

/// A resource that is the caller's alone for one call. The host's own methods change behind a shared reference.
#[cfg(target_arch = "wasm32")]
pub(crate) type Exclusive<'a, T> = &'a T;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Exclusive<'a, T> = &'a mut T;

/// A resource of the host: lent for one call, or opened by the plugin.
pub(crate) enum Handle<'a, T> {
    Lent(&'a T),
    Owned(T),
}

impl<T> std::ops::Deref for Handle<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Handle::Lent(resource) => resource,
            Handle::Owned(resource) => resource,
        }
    }
}
