//! The host's side of the contract: what each import does.
//!
//! Separate because this is the sandbox's whole surface. What is not in these files, a plugin cannot do.
//!
//! Any of these functions may be called by hostile code, any number of times, in any order, with any value. Each is
//! bounded, and those that wait do so within the wall time of the call; an error from here is a trap and ends the call.
//!
//! A capability has three phases, each in its own file: it is *validated* when the plugin is loaded (is it granted, is
//! there something behind it), *linked* into the plugin's own linker, and *prepared* for each call. What a component
//! does not import is not linked for it.

pub(crate) mod archive;
mod clock;
mod config;
pub(crate) mod drafts;
pub(crate) mod edits;
pub(crate) mod evidence;
pub(crate) mod exchange;
mod failure;
pub(crate) mod http;
pub(crate) mod jobs;
pub(crate) mod log;
mod metrics;
pub(crate) mod models;
pub(crate) mod object;
pub(crate) mod passage;
pub(crate) mod pixels;
pub(crate) mod plan;
pub(crate) mod random;
pub(crate) mod results;
pub(crate) mod secrets;
pub(crate) mod state;
pub(crate) mod studies;
mod value;

pub(crate) use value::tag;

use isocenter_role::backing::Backing;
use wasmtime::component::Linker;

use crate::call::Call;
use crate::spec::PluginSpec;

/// One interface that the host offers.
pub(crate) struct Capability {
    /// Its name in the contract, with its version.
    pub(crate) interface: &'static str,
    /// What a grant for it holds, as an operator writes it; `None`: it needs none.
    pub(crate) grant: Option<&'static str>,
    /// Whether this plugin may have it. The error is one sentence, without the plugin's name.
    pub(crate) validate: fn(&PluginSpec, &Backing) -> Result<(), String>,
    /// Adds its functions.
    pub(crate) link: fn(&mut Linker<Call>) -> wasmtime::Result<()>,
}

/// For what every plugin may have.
fn free(_spec: &PluginSpec, _backing: &Backing) -> Result<(), String> {
    Ok(())
}

/// The sentence for a grant that is missing.
fn not_granted(interface: &str, example: &str) -> String {
    format!("it imports {interface}, which needs a grant (grant = {{ {example} }})")
}

/// The sentence for something that this host cannot offer.
fn not_offered(interface: &str) -> String {
    format!("it imports {interface}, which is not there in this start of the host")
}

/// Shorthand for an entry of the list below: an interface without functions of its own, or one that needs no grant.
macro_rules! capability {
    ($interface:literal, $($module:ident)::+) => {
        Capability {
            interface: $interface,
            grant: None,
            validate: free,
            link: |linker| {
                crate::bindings::isocenter::$($module)::+::add_to_linker::<Call, wasmtime::component::HasSelf<Call>>(
                    linker,
                    |call| call,
                )
            },
        }
    };
    ($interface:literal, $($module:ident)::+, $granted:ident) => {
        Capability {
            grant: Some($granted::GRANT),
            validate: $granted::validate,
            ..capability!($interface, $($module)::+)
        }
    };
}

/// Everything that a plugin can import.
pub(crate) static OFFERED: [Capability; 24] = [
    capability!("isocenter:host/failure@0.1.1", host::failure),
    capability!("isocenter:host/log@0.1.1", host::log),
    capability!("isocenter:host/metrics@0.1.1", host::metrics),
    capability!("isocenter:host/config@0.1.1", host::config),
    capability!("isocenter:host/clock@0.1.1", host::clock),
    capability!("isocenter:host/random@0.1.1", host::random),
    capability!("isocenter:host/secrets@0.1.1", host::secrets, secrets),
    capability!("isocenter:host/state@0.1.1", host::state, state),
    capability!("isocenter:host/http@0.1.1", host::http, http),
    capability!("isocenter:host/jobs@0.1.1", host::jobs, jobs),
    capability!("isocenter:dicom/types@0.1.1", dicom::types),
    capability!("isocenter:dicom/objects@0.1.1", dicom::objects),
    capability!("isocenter:dicom/edits@0.1.1", dicom::edits),
    capability!("isocenter:dicom/pixels@0.1.1", dicom::pixels),
    capability!("isocenter:dicom/studies@0.1.1", dicom::studies),
    capability!("isocenter:dicom/drafts@0.1.1", dicom::drafts),
    capability!("isocenter:filter/passage@0.1.1", filter::passage),
    capability!("isocenter:routing/plan@0.1.1", routing::plan),
    capability!("isocenter:auth/identity@0.1.0", auth::identity),
    capability!("isocenter:auth/evidence@0.1.0", auth::evidence),
    capability!("isocenter:inference/results@0.1.0", inference::results),
    capability!("isocenter:inference/models@0.1.0", inference::models, models),
    capability!("isocenter:http-ext/exchange@0.1.0", http_ext::exchange),
    capability!("isocenter:http-ext/archive@0.1.0", http_ext::archive),
];
