//! What an author of plugins does at the command line (`isocenter plugin …`): a new project, its build, its cases, a
//! look at a component.
//!
//! Separate from the host's commands because it needs no host, no database and no configuration: a folder with a crate,
//! cargo, and the host's own runtime.
//!
//! ```text
//! Project::create → Project::open → build → component → test (cases), run (one object), inspect
//!                                              component → sign, verify, pack, push → … → pull → a host
//! ```

mod build;
mod cases;
#[cfg(test)]
mod documentation;
mod inspect;
mod keys;
mod next;
mod project;
mod ship;
mod template;
mod wasm_target;

use std::path::PathBuf;

pub use cases::{Tested, run, test};
pub use inspect::{inspect, schema};
pub use isocenter_pack::{Digest, Reference};
pub use isocenter_role::Role;
pub use keys::{Passphrase, keygen, sign, verify};
pub use project::Project;
pub use ship::{Pulled, pack, pull, push};

/// Why a command of an author did not go well. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// A file or folder.
    #[error("{}: {error}; look at the path and its rights", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// There is something already.
    #[error("{} is there already; choose another name, or remove it", .0.display())]
    Exists(PathBuf),
    /// A name that no crate can have.
    #[error("`{0}` cannot be a plugin's name: use lower-case letters, digits and dashes, a letter first, at most 64")]
    Name(String),
    /// The guest crate is not there.
    #[error(
        "the guest crate is not there: it is in no registry yet, and a project takes it from a checkout of this repository; \
         name the checkout's folder `sdk` with `--sdk DIR`"
    )]
    NoSdk,
    /// No project.
    #[error("{} is no plugin project: there is no Cargo.toml with a [lib] of crate-type \"cdylib\"; `isocenter plugin new` makes one", .0.display())]
    NoProject(PathBuf),
    /// The wasm target cannot be prepared.
    #[error(
        "the standard library for wasm32-unknown-unknown is not there and cannot be made: {0}; with rustup, `rustup target add wasm32-unknown-unknown` makes it"
    )]
    Target(String),
    /// Cargo ended with an error, which it printed.
    #[error("`cargo {0}` did not succeed; its messages are above")]
    Cargo(&'static str),
    /// Cargo is not there.
    #[error("cargo does not start ({0}); install Rust: https://rustup.rs")]
    NoCargo(std::io::Error),
    /// The module does not become a component.
    #[error(transparent)]
    Build(#[from] isocenter_plugin_build::BuildError),
    /// It does not describe its configuration.
    #[error("{} has no schema of its configuration; derive `schemars::JsonSchema` beside `Deserialize`, add schemars to the dependencies, and build again", .0.display())]
    NoSchema(PathBuf),
    /// Nothing has been built.
    #[error("{} is not there; `isocenter plugin build` makes a project's component, or name another file", .0.display())]
    NotBuilt(PathBuf),
    /// It needs no packing.
    #[error("{} is a packed plugin already; `isocenter plugin push` takes it as it is", .0.display())]
    PackedAlready(PathBuf),
    /// A file that is no secret key.
    #[error("{} is no secret key of minisign; `isocenter plugin keygen` makes a pair of keys", .0.display())]
    NoSecretKey(PathBuf),
    /// A secret key where the public one belongs.
    #[error("{} is a secret key, which is its holder's alone; name the public key, the other file of the pair (*.pub)", .0.display())]
    SecretKey(PathBuf),
    /// The passphrase of a key.
    #[error("the secret key {} cannot be used: {}; its passphrase is asked for at a terminal, or taken from ISOCENTER_KEY_PASSPHRASE", .0.display(), .1)]
    Passphrase(PathBuf, String),
    /// It is not known to be from the holder of a key.
    #[error("by the key {} it is not known to be what its author made: {}", .0.display(), .1)]
    Untrusted(PathBuf, String),
    /// It is another file than was meant.
    #[error("{}: {}; fetch it again, or ask its author which digest it has", .0.display(), .1)]
    OtherDigest(PathBuf, String),
    /// Packing, sending or fetching.
    #[error(transparent)]
    Pack(#[from] isocenter_pack::PackError),
    /// There is no case to take the plugin's configuration from.
    #[error("{} has no cases; make a folder cases/first with a case.toml and an object.json", .0.display())]
    NoCases(PathBuf),
    /// An object for a plugin that is not asked about objects.
    #[error(
        "{} was not put through it: the role {} is not asked about objects; write what it is asked under [input] of \
         cases/first/case.toml, and ask it with `isocenter plugin test`",
        object.display(),
        role.as_str()
    )]
    NotAsked {
        /// What was asked.
        role: Role,
        /// The object.
        object: PathBuf,
    },
    /// A case.
    #[error("{}", next::with(.0, next::of_case(.0)))]
    Case(#[from] isocenter_harness::CaseError),
    /// The runtime, or a case that does not fit the plugin.
    #[error("{}", next::with(.0, next::of_harness(.0)))]
    Harness(#[from] isocenter_harness::HarnessError),
    /// An object.
    #[error("{}", next::with(.0, next::of_object(.0)))]
    Object(#[from] isocenter_harness::ObjectError),
    /// A component that does not load.
    #[error(transparent)]
    Load(#[from] isocenter_plugin::LoadError),
    /// The runtime.
    #[error(transparent)]
    Start(#[from] isocenter_plugin::StartError),
}

/// The file in an error.
fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> ToolError {
    let path = path.into();
    move |error| ToolError::File { path, error }
}
