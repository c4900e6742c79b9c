//! The configuration: one TOML file, and a few environment variables that override it.
//!
//! It stands apart so that it is *pure*: [`Config::from_toml`] reads text and an environment that it is given, touches
//! no file, no port and no database, and reports everything that is wrong at once, each with its line. Whoever holds a
//! [`Config`] holds names that resolve, addresses that parse and AE titles that fit on the wire.
//!
//! Paths written in the file are relative to the file's folder; the default data folder and paths from the environment
//! are relative to the folder in which the program was started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use isocenter_dicom::Tag;
use isocenter_dimse::AeTitle;

mod check;
mod keyword;
mod reader;
mod secret;
mod sections;
mod setting;

pub use reader::ConfigError;
pub use secret::SecretSource;
pub use setting::{ByteSize, HttpUrl, PeerAddress};

/// The secret that needs no entry in `[secrets]`: the host makes it once and keeps it in `DATA/site.key`.
pub const SITE_KEY: &str = "site-key";

/// Everything an operator decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whether anyone who reaches the ports may use them. Without it the host listens on loopback only.
    pub allow_anonymous: bool,
    /// How long a stopping host waits for associations, requests and deliveries that have begun.
    pub drain: Duration,
    /// The DICOM port.
    pub dicom: Dicom,
    /// The HTTP port.
    pub http: Http,
    /// Where and how objects are kept.
    pub storage: Storage,
    /// The index.
    pub database: Database,
    /// Places that objects can be sent to, by name.
    pub destinations: BTreeMap<String, Destination>,
    /// Configured plugins, by name.
    pub plugins: BTreeMap<String, Plugin>,
    /// Where secrets come from, by name; the secrets themselves are read by [`SecretSource::read`].
    pub secrets: BTreeMap<String, SecretSource>,
    /// Chains, in the order of the file.
    pub chains: Vec<Chain>,
}

/// `[dicom]`: the DICOM service provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dicom {
    /// This host's AE title; also its calling AE title where a destination names no other.
    pub ae_title: AeTitle,
    /// Whether an association that calls another AE title is accepted too.
    pub accept_called_ae_any: bool,
    /// Where associations are accepted. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
    /// Associations served at once; one more is rejected as "local limit exceeded".
    pub max_associations: u32,
    /// Largest P-DATA-TF PDU that peers may send, in bytes (PS3.8 §D.1).
    pub max_pdu: u32,
    /// ARTIM: how long a peer may take to send its A-ASSOCIATE-RQ, or to close after the end (PS3.8 §9.1.5).
    pub artim: Duration,
    /// How long one whole PDU may take to arrive.
    pub pdu_time: Duration,
    /// How long an association may rest between two messages.
    pub idle: Duration,
}

/// `[http]`: DICOMweb, the page, health and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where requests are accepted. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
    /// How clients reach this host where that differs from `listen` (behind a proxy); used in links.
    pub public_url: Option<HttpUrl>,
}

/// `[storage]`: packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Folder of packs, the private Postgres and the site key.
    pub data: PathBuf,
    /// What happens when a SOP Instance UID comes again with other content.
    pub duplicates: Duplicates,
    /// Largest header (everything before the pixel data) of an object.
    pub max_header: ByteSize,
}

/// `storage.duplicates`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// The first stays; the sender of the second is told.
    KeepFirst,
    /// The second is served from now on.
    Replace,
    /// The second is served, the first is kept for good.
    KeepBoth,
}

/// `[database]`: Postgres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// `None`: the host starts a private cluster in the data folder.
    pub url: Option<String>,
    /// Folder of `initdb` and `postgres` for the private cluster; `None` looks in the usual places.
    pub postgres_binaries: Option<PathBuf>,
    /// Connections that this host opens at most.
    pub max_connections: u32,
}

/// `[destinations.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// How objects get there.
    pub target: Target,
    /// Names of the plugins that filter what is sent there, in order.
    pub egress: Vec<String>,
    /// The AE title this host calls itself; `None` is its own.
    pub calling_ae_title: Option<AeTitle>,
    /// What happens after a failure.
    pub retry: Retry,
}

/// A destination's way of delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// C-STORE to a peer.
    Dicom {
        /// The called AE title.
        ae_title: AeTitle,
        /// Its host and port, resolved at each delivery.
        address: PeerAddress,
    },
    /// Files in a folder.
    Folder(PathBuf),
}

/// `retry` of a destination: exponential backoff between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The wait after the first failure; it doubles with each further one.
    pub first: Duration,
    /// The wait never grows beyond this.
    pub longest: Duration,
    /// Tries before a delivery becomes a dead letter.
    pub attempts: u32,
}

/// `[plugins.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// The component's file.
    pub source: PathBuf,
    /// Given to the plugin as JSON; its meaning is the plugin's.
    pub config: serde_json::Value,
    /// What it may reach.
    pub grant: Grant,
    /// What it may use; `None` is the role's default.
    pub limits: Limits,
}

/// `grant` of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Names of entries in `[secrets]`, or [`SITE_KEY`].
    pub secrets: Vec<String>,
}

/// `limits` of a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance.
    pub memory: Option<ByteSize>,
    /// CPU time of one call.
    pub cpu: Option<Duration>,
    /// Wall-clock time of one call.
    pub wall: Option<Duration>,
    /// Calls at once.
    pub concurrency: Option<u32>,
}

/// `[[chains]]`: plugins on the hooks of objects that a condition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// As given, else `chain 1`, `chain 2` … by position.
    pub name: String,
    /// Which objects it is for.
    pub when: Condition,
    /// Names of filters for arriving objects, in order.
    pub ingest: Vec<String>,
    /// Names of routers for stored objects, in order.
    pub route: Vec<String>,
    /// What a filter's failure means.
    pub on_failure: OnFailure,
}

/// `when` of a chain: all given keys must match, each by one of its globs (`*` any characters, `?` one). Without keys
/// it matches every object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Globs for the sender's AE title.
    pub calling_ae: Vec<String>,
    /// Globs for the AE title that the sender called.
    pub called_ae: Vec<String>,
    /// Globs for values of top-level elements of the header.
    pub elements: Vec<(Tag, Vec<String>)>,
}

/// `on-failure` of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The original is held for a person, the sender is answered success.
    #[default]
    Quarantine,
    /// Nothing is stored, the sender is answered a failure.
    Refuse,
}

impl Default for Dicom {
    #[expect(clippy::expect_used, reason = "a constant, seen to fit by every test of this module")]
    fn default() -> Self {
        Self {
            ae_title: AeTitle::parse("ISOCENTER").expect("nine letters are an AE title"),
            accept_called_ae_any: true,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 11112)),
            max_associations: 64,
            max_pdu: 262_144,
            artim: Duration::from_secs(30),
            pdu_time: Duration::from_secs(30),
            idle: Duration::from_secs(60),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            duplicates: Duplicates::KeepFirst,
            max_header: ByteSize::mebibytes(32),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            postgres_binaries: None,
            max_connections: 8,
        }
    }
}

impl Default for Retry {
    /// As the pipeline's: a peer may be away for about 15 hours.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(600),
            attempts: 100,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow_anonymous: false,
            drain: Duration::from_secs(30),
            dicom: Dicom::default(),
            http: Http::default(),
            storage: Storage::default(),
            database: Database::default(),
            destinations: BTreeMap::new(),
            plugins: BTreeMap::new(),
            secrets: BTreeMap::new(),
            chains: Vec::new(),
        }
    }
}

/// Environment variables by name, as a value so that tests need not set any.
pub type Environment = BTreeMap<String, String>;

impl Config {
    /// Reads the file, if one is named, and applies `environment`; then looks for the files that secrets come from.
    ///
    /// # Errors
    /// The file cannot be read, or the first of: all problems of [`Config::from_toml`], all secret files that are not
    /// there.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let Some(path) = file else {
            return Self::from_toml("", environment, Path::new(""));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::of(format!("cannot read {}: {cause}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let config = Self::from_toml(&text, environment, folder).map_err(|problems| problems.in_file(path))?;
        config.look_for_secrets()?;
        Ok(config)
    }

    /// Reads `text`, lets `environment` override it, and checks the whole. `folder` is what relative paths in `text`
    /// are relative to.
    ///
    /// # Errors
    /// A syntax error, or else every other problem at once, by line.
    pub fn from_toml(text: &str, environment: &Environment, folder: &Path) -> Result<Self, ConfigError> {
        let problems = reader::Problems::of(text);
        let mut config = sections::read(text, folder, environment, &problems)?;
        sections::override_from(environment, &mut config, &problems);
        check::listening(&config, &problems);
        problems.into_result(config)
    }

    /// Looks for the file of each secret that comes from one.
    fn look_for_secrets(&self) -> Result<(), ConfigError> {
        let missing: Vec<String> = self
            .secrets
            .iter()
            .filter_map(|(name, source)| source.missing_file().map(|why| format!("secret `{name}`: {why}")))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::of_all(missing))
        }
    }
}

/// The environment of this process; names or values that are not UTF-8 are left out.
pub fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests;
