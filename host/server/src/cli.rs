//! The command line: what can be asked of the program.
//!
//! Apart from what answers, so that the whole surface is seen at a glance; scripts are written against it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use isocenter_dimse::AeTitle;
use isocenter_role::Role;
use isocenter_tool::Reference;

use crate::config::PeerAddress;

/// A PACS that is extended by sandboxed plugins.
#[derive(Debug, Parser)]
#[command(name = "isocenter", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// The configuration, a TOML file; without it everything has its default
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the host until SIGINT or SIGTERM, then drain
    Serve,
    /// Load the configuration and every plugin, say what is wrong, and bind no port
    Check,
    /// Send sample studies of several modalities to the running host (sent again, they are stored once)
    Seed {
        /// Whom to send to
        #[command(flatten)]
        peer: Peer,
        /// Write the studies into this folder instead of sending them
        #[arg(long, value_name = "DIR", conflicts_with_all = ["to", "called", "calling"])]
        folder: Option<PathBuf>,
    },
    /// Send every DICOM file of a folder to the running host; the status says whether all were taken
    Import {
        /// Whom to send to
        #[command(flatten)]
        peer: Peer,
        /// The folder, or a single file; links to folders are not followed
        #[arg(value_name = "DIR")]
        from: PathBuf,
    },
    /// Compare packs, digests and the index
    Verify,
    /// Rebuild the index from the packs alone
    Reindex,
    /// Have the running host read its configuration again; if something is wrong with it, what runs goes on
    Reload,
    /// Show what a chain of the running host would do to files: each step with the elements it changes; nothing is stored
    Try {
        /// The chain
        #[arg(long, value_name = "NAME")]
        chain: String,
        /// DICOM files, at most 256 MiB each
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Objects that the running host holds: list, release, retry or discard them
    Quarantine {
        /// What about them
        #[command(subcommand)]
        ask: Held,
    },
    /// Work that the running host gave up: list it, have it tried again, or discard it
    DeadLetters {
        /// What about it
        #[command(subcommand)]
        ask: Waiting,
    },
    /// Events that a sink of the running host could not take: list them, have them sent again, or discard them
    Parked {
        /// What about them
        #[command(subcommand)]
        ask: Waiting,
    },
    /// What is to be done, as modalities ask it of the running host: list entries, add or change some, or remove them
    Worklist {
        /// What about it
        #[command(subcommand)]
        ask: Scheduled,
    },
    /// What modalities have performed, as they told the running host
    Mpps {
        /// What about it
        #[command(subcommand)]
        ask: Performed,
    },
    /// What plugins of the running host did: to an object, about a study, or one of them
    Outcomes(OutcomesOf),
    /// Ask another archive, a DICOM destination of the running host, what it has (C-FIND)
    Query(QueryOf),
    /// Have a study of another archive, a DICOM destination of the running host, come here (C-GET, C-MOVE)
    Retrieve(RetrieveOf),
    /// Write a plugin: make a project, build it, run its cases, look at a component; needs no host
    Plugin {
        /// What to do
        #[command(subcommand)]
        ask: Author,
    },
    /// Print the version
    Version,
    /// Compiles a plugin from standard input to standard output; the host calls itself so.
    #[command(hide = true)]
    CompilePlugin,
}

/// What an author of plugins does.
#[derive(Clone, Debug, Subcommand)]
pub enum Author {
    /// Make a project in a new folder: an example of the role with its tests, and a first case
    New {
        /// What the plugin is to be
        #[arg(long, value_parser = role)]
        role: Role,
        /// Its name, and the folder's
        name: String,
        /// The folder of the guest crate: `sdk` of a checkout [default: of the checkout in which this program was built]
        #[arg(long, value_name = "DIR")]
        sdk: Option<PathBuf>,
    },
    /// Build the component; the wasm target is prepared where it is missing
    Build(InProject),
    /// Run the crate's tests natively, then each folder of cases/ in the host's own runtime; UPDATE_EXPECT=1 takes what comes
    Test(InProject),
    /// Build it and put objects through it: what it answers and changes; what is around it is as in the first case. Not
    /// for a role that is asked about something else
    Run {
        /// The project
        #[command(flatten)]
        project: InProject,
        /// DICOM files, or DICOM JSON (*.json)
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Say what a component is: roles, imports, the grant that it needs, its configuration's schema, digest, and the lines
    /// for a configuration
    Inspect {
        /// The component [default: the project's, built]
        #[arg(value_name = "COMPONENT")]
        component: Option<PathBuf>,
        /// Print the JSON Schema of its configuration and nothing else
        #[arg(long)]
        schema: bool,
        /// The project
        #[command(flatten)]
        project: InProject,
    },
    /// Make a pair of keys to sign with: NAME.key, which is yours alone, and NAME.pub, for who runs hosts
    Keygen {
        /// What the files are called, with the folder they go to
        #[arg(value_name = "NAME", default_value = "isocenter-plugin")]
        name: PathBuf,
        /// Keep the secret key without a passphrase; else it is asked for, or taken from ISOCENTER_KEY_PASSPHRASE
        #[arg(long)]
        unprotected: bool,
    },
    /// Sign a component, as the host verifies it (minisign); the signature is put beside it
    Sign {
        /// What is signed
        #[command(flatten)]
        what: Made,
        /// The secret key; its passphrase is asked for, or taken from ISOCENTER_KEY_PASSPHRASE
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Say of a component or a packed plugin who signed it, and whether it is the one that is meant
    #[command(group = clap::ArgGroup::new("by").required(true).multiple(true).args(["key", "digest"]))]
    Verify {
        /// What is verified
        #[command(flatten)]
        what: Made,
        /// A public key whose holder must have signed it: minisign's, or PEM
        #[arg(long, value_name = "FILE")]
        key: Vec<PathBuf>,
        /// The digest that it must have: blake3:… or sha256:…
        #[arg(long)]
        digest: Vec<String>,
    },
    /// Pack a component and the signatures beside it into one file (an OCI image layout), to be carried anywhere
    Pack {
        /// What is packed
        #[command(flatten)]
        what: Made,
        /// The file [default: NAME-VERSION.tar beside the component]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Put a component or a packed plugin into an OCI registry or a folder, with its signatures
    Push {
        /// HOST[:PORT]/NAME:TAG, dir:FOLDER[#NAME:TAG] or file:FILE
        #[arg(value_name = "WHERE")]
        to: Reference,
        /// What is put there
        #[command(flatten)]
        what: Made,
        /// The registry is asked without TLS; one on this machine always is
        #[arg(long)]
        plain_http: bool,
    },
    /// Fetch a plugin from a registry, a folder or a packed file, and say how it is configured
    Pull {
        /// HOST[:PORT]/NAME:TAG, HOST[:PORT]/NAME@sha256:…, dir:FOLDER[#NAME:TAG] or file:FILE
        #[arg(value_name = "WHERE")]
        from: Reference,
        /// The folder that it is put into
        #[arg(long, value_name = "DIR", default_value = ".")]
        to: PathBuf,
        /// A public key whose holder must have signed it; else nothing is kept
        #[arg(long, value_name = "FILE")]
        key: Vec<PathBuf>,
        /// The registry is asked without TLS; one on this machine always is
        #[arg(long)]
        plain_http: bool,
    },
    /// Build and reload the running host of the configuration whenever a file of the project changes, until Ctrl-C
    Dev(InProject),
}

/// Something that was built.
#[derive(Args, Clone, Debug)]
pub struct Made {
    /// The component [default: the project's, as it was built last]
    #[arg(value_name = "COMPONENT")]
    pub component: Option<PathBuf>,
    /// The project
    #[command(flatten)]
    pub project: InProject,
}

/// Which project.
#[derive(Args, Clone, Debug)]
pub struct InProject {
    /// The project's folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub project: PathBuf,
}

fn role(text: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| format!("there are {}", Role::ALL.map(Role::as_str).join(", ")))
}

/// What is asked about work or events that wait for a person.
#[derive(Clone, Debug, Subcommand)]
pub enum Waiting {
    /// The latest first
    List {
        /// Entries at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Try them again
    Retry {
        /// As the list has them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<i64>,
    },
    /// Forget them
    Discard {
        /// As the list has them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<i64>,
    },
}

/// What is asked about the modality worklist.
#[derive(Clone, Debug, Subcommand)]
pub enum Scheduled {
    /// In the order in which the steps are to begin
    List {
        /// Only those that match, for example PatientID=4711 or Modality=CT
        #[arg(value_name = "KEY=VALUE", value_parser = key_value)]
        matching: Vec<(String, String)>,
        /// Entries at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Print the entries whole, as DICOM JSON that `add` takes
        #[arg(long)]
        json: bool,
    },
    /// Add the entries of files, or change those that are there: DICOM JSON, one entry or a list; all of a file or none
    Add {
        /// Files; `-` is standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Remove an entry
    Remove {
        /// Its Study Instance UID
        #[arg(value_name = "STUDY")]
        study: String,
        /// Its Scheduled Procedure Step ID
        #[arg(value_name = "STEP")]
        step: String,
    },
}

/// What is asked about performed procedure steps.
#[derive(Clone, Debug, Subcommand)]
pub enum Performed {
    /// The latest first
    List {
        /// Only those for this study
        #[arg(long, value_name = "UID")]
        study: Option<String>,
        /// Entries at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// What is asked about objects that are held.
#[derive(Clone, Debug, Subcommand)]
pub enum Held {
    /// The latest first
    List {
        /// Entries at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Those that are not held any more: who decided what and why, the latest first
    Decided {
        /// Entries at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Store them as they came, past the filters that held them
    Release {
        /// As the list has them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<i64>,
        /// Why, for the record; no patient data
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Let them pass the filters once more
    Retry {
        /// As the list has them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<i64>,
        /// Why, for the record; no patient data
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Give them up
    Discard {
        /// As the list has them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<i64>,
        /// Why, for the record; no patient data
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// Which calls of plugins.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("of").required(true).multiple(true).args(["object", "study", "plugin", "failed"]))]
pub struct OutcomesOf {
    /// On this object, by SOP Instance UID; with --study of that study alone
    #[arg(long, value_name = "UID", conflicts_with_all = ["plugin", "failed"])]
    pub object: Option<String>,
    /// About this study
    #[arg(long, value_name = "UID", conflicts_with_all = ["plugin", "failed"])]
    pub study: Option<String>,
    /// Of this plugin
    #[arg(long, value_name = "NAME")]
    pub plugin: Option<String>,
    /// Only those that failed
    #[arg(long)]
    pub failed: bool,
    /// With the edits that were made
    #[arg(long)]
    pub edits: bool,
    /// Entries at most, the latest first
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
}

/// What another archive is asked for.
#[derive(Args, Clone, Debug)]
pub struct QueryOf {
    /// The destination, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    pub at: String,
    /// What is looked for
    #[arg(long, value_enum, default_value_t = Level::Study)]
    pub level: Level,
    /// Matches at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Print DICOM JSON (PS3.18 Annex F) instead of a table
    #[arg(long)]
    pub json: bool,
    /// What must match, with the patterns and ranges of C-FIND, or without a value what else is wanted: a keyword
    /// (PatientID=4711), a tag (0010,0020=4711), or a path (RequestAttributesSequence.RequestedProcedureID=R1)
    #[arg(value_name = "KEY[=VALUE]")]
    pub keys: Vec<String>,
}

/// What a query looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Patients
    Patient,
    /// Studies
    Study,
    /// Series; the archive may want their StudyInstanceUID
    Series,
    /// Objects; the archive may want their StudyInstanceUID and SeriesInstanceUID
    Image,
}

impl Level {
    /// As the host calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Study => "study",
            Self::Series => "series",
            Self::Image => "image",
        }
    }
}

/// What of another archive is to come here.
#[derive(Args, Clone, Debug)]
pub struct RetrieveOf {
    /// The destination, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    pub at: String,
    /// Study Instance UID
    #[arg(value_name = "STUDY-UID")]
    pub study: String,
    /// Only these series
    #[arg(long, value_name = "UID")]
    pub series: Vec<String>,
    /// Only these objects, of one series
    #[arg(long, value_name = "UID", requires = "series")]
    pub object: Vec<String>,
    /// On the association that asks, or sent by the archive to this host's AE title, which it must know
    #[arg(long, value_enum, default_value_t = Way::Get)]
    pub by: Way,
}

/// How objects come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// C-GET
    Get,
    /// C-MOVE
    Move,
}

/// Whom objects are sent to; by default the host of the configuration.
#[derive(Args, Clone, Debug, Default)]
pub struct Peer {
    /// Address of the DICOM port [default: the configuration's]
    #[arg(long, value_name = "HOST:PORT")]
    pub to: Option<PeerAddress>,
    /// AE title to call [default: the configuration's]
    #[arg(long, value_name = "AE")]
    pub called: Option<AeTitle>,
    /// AE title to call from [default: ISOCENTER-SEND]
    #[arg(long, value_name = "AE")]
    pub calling: Option<AeTitle>,
}

#[cfg(test)]
mod tests;
