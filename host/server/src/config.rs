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

use isocenter_dimse::AeTitle;
use isocenter_pipeline::chain::{Glob, Network};

mod chain;
mod check;
mod keyword;
mod outline;
mod plugin;
mod reader;
mod secret;
mod sections;
mod setting;

pub use chain::{Chain, OnFailure, Sink};
pub use plugin::{Engine, Grant, Limits, Model, Plugin};
pub use reader::ConfigError;
pub use secret::SecretSource;
pub use setting::{ByteSize, CollectorUrl, Digest, HttpUrl, PeerAddress, Ratio};

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
    /// Native inference engines, by name.
    pub engines: BTreeMap<String, Engine>,
    /// Models that an engine runs, by name.
    pub models: BTreeMap<String, Model>,
    /// Where secrets come from, by name; the secrets themselves are read by [`SecretSource::read`].
    pub secrets: BTreeMap<String, SecretSource>,
    /// Chains, in the order of the file.
    pub chains: Vec<Chain>,
    /// The modality worklist.
    pub worklist: Worklist,
    /// Orders by HL7 v2; `None`: none are taken.
    pub hl7: Option<Hl7>,
    /// Who is told of events, in the order of the file.
    pub sinks: Vec<Sink>,
    /// Where traces go; `None`: nowhere.
    pub telemetry: Option<Telemetry>,
    /// What plugins' requests to other servers have in common.
    pub outbound: Outbound,
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
    /// Answers to one C-FIND at most; a query that finds more ends with "out of resources".
    pub find_limit: u32,
    /// Largest P-DATA-TF PDU that peers may send, in bytes (PS3.8 §D.1).
    pub max_pdu: u32,
    /// ARTIM: how long a peer may take to send its A-ASSOCIATE-RQ, or to close after the end (PS3.8 §9.1.5).
    pub artim: Duration,
    /// How long a storage commitment may take to be reported on the association that asked for it; then, or when that is
    /// over, it is reported on another.
    pub report_within: Duration,
    /// How long one whole PDU may take to arrive.
    pub pdu_time: Duration,
    /// How long an association may rest between two messages.
    pub idle: Duration,
    /// How long one may last in all: then it ends when it rests, and after the same time again in whatever it does.
    pub association_time: Duration,
    /// Associations at a time from one address; `None`: as many as in all.
    pub max_associations_per_address: Option<u32>,
    /// Names of plugins that say who may associate, in order; every one must let an association in.
    pub gate: Vec<String>,
    /// Names of plugins that say what a peer may search, have sent to it or send on, in order; every one must agree.
    pub authorize: Vec<String>,
    /// A second port, where TLS is spoken.
    pub tls: Option<Tls>,
    /// Who may associate, and what for; the first that fits counts.
    pub callers: Vec<Caller>,
    /// What becomes of those whom no entry of `callers` fits.
    pub unknown_callers: UnknownCallers,
}

/// `[dicom.tls]`: associations over TLS (PS3.15 §B.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Where they are accepted; 2762 is the registered port.
    pub listen: SocketAddr,
    /// Who this host is.
    pub identity: isocenter_dimse::Identity,
    /// PEM file of those who vouch for callers; without it, callers show no certificate.
    pub client_ca: Option<PathBuf>,
}

/// An entry of `[[dicom.callers]]`. What is left out does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Patterns of calling AE titles.
    pub ae_titles: Vec<Glob>,
    /// Where they call from.
    pub addresses: Vec<Network>,
    /// Only over TLS.
    pub tls: bool,
    /// What they may ask for; verification is always among it.
    pub services: Option<Vec<Service>>,
    /// Associations at a time, of all that this entry fits together.
    pub max_associations: Option<u32>,
    /// Bytes per second, both ways, of all associations that this entry fits together.
    pub bandwidth: Option<ByteSize>,
}

/// What a caller may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// To store objects.
    Store,
    /// To search.
    Query,
    /// To have objects sent, to itself or to a destination.
    Retrieve,
    /// To ask what is to be done, and to say what was done: modality worklist and performed procedure steps.
    Worklist,
}

/// `dicom.unknown-callers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownCallers {
    /// From this machine they are accepted, and where there is no list of callers.
    #[default]
    Local,
    /// They are accepted.
    Accept,
    /// They are refused.
    Refuse,
}

/// `[http]`: DICOMweb, the page, health and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where requests are accepted. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
    /// How clients reach this host where that differs from `listen` (behind a proxy); used in links.
    pub public_url: Option<HttpUrl>,
    /// Names of plugins that say who asks, in order.
    pub authenticate: Vec<String>,
    /// Names of plugins that say what who asks may do, in order.
    pub authorize: Vec<String>,
    /// Names of plugins that answer below `/plugins/NAME/`.
    pub routes: Vec<String>,
}

/// `[worklist]`: what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worklist {
    /// How long an entry stays after its step has ended, or should have begun.
    pub keep: Duration,
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
    Dicom(Peer),
    /// Files in a folder.
    Folder(PathBuf),
}

/// `dicom` of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The called AE title.
    pub ae_title: AeTitle,
    /// Its host and port, resolved at each delivery.
    pub address: PeerAddress,
    /// TLS is spoken there.
    pub tls: Option<ClientTls>,
    /// As which user it is called.
    pub user: Option<User>,
    /// It is to answer for what it was sent (PS3.4 Annex J), and is sent the same again where it has not by then.
    pub commit_within: Option<Duration>,
}

/// `user` of a destination's peer (PS3.7 §D.3.3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// The name of the secret that is its passcode.
    pub passcode: Option<String>,
}

/// `tls` of a destination's peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// PEM file of those who vouch for the peer.
    pub ca: PathBuf,
    /// Who this host is, where the peer asks.
    pub identity: Option<isocenter_dimse::Identity>,
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

/// `[telemetry]`: traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// The collector's base URL, for OTLP over HTTP; spans go to its `/v1/traces`.
    pub otlp: CollectorUrl,
    /// Which part of all traces is kept.
    pub sample: Ratio,
}

/// `[outbound]`: requests of plugins to other servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbound {
    /// PEM file of certificate authorities that are trusted besides the usual ones.
    pub ca: Option<PathBuf>,
}

impl Default for Dicom {
    #[expect(clippy::expect_used, reason = "a constant, seen to fit by every test of this module")]
    fn default() -> Self {
        Self {
            ae_title: AeTitle::parse("ISOCENTER").expect("nine letters are an AE title"),
            accept_called_ae_any: true,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 11112)),
            max_associations: 64,
            find_limit: 10_000,
            max_pdu: 262_144,
            artim: Duration::from_secs(30),
            report_within: Duration::from_secs(30),
            pdu_time: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            association_time: Duration::from_secs(86_400),
            max_associations_per_address: None,
            gate: Vec::new(),
            authorize: Vec::new(),
            tls: None,
            callers: Vec::new(),
            unknown_callers: UnknownCallers::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            authenticate: Vec::new(),
            authorize: Vec::new(),
            routes: Vec::new(),
        }
    }
}

/// `[hl7]`: orders by HL7 v2 over MLLP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hl7 {
    /// Where connections are accepted; 2575 is the registered port.
    pub listen: SocketAddr,
    /// Who may send; without any, whoever reaches the port.
    pub callers: Vec<Network>,
    /// Connections at a time.
    pub max_connections: u32,
    /// How long a connection may rest between two messages.
    pub idle: Duration,
    /// AE titles of stations by modality, for orders that name none.
    pub stations: BTreeMap<String, Vec<String>>,
}

impl Default for Worklist {
    /// A month: an order that is sent again by then is known.
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(30 * 86_400),
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
            engines: BTreeMap::new(),
            models: BTreeMap::new(),
            secrets: BTreeMap::new(),
            chains: Vec::new(),
            worklist: Worklist::default(),
            hl7: None,
            sinks: Vec::new(),
            telemetry: None,
            outbound: Outbound::default(),
        }
    }
}

/// Environment variables by name, as a value so that tests need not set any.
pub type Environment = BTreeMap<String, String>;

impl Config {
    /// Reads the file, if one is named, and applies `environment`; then looks for the files of secrets and certificates.
    ///
    /// # Errors
    /// The file cannot be read, or the first of: all problems of [`Config::from_toml`], all those files that are not
    /// there.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let Some(path) = file else {
            return Self::from_toml("", environment, Path::new(""));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::of(format!("cannot read {}: {cause}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let config = Self::from_toml(&text, environment, folder).map_err(|problems| problems.in_file(path))?;
        config.look_for_files()?;
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

    /// Looks for the files that are read only when they are needed: secrets and certificates.
    fn look_for_files(&self) -> Result<(), ConfigError> {
        let secrets = self
            .secrets
            .iter()
            .filter_map(|(name, source)| source.missing_file().map(|why| format!("secret `{name}`: {why}")));
        let certificates = self.outbound.ca.as_deref().and_then(secret::missing);
        let missing: Vec<String> = secrets
            .chain(certificates.map(|why| format!("`ca` in [outbound]: {why}")))
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
