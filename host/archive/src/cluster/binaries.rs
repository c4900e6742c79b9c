//! Where `initdb` and `postgres` are.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::ClusterError;

/// Where Debian keeps its versions side by side.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder with `initdb` and `postgres` of one version.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    /// `15`.
    major: String,
}

impl Binaries {
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// Refuses a cluster of another version.
    pub(super) fn fit(&self, folder: &Path, made: Option<&str>) -> Result<(), ClusterError> {
        match made {
            Some(made) if made != self.major => Err(ClusterError::OtherVersion {
                folder: folder.to_owned(),
                made: made.to_owned(),
                found: self.major.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// What is in a folder, if it holds both programs and they run.
    fn at(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(folder.join("postgres"))
            .arg("--version")
            .env("LC_ALL", "C")
            .output()
            .ok()?;
        // "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"
        let said = String::from_utf8(output.stdout).ok()?;
        let version = said.split_whitespace().nth(2)?;
        let major: String = version.chars().take_while(char::is_ascii_digit).collect();
        (!major.is_empty()).then(|| Self {
            folder: folder.to_owned(),
            major,
        })
    }
}

/// The configured folder alone, or else what `pg_config` names and Debian's versions: the one that made the cluster, or the
/// highest.
pub(super) fn find(configured: Option<&Path>, made: Option<&str>) -> Result<Binaries, ClusterError> {
    let candidates = match configured {
        Some(folder) => vec![folder.to_owned()],
        None => candidates(made),
    };
    candidates
        .iter()
        .find_map(|folder| Binaries::at(folder))
        .ok_or_else(|| ClusterError::NoBinaries {
            looked: match candidates.as_slice() {
                [] => format!("the folder that pg_config names, {DEBIAN}/*/bin"),
                some => some
                    .iter()
                    .map(|folder| folder.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            },
        })
}

fn candidates(made: Option<&str>) -> Vec<PathBuf> {
    let mut versions: Vec<u32> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    let made = made.map(|made| Path::new(DEBIAN).join(made).join("bin"));
    let named = Command::new("pg_config")
        .arg("--bindir")
        .output()
        .ok()
        .and_then(|output| {
            let said = String::from_utf8(output.stdout).ok()?;
            (!said.trim().is_empty()).then(|| PathBuf::from(said.trim()))
        });
    let debian = versions
        .into_iter()
        .map(|version| Path::new(DEBIAN).join(version.to_string()).join("bin"));
    made.into_iter().chain(named).chain(debian).collect()
}
