//! What a case says: the folder, and `case.toml` in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isocenter_role::Role;
use serde_json::Value;
use toml::value::Datetime;

use crate::chance::{self, USUAL};
use crate::object::{CaseObject, ObjectError, read_object};

/// The most objects of a study in a case.
const MOST_OBJECTS: usize = 10_000;

/// One question to a plugin, and everything around it.
#[derive(Clone, Default)]
pub struct Case {
    /// Which of the plugin's roles is asked; not needed where it plays one.
    pub role: Option<Role>,
    /// The plugin's configuration.
    pub config: Value,
    /// Secrets by name.
    pub secrets: BTreeMap<String, String>,
    /// What its state holds, by key.
    pub state: BTreeMap<String, String>,
    /// What other servers answer. Whatever else is asked cannot be connected to.
    pub http: Vec<Answer>,
    /// Queues that it may fill; one named `jobs` where none is named.
    pub jobs: Vec<String>,
    /// Models that give back their first input under the name `mask`.
    pub models: Vec<String>,
    /// Destinations that a router may name.
    pub destinations: Vec<String>,
    /// Of an object that passes.
    pub passage: PassageOf,
    /// What time it is.
    pub now: Now,
    /// What random numbers follow from.
    pub random: Seed,
    /// What a role without objects is asked, in the members of its page of documentation.
    pub input: Value,
    /// The object of a filter or router; the members of a study.
    pub objects: Vec<CaseObject>,
}

/// The time of a case. It stands: only while an analyzer waits does it go on, by as much as the analyzer asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    At(u64),
    /// The system's.
    System,
}

/// 2026-01-02 03:04:05 UTC.
impl Default for Now {
    fn default() -> Now {
        Now::At(USUAL)
    }
}

/// What the random numbers of a case follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// The same numbers for the same seed, in every run.
    Of(u64),
    /// The system's.
    System,
}

impl Default for Seed {
    fn default() -> Seed {
        Seed::Of(0)
    }
}

/// What a server answers.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// To a request for this URL. Of several answers to it each is given once, in their order, and the last again and
    /// again.
    pub url: String,
    /// By this method; `None`: by any.
    #[serde(default)]
    pub method: Option<String>,
    /// The status.
    #[serde(default = "ok")]
    pub status: u16,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// Headers, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// There is no answer.
    #[serde(default)]
    pub fails: Option<Fails>,
}

/// Why a server does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fails {
    /// It takes too long.
    Timeout,
    /// It cannot be connected to.
    Connect,
}

impl Answer {
    /// Whether it is one to such a request.
    pub(crate) fn fits(&self, method: &str, url: &str) -> bool {
        let by = |wanted: &String| wanted.eq_ignore_ascii_case(method);
        self.url == url && self.method.as_ref().is_none_or(by)
    }
}

fn ok() -> u16 {
    200
}

/// Where an object comes from or goes to.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PassageOf {
    /// Calling AE title.
    pub calling_ae: Option<String>,
    /// Called AE title.
    pub called_ae: Option<String>,
    /// The sender's address.
    pub peer: Option<String>,
    /// Who sent it.
    pub subject: Option<String>,
    /// The destination: the object is on its way out.
    pub destination: Option<String>,
}

/// Why a case cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file of it.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// `case.toml`.
    #[error("{}: line {line}: {}", path.display(), error.message())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// Why.
        error: Box<toml::de::Error>,
    },
    /// A role that there is not.
    #[error("{}: there is no role `{role}`; there are {}", path.display(), Role::ALL.map(Role::as_str).join(", "))]
    Role {
        /// The file.
        path: PathBuf,
        /// What it says.
        role: String,
    },
    /// A time or a seed that is none.
    #[error("{}: {problem}", path.display())]
    Chance {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// More than a case should have.
    #[error("{} has more than {MOST_OBJECTS} objects", .0.display())]
    Objects(PathBuf),
    /// An object.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// `case.toml`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Written {
    role: Option<String>,
    config: Option<Value>,
    secrets: BTreeMap<String, String>,
    state: BTreeMap<String, String>,
    http: Vec<Answer>,
    jobs: Vec<String>,
    models: Vec<String>,
    destinations: Vec<String>,
    passage: PassageOf,
    clock: ClockOf,
    random: Option<Drawing>,
    input: Value,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ClockOf {
    now: Option<Moment>,
}

/// As TOML has it, or in quotes.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Moment {
    At(Datetime),
    Text(String),
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Drawing {
    Seed(u64),
    Text(String),
}

fn now(written: Option<Moment>) -> Result<Now, String> {
    let at = match written {
        None => return Ok(Now::default()),
        Some(Moment::At(at)) => Ok(at),
        Some(Moment::Text(text)) if text == "system" => return Ok(Now::System),
        Some(Moment::Text(text)) => text.parse().map_err(|_| text),
    };
    let millis = match &at {
        Ok(at) => chance::unix_millis(at),
        Err(_) => None,
    };
    millis.map(Now::At).ok_or_else(|| {
        let found = at.map_or_else(|text| text, |at| at.to_string());
        format!(
            "clock.now is `{found}`; write a date and time with its offset, from 1970 on, like \
             \"2026-01-02T03:04:05Z\", or \"system\""
        )
    })
}

fn random(written: Option<Drawing>) -> Result<Seed, String> {
    match written {
        None => Ok(Seed::default()),
        Some(Drawing::Seed(seed)) => Ok(Seed::Of(seed)),
        Some(Drawing::Text(text)) if text == "system" => Ok(Seed::System),
        Some(Drawing::Text(text)) => Err(format!(
            "random is `{text}`; write a whole number as its seed, or \"system\""
        )),
    }
}

impl Case {
    /// Of a folder: `case.toml`, which may be missing; `object.json` or `object.dcm`, or the files in `study/`.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(folder: &Path) -> Result<Case, CaseError> {
        let path = folder.join("case.toml");
        let file = |path: &Path| {
            let path = path.to_owned();
            move |error| CaseError::File { path, error }
        };
        let written: Written = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error: toml::de::Error| {
                let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
                CaseError::Toml {
                    path: path.clone(),
                    line: before.matches('\n').count() + 1,
                    error: Box::new(error),
                }
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Written::default(),
            Err(error) => return Err(file(&path)(error)),
        };
        let role = match written.role {
            None => None,
            Some(name) => match Role::ALL.into_iter().find(|role| role.as_str() == name) {
                Some(role) => Some(role),
                None => return Err(CaseError::Role { path, role: name }),
            },
        };
        let chance = |problem| CaseError::Chance {
            path: path.clone(),
            problem,
        };
        Ok(Case {
            role,
            now: now(written.clock.now).map_err(chance)?,
            random: random(written.random).map_err(chance)?,
            config: written.config.unwrap_or_else(|| serde_json::json!({})),
            secrets: written.secrets,
            state: written.state,
            http: written.http,
            jobs: written.jobs,
            models: written.models,
            destinations: written.destinations,
            passage: written.passage,
            input: written.input,
            objects: objects(folder)?,
        })
    }
}

fn objects(folder: &Path) -> Result<Vec<CaseObject>, CaseError> {
    for name in ["object.json", "object.dcm"] {
        let path = folder.join(name);
        if path.is_file() {
            return Ok(vec![read_object(&path)?]);
        }
    }
    let study = folder.join("study");
    if !study.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |error| CaseError::File {
        path: study.clone(),
        error,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&study).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json" || extension == "dcm")
        {
            paths.push(path);
        }
        if paths.len() > MOST_OBJECTS {
            return Err(CaseError::Objects(study));
        }
    }
    paths.sort();
    paths.iter().map(|path| Ok(read_object(path)?)).collect()
}
