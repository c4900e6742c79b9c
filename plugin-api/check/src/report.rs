//! What a comparison found, for a person to read.
//!
//! Separate because the same findings decide whether a build passes.

use semver::Version;

use crate::version::Change;

/// Two contracts beside each other.
#[derive(Debug)]
pub struct Comparison {
    /// Every package of either, by name.
    pub packages: Vec<PackageReport>,
}

/// One package of both contracts, or of one.
#[derive(Debug)]
pub struct PackageReport {
    /// `namespace:name`.
    pub name: String,
    /// Its version in the older contract; none where it is new.
    pub old: Option<Version>,
    /// Its version in the newer contract; none where it is gone.
    pub new: Option<Version>,
    /// In the order of their places.
    pub differences: Vec<Difference>,
    /// Why its version does not fit its differences.
    pub misfit: Option<String>,
}

/// One difference.
#[derive(Debug)]
pub struct Difference {
    /// What it means to plugins.
    pub change: Change,
    /// `interface log, function write`; empty for the whole package.
    pub place: String,
    /// `new`, `removed`, or both shapes.
    pub what: String,
}

impl Comparison {
    /// Whether every version says what changed.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.packages.iter().all(|package| package.misfit.is_none())
    }
}

impl PackageReport {
    /// The gravest of its differences.
    #[must_use]
    pub fn change(&self) -> Change {
        let changes = self.differences.iter().map(|difference| difference.change);
        changes.max().unwrap_or(Change::None)
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for package in &self.packages {
            write!(f, "{package}")?;
        }
        let misfits = self.packages.iter().filter(|package| package.misfit.is_some()).count();
        match misfits {
            0 => writeln!(f, "every version fits its changes"),
            1 => writeln!(f, "1 package is not as it must be"),
            many => writeln!(f, "{many} packages are not as they must be"),
        }
    }
}

impl std::fmt::Display for PackageReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = &self.name;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if old == new => write!(f, "{name} {new}: ")?,
            (Some(old), Some(new)) => write!(f, "{name} {old} → {new}: ")?,
            (Some(only), None) | (None, Some(only)) => write!(f, "{name} {only}: ")?,
            (None, None) => write!(f, "{name}: ")?,
        }
        match (self.change(), self.differences.as_slice()) {
            (Change::None, _) => writeln!(f, "unchanged")?,
            (change, [whole]) if whole.place.is_empty() => writeln!(f, "{change}, {}", whole.what)?,
            (change, _) => writeln!(f, "{change}")?,
        }
        for difference in self
            .differences
            .iter()
            .filter(|difference| !difference.place.is_empty())
        {
            writeln!(
                f,
                "  {:5}  {}: {}",
                difference.change, difference.place, difference.what
            )?;
        }
        match &self.misfit {
            Some(misfit) => writeln!(f, "  WRONG  {misfit}"),
            None => Ok(()),
        }
    }
}
