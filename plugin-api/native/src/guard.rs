//! The boundary that no panic crosses.
//!
//! Separate because it is the one place where a panic becomes a code and a sentence. Nothing is written to stderr, which
//! in the host's process is not the engine's.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::Error;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

struct Panic {
    message: String,
    place: String,
}

/// Runs a call of the table. A panic becomes [`Error::Failed`] with its message and place.
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    caught(call).unwrap_or_else(|panic| {
        Err(Error::Failed(format!(
            "the engine panicked at {}: {}",
            panic.place, panic.message
        )))
    })
}

/// Runs a call that handles values of tensors. A panic becomes [`Error::Failed`] with its place alone: its message may
/// print values, and they are patient data.
pub(crate) fn guard_values<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    caught(call).unwrap_or_else(|panic| Err(Error::Failed(format!("the engine panicked at {}", panic.place))))
}

fn caught<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<Result<T, Error>, Panic> {
    listen();
    INSIDE.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    INSIDE.set(false);
    outcome.map_err(|payload| {
        // Its destructor could panic again, and outside of the guard.
        std::mem::forget(payload);
        LAST.take().unwrap_or_else(|| Panic {
            message: "no message".into(),
            place: "an unknown place".into(),
        })
    })
}

/// Makes the panic hook of this library keep what guarded threads say, once.
fn listen() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if INSIDE.get() {
                let place = panic.location().map(ToString::to_string);
                LAST.set(Some(Panic {
                    message: panic.payload_as_str().unwrap_or("no message").to_owned(),
                    place: place.unwrap_or_else(|| "an unknown place".into()),
                }));
            } else {
                before(panic);
            }
        }));
    });
}
