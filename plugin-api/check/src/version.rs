//! Semver as the linker matches it, and which version a change asks for.
//!
//! Separate because the two must agree: a minor change stays on the track on which components link, a major one
//! leaves it.

use semver::{BuildMetadata, Prerelease, Version};

/// What a difference means to a plugin that was built for the older contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// There is no difference.
    None,
    /// It runs as it did.
    Minor,
    /// It may not load, or not mean the same.
    Major,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Change::None => "none",
            Change::Minor => "minor",
            Change::Major => "major",
        })
    }
}

/// The part of a version in which components and hosts must agree: `1`, below that `0.1`, below that `0.0.1`.
pub(crate) fn track(version: &Version) -> String {
    match (version.major, version.minor) {
        (0, 0) => format!("0.0.{}", version.patch),
        (0, minor) => format!("0.{minor}"),
        (major, _) => major.to_string(),
    }
}

/// What is wrong with a version in itself.
pub(crate) fn flaw(version: Option<&Version>) -> Option<String> {
    let Some(version) = version else {
        return Some("it has no version".into());
    };
    if version.pre != Prerelease::EMPTY || version.build != BuildMetadata::EMPTY {
        return Some(format!(
            "{version} takes no part in the matching of versions; it must be three numbers"
        ));
    }
    if (version.major, version.minor) == (0, 0) {
        return Some(format!("{version} allows no minor change; the first version is 0.1.0"));
    }
    None
}

/// The version that comes after `old` with this change.
pub(crate) fn next(old: &Version, change: Change) -> Version {
    let stable = old.major > 0;
    match (change, stable) {
        (Change::None, _) => old.clone(),
        (Change::Minor, false) => Version::new(0, old.minor, old.patch + 1),
        (Change::Minor, true) => Version::new(old.major, old.minor + 1, 0),
        (Change::Major, false) => Version::new(0, old.minor + 1, 0),
        (Change::Major, true) => Version::new(old.major + 1, 0, 0),
    }
}

/// Why `new` does not follow `old` with this change; `None` when it does.
pub(crate) fn misfit(old: &Version, new: &Version, change: Change) -> Option<String> {
    let wanted = next(old, change);
    // Declaring a contract stable leaves the track, whatever else changes.
    if *new == wanted || (old.major == 0 && *new == Version::new(1, 0, 0)) {
        return None;
    }
    let changes = match change {
        Change::None => "nothing in it changed".to_owned(),
        change => format!("its changes are {change}"),
    };
    Some(format!("{changes}, so it must be {wanted}, not {new}"))
}

#[cfg(test)]
mod tests;
