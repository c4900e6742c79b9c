//! Write plugins for Isocenter.
//!
//! A plugin is a crate with one type per role and one line that exports it:
//!
//! ```
//! use isocenter_sdk::{Edits, Filter, Object, Passage, Result, Verdict, tags};
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
//! isocenter_sdk::filter!(Stamp);
//! # fn main() {}
//! ```
//!
//! Each call runs in a new instance: statics and globals are as at the start of the program, every time. A panic is
//! logged with its place and ends the call; the object is then never stored unedited.
//!
//! The crate is a plain library, so its logic is tested natively with the objects of [`fake`]. The build tool makes
//! the component: `sdk/build/plugins.sh`.

// The generated code names this crate, wherever it is expanded.
extern crate self as isocenter_sdk;

#[doc(hidden)]
pub mod bindings;
pub mod dictionary;
mod edits;
mod error;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
pub mod host;
mod object;
mod passage;
mod plan;
mod role;
pub mod tags;
mod value;

pub use bindings::filter::exports::isocenter::filter::filter::Verdict;
pub use edits::Edits;
pub use error::{Error, Result};
pub use object::Object;
pub use passage::{Direction, Passage, Transport};
pub use plan::Plan;
#[doc(hidden)]
pub use role::export;
pub use role::{Filter, Router};
pub use value::{Path, Step, Tag, Value, Vr};
#[doc(hidden)]
pub use wit_bindgen;

/// Exports a type as the plugin's filter.
#[macro_export]
macro_rules! filter {
    ($filter:ty) => {
        $crate::plugin!(filter = $filter);
    };
}

/// Exports a type as the plugin's router.
#[macro_export]
macro_rules! router {
    ($router:ty) => {
        $crate::plugin!(router = $router);
    };
}

/// Exports a plugin of one or more roles. Each reads the plugin's one configuration as its own type.
#[macro_export]
macro_rules! plugin {
    ($($role:ident = $plugin:ty),+ $(,)?) => {
        // Only in the sandbox: natively the exports would be symbols that clash in a test binary of two plugins.
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Exported;

            impl $crate::bindings::lifecycle::exports::isocenter::plugin::lifecycle::Guest for Exported {
                fn check() -> ::core::result::Result<(), ::std::string::String> {
                    $($crate::plugin!(@check $role $plugin);)+
                    Ok(())
                }
            }

            $($crate::plugin!(@role $role $plugin);)+

            $crate::bindings::lifecycle::export_lifecycle!(
                Exported with_types_in $crate::bindings::lifecycle
            );
        };
        // Natively nothing calls the plugin; this keeps it checked and used.
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            $($crate::plugin!(@native $role $plugin);)+
        };
    };
    (@check filter $plugin:ty) => { $crate::export::check_filter::<$plugin>()?; };
    (@check router $plugin:ty) => { $crate::export::check_router::<$plugin>()?; };
    (@native filter $plugin:ty) => { const _: fn() -> ::core::result::Result<(), ::std::string::String> = $crate::export::check_filter::<$plugin>; };
    (@native router $plugin:ty) => { const _: fn() -> ::core::result::Result<(), ::std::string::String> = $crate::export::check_router::<$plugin>; };
    (@role filter $plugin:ty) => {
        impl $crate::bindings::filter::exports::isocenter::filter::filter::Guest for Exported {
            fn apply(
                object: &$crate::bindings::filter::isocenter::dicom::objects::Object,
                passage: &$crate::bindings::filter::isocenter::filter::passage::Passage,
                edits: &$crate::bindings::filter::isocenter::dicom::edits::Edits,
            ) -> ::core::result::Result<
                $crate::Verdict,
                $crate::bindings::filter::isocenter::host::failure::Failure,
            > {
                $crate::export::apply::<$plugin>(object, passage, edits)
            }
        }
        $crate::bindings::filter::export_filter!(Exported with_types_in $crate::bindings::filter);
    };
    (@role router $plugin:ty) => {
        impl $crate::bindings::router::exports::isocenter::routing::router::Guest for Exported {
            fn route(
                object: &$crate::bindings::filter::isocenter::dicom::objects::Object,
                plan: &$crate::bindings::router::isocenter::routing::plan::Plan,
            ) -> ::core::result::Result<(), $crate::bindings::filter::isocenter::host::failure::Failure> {
                $crate::export::route::<$plugin>(object, plan)
            }
        }
        $crate::bindings::router::export_router!(Exported with_types_in $crate::bindings::router);
    };
}
