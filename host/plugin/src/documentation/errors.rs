//! The parts of `plugin-api/errors.md` about plugins that do not load and calls that give no answer. A new kind of either
//! has no place here until it says what to do.

use std::io;
use std::path::PathBuf;

use isocenter_contract::table;
use isocenter_role::backing::Backing;
use isocenter_role::{Failure, LimitsOverride, Role};

use super::{failures, says};
use crate::StartError;
use crate::host::OFFERED;
use crate::limits;
use crate::load::{LoadError, Reason, recognise};
use crate::spec::PluginSpec;
use crate::trust::{Pin, SignatureCheck};

/// What to do about it.
fn remedy(reason: &Reason) -> &'static str {
    match reason {
        Reason::Unreadable { .. } => {
            "look at `source`, `public-key` or `signature`: paths are relative to the configuration"
        }
        Reason::TooLarge { .. } => "strip debug information; leave models to `[models]`",
        Reason::NotAComponent { .. } => "as it says",
        Reason::Invalid { .. } => "build it again; where it was copied, compare digests",
        Reason::Contract(_) => {
            "see [versions](README.md#versions): build it with the SDK of this host, or take a later host"
        }
        Reason::Manifest(_) => "build it with `isocenter plugin build` and one `plugin!`",
        Reason::Config(_) => "write `config = { … }` or `[plugins.NAME.config]`",
        Reason::Unfit(_) => "as it says; `isocenter plugin inspect --schema` prints what the plugin takes",
        Reason::Limits(_) => "change `limits` of the plugin",
        Reason::Grant(_) => "grant it what it asks for, if you trust it with that, or leave it out",
        Reason::Compiler { .. } => "make it smaller; see [limits.md](limits.md#of-a-component)",
        Reason::Trust(_) => "do not use the file until you know why: compare its digest with its maker's",
        Reason::Refused(_) => "the rest is the plugin's own sentence about its `config`",
        Reason::CheckFailed(_) => "as for a failed call, below: its `check` has 5 s and calls what it is granted",
    }
}

/// One of each, and of those that have many sentences several, as they are made.
fn reasons() -> Vec<Reason> {
    let path = || PathBuf::from("edge.wasm");
    let mut all = vec![
        Reason::Unreadable {
            path: path(),
            error: io::Error::from(io::ErrorKind::NotFound),
        },
        Reason::TooLarge { path: path() },
    ];
    let looks_like: [&[u8]; 6] = [
        b"\0asm\x01\0\0\0",
        b"\0asm\x02\0\0\0",
        b"\x7fELF",
        b"",
        b"(module)",
        b"text",
    ];
    all.extend(looks_like.iter().filter_map(|bytes| recognise(bytes, &path()).err()));
    all.push(Reason::Invalid {
        path: path(),
        error: "…".into(),
    });
    all.extend(
        [
            "it was built for isocenter:filter@0.3.0, this host offers 0.1.1",
            "it imports wasi:cli/environment@0.2.0, which this host does not offer; this host offers no WASI: build for \
             wasm32-unknown-unknown, or with WASI stubbed",
            "it plays no role: it exports nothing, but none of filter, router, …",
        ]
        .map(|sentence| Reason::Contract(sentence.into())),
    );
    all.push(Reason::Manifest("there are two of them".into()));
    all.push(Reason::Config("a list"));
    all.push(Reason::Unfit("`rows` must be a whole number".into()));
    let override_of = |concurrency| LimitsOverride {
        concurrency: Some(concurrency),
        ..LimitsOverride::default()
    };
    all.extend(
        limits::in_force(Role::Filter, &override_of(0))
            .err()
            .map(Reason::Limits),
    );
    let ungranted = PluginSpec::new("p", "p.wasm");
    let grants = OFFERED.iter().filter(|capability| capability.grant.is_some());
    all.extend(grants.filter_map(|capability| {
        (capability.validate)(&ungranted, &Backing::default())
            .err()
            .map(Reason::Grant)
    }));
    all.push(Reason::Compiler {
        path: path(),
        why: "the compiler took longer than 120 s".into(),
    });
    all.extend(
        ["md5:00", "blake3:00"]
            .iter()
            .filter_map(|text| Pin::parse(text).err().map(Reason::Trust)),
    );
    let other = Pin::parse(&format!("blake3:{}", "0".repeat(64))).and_then(|pin| pin.verify(b""));
    all.extend(other.err().map(Reason::Trust));
    all.extend(SignatureCheck::new("no key").err().map(Reason::Trust));
    all.push(Reason::Refused("`room-9` is no configured destination".into()));
    all.push(Reason::CheckFailed(Failure::Trap("told to (src/lib.rs:7)".into())));
    all
}

#[test]
fn plugins_that_do_not_load() {
    let reasons = reasons();
    let kinds: std::collections::HashSet<_> = reasons.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), 14, "one of each is shown");
    let whole = LoadError {
        plugin: "edge".into(),
        reason: Reason::Config("a list"),
    };
    assert!(whole.to_string().starts_with("the plugin `edge` does not load: "));
    let rows: Vec<_> = reasons
        .iter()
        .map(|reason| vec![reason.to_string(), remedy(reason).to_owned()])
        .collect();
    says(
        "errors.md",
        "table: loading",
        &table(&["the plugin `edge` does not load: …", "do"], &rows),
    );
}

/// The page about capabilities begins with one of them.
#[test]
fn the_sentence_for_a_missing_grant() {
    let state = OFFERED
        .iter()
        .find(|capability| capability.interface.starts_with("isocenter:host/state"));
    let reason = (state.unwrap().validate)(&PluginSpec::new("triage", "triage.wasm"), &Backing::default()).unwrap_err();
    let error = LoadError {
        plugin: "triage".into(),
        reason: Reason::Grant(reason),
    };
    says("capabilities.md", "table: refusal", &format!("```text\n{error}\n```\n"));
}

#[test]
fn a_runtime_that_does_not_start() {
    let remedy = |error: &StartError| match error {
        StartError::Engine(_) => "plugins need 64-bit memory of which much is only reserved: look at `ulimit -v`",
        StartError::Threads(_) => "look at `ulimit -u` and the limits of the container",
    };
    let errors = [
        StartError::Engine("…".into()),
        StartError::Threads(io::Error::from(io::ErrorKind::OutOfMemory)),
    ];
    let rows: Vec<_> = errors
        .iter()
        .map(|error| vec![error.to_string(), remedy(error).to_owned()])
        .collect();
    says("errors.md", "table: starting", &table(&["said", "do"], &rows));
}

#[test]
fn calls_that_give_no_answer() {
    let remedy = |failure: &Failure| match failure {
        Failure::Trap(_) => {
            "a mistake of the plugin: its message and place are in the log before; run the object as a case"
        }
        Failure::Deadline { .. } => {
            "make it faster, ask other servers with a shorter `timeout_millis`, or set `limits`"
        }
        Failure::Memory { .. } => "read pixels and bodies in pieces, or set `limits = { memory = \"…\" }`",
        Failure::Never(_) => "the plugin's own sentence; it decided so",
        Failure::After { .. } => "wait: it is tried again. Where it stays so, what it waits for is down",
        Failure::Overloaded => "it is tried again. Where it stays so, set `limits = { concurrency = … }`",
        Failure::Tripped { .. } => {
            "look at the failures before it (`isocenter outcomes --failed`): it rests until it is tried"
        }
    };
    let rows: Vec<_> = failures()
        .iter()
        .map(|failure| vec![failure.to_string(), remedy(failure).to_owned()])
        .collect();
    says("errors.md", "table: calls", &table(&["said", "do"], &rows));
}
