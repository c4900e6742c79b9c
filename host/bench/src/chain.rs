//! The chains of filters that the host is measured with, and the host's configuration for them.
//!
//! Separate from the host because the same filters, with the same configuration, are also called alone. Beside those
//! that ship there are acts of the tests' guest, each of which isolates one cost.

use std::path::{Path, PathBuf};

use isocenter_plugin::{PluginSpec, Secret};
use serde_json::Value;

/// What an object passes on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// For the table.
    pub(crate) name: String,
    calling: &'static str,
    filters: Vec<&'static Filter>,
}

/// A configured plugin of the benchmark.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    file: &'static str,
    /// JSON.
    config: &'static str,
    /// Whether it is granted the site's key.
    keyed: bool,
}

static STAMP: Filter = Filter {
    name: "stamp",
    file: "stamp.wasm",
    config: r#"{"set": {"InstitutionalDepartmentName": "RADIOLOGY", "StationName": "CT-2"}}"#,
    keyed: false,
};
static STAMP_AGAIN: Filter = Filter {
    name: "stamp-again",
    file: "stamp.wasm",
    config: r#"{"set": {"StudyDescription": "CT CHEST W"}, "fill": {"PatientComments": "-"}}"#,
    keyed: false,
};
static ANONYMIZE: Filter = Filter {
    name: "anonymize",
    file: "anonymize.wasm",
    config: "{}",
    keyed: true,
};
static ANONYMIZE_AGAIN: Filter = Filter {
    name: "anonymize-again",
    file: "anonymize.wasm",
    config: "{}",
    keyed: true,
};
static STAMP_PLACE: Filter = Filter {
    name: "stamp-place",
    file: "stamp.wasm",
    config: r#"{"set": {"InstitutionAddress": "-", "OperatorsName": "-"}}"#,
    keyed: false,
};
static STAMP_LATE: Filter = Filter {
    name: "stamp-late",
    file: "stamp.wasm",
    config: r#"{"fill": {"ProtocolName": "-", "BodyPartExamined": "CHEST"}}"#,
    keyed: false,
};
/// Does nothing: what every call costs.
pub(crate) static EMPTY: Filter = guest("empty", r#"{"do": "nothing"}"#);
/// [`HOST_CALLS`] of the smallest host call.
pub(crate) static CLOCKS: Filter = guest("clock-10000", r#"{"do": "clocks"}"#);
/// [`HOST_CALLS`] that read one element.
pub(crate) static GETS: Filter = guest("get-10000", r#"{"do": "gets"}"#);
pub(crate) static READ_AND_EDIT: Filter = guest("read-30-edit-50", r#"{"do": "read-30-edit-50"}"#);
/// Computes for 300 ms in each call: within its limit, so that no breaker stops it.
static BUSY: Filter = guest("busy", r#"{"do": "busy"}"#);

/// What [`CLOCKS`] and [`GETS`] do in a call.
pub(crate) const HOST_CALLS: u32 = 10_000;

/// An act of the guest of the plugin runtime's tests.
const fn guest(name: &'static str, config: &'static str) -> Filter {
    Filter {
        name,
        file: "test/guest.wasm",
        config,
        keyed: true,
    }
}

impl Filter {
    /// Those that are called alone and whose components are in `folder`.
    pub(crate) fn all(folder: &Path) -> Vec<&'static Self> {
        [&EMPTY, &STAMP, &ANONYMIZE, &READ_AND_EDIT, &CLOCKS, &GETS]
            .into_iter()
            .filter(|filter| filter.is_in(folder))
            .collect()
    }

    fn is_in(&self, folder: &Path) -> bool {
        folder.join(self.file).exists()
    }

    /// As the plugin runtime takes it.
    ///
    /// # Errors
    /// The configuration above is not JSON.
    pub(crate) fn spec(&self, folder: &Path) -> serde_json::Result<PluginSpec> {
        let mut spec = PluginSpec::new(self.name, folder.join(self.file));
        spec.config = serde_json::from_str(self.config)?;
        if self.keyed {
            spec.grant
                .secrets
                .insert("site-key".to_owned(), Secret::new([7_u8; 32]));
        }
        Ok(spec)
    }
}

impl Chain {
    /// No filter at all.
    pub(crate) fn none() -> Self {
        Self {
            name: "no chain".to_owned(),
            calling: "BENCH-NONE",
            filters: Vec::new(),
        }
    }

    /// Chains of two filters that can be made of the components in `folder`, the smaller first.
    pub(crate) fn of_two(folder: &Path) -> Vec<Self> {
        let pairs = [
            ("BENCH-SMALL", [&STAMP, &STAMP_AGAIN]),
            ("BENCH-ANON", [&ANONYMIZE, &STAMP]),
        ];
        let possible = pairs
            .iter()
            .filter(|(_, filters)| filters.iter().all(|filter| filter.is_in(folder)));
        let mut chains: Vec<Self> = possible.map(|(calling, filters)| Self::of(calling, filters)).collect();
        if chains.is_empty() && ANONYMIZE.is_in(folder) {
            chains.push(Self::of("BENCH-ANON", &[&ANONYMIZE, &ANONYMIZE_AGAIN]));
        }
        chains
    }

    /// A chain of five that leaves the studies' UIDs alone.
    pub(crate) fn of_five(folder: &Path) -> Option<Self> {
        let filters = [&STAMP, &STAMP_AGAIN, &STAMP_PLACE, &STAMP_LATE, &READ_AND_EDIT];
        let here = filters.iter().all(|filter| filter.is_in(folder));
        here.then(|| Self {
            name: "five filters".to_owned(),
            ..Self::of("BENCH-FIVE", &filters)
        })
    }

    /// One small filter.
    pub(crate) fn of_one(folder: &Path) -> Option<Self> {
        STAMP.is_in(folder).then(|| Self::of("BENCH-ONE", &[&STAMP]))
    }

    /// A filter that computes as long as it may.
    pub(crate) fn busy(folder: &Path) -> Option<Self> {
        BUSY.is_in(folder).then(|| Self::of("BENCH-BUSY", &[&BUSY]))
    }

    /// How many filters it has.
    pub(crate) fn length(&self) -> usize {
        self.filters.len()
    }

    fn of(calling: &'static str, filters: &[&'static Filter]) -> Self {
        let names: Vec<&str> = filters.iter().map(|filter| filter.name).collect();
        Self {
            name: names.join(" + "),
            calling,
            filters: filters.to_vec(),
        }
    }

    /// The AE title of a sender whose objects pass this chain.
    pub(crate) fn calling(&self) -> &'static str {
        self.calling
    }

    /// Whether objects keep the study UID that they were sent with, so that they can be looked for.
    pub(crate) fn keeps_studies(&self) -> bool {
        self.filters.iter().all(|filter| filter.file != ANONYMIZE.file)
    }
}

/// The host's configuration file for these chains.
///
/// # Errors
/// A filter's configuration is not JSON.
pub(crate) fn configuration(plugins: &Path, chains: &[Chain]) -> serde_json::Result<String> {
    let mut text = "[dicom]\nae-title = \"ISOCENTER\"\n".to_owned();
    let mut configured: Vec<&str> = Vec::new();
    for filter in chains.iter().flat_map(|chain| &chain.filters) {
        if configured.contains(&filter.name) {
            continue;
        }
        configured.push(filter.name);
        let source: PathBuf = plugins.join(filter.file);
        let config = inline(&serde_json::from_str(filter.config)?);
        text += &format!("\n[plugins.{}]\nsource = {source:?}\nconfig = {config}\n", filter.name);
        if filter.keyed {
            text += "grant = { secrets = [\"site-key\"] }\n";
        }
    }
    for chain in chains.iter().filter(|chain| !chain.filters.is_empty()) {
        let names: Vec<&str> = chain.filters.iter().map(|filter| filter.name).collect();
        let Chain { name, calling, .. } = chain;
        text += &format!("\n[[chains]]\nname = {name:?}\nwhen = {{ calling-ae = [{calling:?}] }}\n");
        text += &format!("ingest = {names:?}\n");
    }
    Ok(text)
}

/// JSON as TOML on one line; both write numbers, truth values and (these) strings alike.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name:?} = {}", inline(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(inline).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
