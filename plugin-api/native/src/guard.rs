//! The boundary that no panic crosses.
//!
//! Separate because it is the one place where a panic becomes a code and a sentence. The sentence has the panic's
//! message and place; nothing is written to stderr, which in the host's process is not the engine's.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::Error;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a call of the table. A panic becomes [`Error::Failed`].
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    listen();
    INSIDE.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    INSIDE.set(false);
    outcome.unwrap_or_else(|payload| {
        // Its destructor could panic again, and outside of the guard.
        std::mem::forget(payload);
        let said = LAST.take().unwrap_or_else(|| "without a message".into());
        Err(Error::Failed(format!("the engine panicked: {said}")))
    })
}

/// Makes the panic hook of this library keep what guarded threads say, once.
fn listen() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if INSIDE.get() {
                LAST.set(Some(panic.to_string().replace('\n', " ")));
            } else {
                before(panic);
            }
        }));
    });
}
