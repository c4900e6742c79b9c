//! Write plugins for Isocenter.
//!
//! A plugin is a crate with a type that plays one role or several, and one line that exports it. Its roles:
//!
//! | role | does | is asked |
//! |---|---|---|
//! | [`Filter`] | looks at an object, edits it, lets it pass or not | for each object, on its way in or out |
//! | [`Router`] | names the destinations of an object | for each stored object |
//! | [`StudyRouter`] | names the destinations of a study | when nothing has arrived for a while |
//! | [`Analyzer`] | makes new objects from a study | likewise, and again after each pause |
//! | [`Authenticator`] | says who sent a request | for each HTTP request |
//! | [`Authorizer`] | says what they may do | for each access |
//! | [`Gate`] | lets associations in | before any presentation context is accepted |
//! | [`Sink`] | is told what happened | in order, at least once |
//! | [`Route`] | answers HTTP | for each request below `/plugins/NAME/` |
//! | [`Worker`] | does the jobs of its own plugin | for each job, at least once |
//!
//! ```
//! use isocenter::{Edits, Filter, Object, Passage, Result, Verdict, tags};
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     #[serde(default)]
//!     institution: String,
//! }
//!
//! struct Stamp;
//!
//! impl Filter for Stamp {
//!     type Config = Config;
//!
//!     fn apply(object: &Object, _: &Passage, edits: &mut Edits, config: &Config) -> Result<Verdict> {
//!         if object.first(tags::INSTITUTION_NAME).is_none() {
//!             edits.set_text(tags::INSTITUTION_NAME, &config.institution);
//!         }
//!         Ok(Verdict::Keep)
//!     }
//! }
//!
//! isocenter::plugin!(Stamp: filter);
//! # fn main() {}
//! ```
//!
//! Each call runs in a new instance: statics and globals are as at the start of the program, every time. A panic is
//! logged with its place and ends the call, as an error does: nothing of what the call did counts.
//!
//! What a plugin may reach is what its code calls: [`host`], [`state`], [`http`], [`jobs`], [`models`], [`archive`], the
//! frames of an [`Object`] and so on are each an import of the component, and most need a grant of the operator. What is
//! not called is not imported.
//!
//! The crate is a plain library, so its logic is tested natively with the objects of [`fake`]. The build tool makes
//! the component: `isocenter plugin build`.

// The generated code names this crate, wherever it is expanded.
extern crate self as isocenter;

mod analysis;
pub mod archive;
mod auth;
#[doc(hidden)]
pub mod bindings;
mod date;
pub mod dictionary;
#[cfg(doctest)]
mod documentation;
mod edits;
mod error;
mod event;
mod exchange;
#[doc(hidden)]
pub mod export;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
pub mod host;
pub mod http;
pub mod jobs;
pub mod models;
mod moment;
mod name;
mod object;
mod passage;
mod pixels;
mod plan;
mod raw;
mod role;
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
pub mod schema;
pub mod state;
mod study;
pub mod tags;
pub mod uid;
mod value;

pub use analysis::{Draft, DraftKind, Next, Results};
pub use auth::{Access, Admission, Association, Credentials, Decision, Identity, Limit, Rejection, same_secret};
pub use bindings::filter::exports::isocenter::filter::filter::Verdict;
pub use date::{Age, Date, DateTime, Time};
pub use edits::{Edits, Modification};
pub use error::{Error, Result, RetryAfter};
pub use event::Event;
pub use exchange::{Request, Response, escape_html};
pub use models::Tensor;
pub use moment::Moment;
pub use name::{NameParts, PersonName};
pub use object::{Item, Object};
pub use passage::{Direction, Passage, Transport};
pub use pixels::{Form, Frame, Trouble as FrameTrouble};
pub use plan::Plan;
pub use role::{Analyzer, Authenticator, Authorizer, Filter, Gate, Route, Router, Sink, StudyRouter, Worker};
pub use study::{Members, Study};
pub use value::{Code, Path, Step, Tag, Value, Vr};
#[doc(hidden)]
pub use wit_bindgen;

/// Exports the plugin: `plugin!(Stamp: filter)`, or `plugin!(Site: filter, router, sink)` where one type plays several
/// roles, or `plugin!(filter = Stamp, sink = Post)` where several types do. The roles are `filter`, `router`,
/// `study_router`, `analyzer`, `authenticator`, `authorizer`, `gate`, `sink`, `route` and `worker`. Each reads the
/// plugin's one configuration as its own type. Name, version, description and license are those of the crate. A
/// configuration whose type derives `schemars::JsonSchema` is described in the component, and the host compares what an
/// operator writes with that description before the plugin runs.
#[macro_export]
macro_rules! plugin {
    ($plugin:ident: $($role:ident),+ $(,)?) => {
        $crate::plugin!($($role = $plugin),+);
    };
    ($($role:ident = $plugin:ty),+ $(,)?) => {
        // Only in the sandbox: natively the exports would be symbols that clash in a test binary of two plugins.
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Lifecycle;

            impl $crate::bindings::lifecycle::exports::isocenter::plugin::lifecycle::Guest for Lifecycle {
                fn check() -> ::core::result::Result<(), ::std::string::String> {
                    $($crate::export::check::$role::<$plugin>()?;)+
                    Ok(())
                }
            }

            $crate::bindings::lifecycle::export!(Lifecycle with_types_in $crate::bindings::lifecycle);

            // Read by the build tool, which puts it at the component's surface.
            const MANIFEST: &str = concat!(
                env!("CARGO_CRATE_NAME"), "\0", env!("CARGO_PKG_VERSION"), "\0",
                env!("CARGO_PKG_DESCRIPTION"), "\0", env!("CARGO_PKG_LICENSE"),
            );
            #[used]
            #[unsafe(link_section = "isocenter:manifest")]
            static SECTION: [u8; MANIFEST.len()] = $crate::export::bytes(MANIFEST);

            $(
                const _: () = {
                    type Exported = $crate::export::Exported<$plugin>;
                    $crate::bindings::$role::export!(Exported with_types_in $crate::bindings::$role);
                };
            )+
        };
        // What the build tool asks for the schema of the configuration; it runs natively, so that nothing of it is in the
        // component.
        #[cfg(all(test, not(target_arch = "wasm32")))]
        #[test]
        #[ignore = "writes the schema of the configuration for the build tool"]
        fn isocenter_config_schema() {
            use $crate::schema::*;
            $crate::schema::write($crate::schema::together(|generator| ::std::vec![
                $((&$crate::schema::Of::<$crate::export::config_of::$role<$plugin>>::TYPE).schema(generator)),+
            ]));
        }
        // Natively nothing calls the plugin; this keeps it checked and used.
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            $(const _: fn() -> ::core::result::Result<(), ::std::string::String> = $crate::export::check::$role::<$plugin>;)+
        };
    };
}
