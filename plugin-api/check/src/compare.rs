//! The rules: which package is compared with which, and what each difference means.
//!
//! Separate because it is `plugin-api/README.md` in code.

use std::collections::BTreeMap;

use semver::Version;
use wit_parser::PackageName;

use crate::contract::{Contract, Holder, Package};
use crate::report::{Comparison, Difference, PackageReport};
use crate::version::{self, Change};

/// Compares a contract with the one that was released before it.
#[must_use]
pub fn compare(old: &Contract, new: &Contract) -> Comparison {
    let mut packages: Vec<_> = new.packages.iter().map(|package| judge(old, new, package)).collect();
    let gone = old.packages.iter().filter(|package| !goes_on(old, package, new));
    packages.extend(gone.map(|package| removed(package, new)));
    packages.sort_by(|a, b| (&a.name, &a.new).cmp(&(&b.name, &b.new)));
    Comparison { packages }
}

/// Whether some package of the newer contract is what became of this one.
fn goes_on(old: &Contract, package: &Package, new: &Contract) -> bool {
    let mut later = new.packages.iter();
    later.any(|later| predecessor(old, later).is_some_and(|before| std::ptr::eq(before, package)))
}

fn judge(old: &Contract, new: &Contract, package: &Package) -> PackageReport {
    let mut report = PackageReport {
        name: package.name.clone(),
        old: None,
        new: package.version.clone(),
        differences: Vec::new(),
        misfit: version::flaw(package.version.as_ref()),
    };
    if twice(new, package) {
        report.misfit = Some("two versions of one track cannot be told apart by plugins".into());
    }
    let Some(before) = predecessor(old, package) else {
        report.differences.push(difference(Change::Minor, "", "a new package"));
        return report;
    };
    report.old.clone_from(&before.version);
    report.differences = differences(before, package);
    if report.misfit.is_none()
        && let (Some(old), Some(new)) = (&before.version, &package.version)
    {
        report.misfit = version::misfit(old, new, report.change());
    }
    report
}

fn twice(contract: &Contract, package: &Package) -> bool {
    let same = contract.packages.iter();
    same.filter(|other| other.name == package.name && other.track() == package.track())
        .count()
        > 1
}

/// What the package is compared with: the same track, else the newest track before it, else whatever has its name.
fn predecessor<'a>(old: &'a Contract, package: &Package) -> Option<&'a Package> {
    let same_name = || old.packages.iter().filter(|other| other.name == package.name);
    same_name()
        .find(|other| other.track() == package.track())
        .or_else(|| {
            same_name()
                .filter(|other| other.version < package.version)
                .max_by_key(|other| &other.version)
        })
        .or_else(|| same_name().next())
}

fn removed(package: &Package, new: &Contract) -> PackageReport {
    let newer = new
        .packages
        .iter()
        .any(|other| other.name == package.name && other.version > package.version);
    PackageReport {
        name: package.name.clone(),
        old: package.version.clone(),
        new: None,
        differences: vec![difference(Change::Major, "", "removed")],
        // Hosts drop a track when they have gone two further.
        misfit: (!newer).then(|| "a released package stays, or goes over to its next track".into()),
    }
}

fn difference(change: Change, place: impl Into<String>, what: impl Into<String>) -> Difference {
    Difference {
        change,
        place: place.into(),
        what: what.into(),
    }
}

fn differences(old: &Package, new: &Package) -> Vec<Difference> {
    let mut found = references(old, new);
    for (holder, items) in &new.holders {
        match old.holders.get(holder) {
            None => found.push(difference(Change::Minor, holder, "new")),
            Some(before) => within(holder, before, items, &mut found),
        }
    }
    for holder in old.holders.keys().filter(|holder| !new.holders.contains_key(*holder)) {
        found.push(difference(Change::Major, holder, "removed"));
    }
    found
}

fn within(holder: &str, old: &Holder, new: &Holder, found: &mut Vec<Difference>) {
    for (name, item) in new {
        let place = format!("{holder}, {name}");
        match old.get(name) {
            // It came with the whole, which is told.
            None if item.part_of.as_ref().is_some_and(|whole| !old.contains_key(whole)) => {}
            None => found.push(difference(item.addition, place, "new")),
            Some(before) if before.shape != item.shape => {
                let what = format!("was `{}`, is `{}`", before.shape, item.shape);
                found.push(difference(Change::Major, place, what));
            }
            Some(_) => {}
        }
    }
    for (name, item) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        if item.part_of.as_ref().is_none_or(|whole| new.contains_key(whole)) {
            found.push(difference(Change::Major, format!("{holder}, {name}"), "removed"));
        }
    }
}

/// Other packages that both refer to, in another version of the same track. Another track shows in the shapes.
fn references(old: &Package, new: &Package) -> Vec<Difference> {
    let old: BTreeMap<_, _> = old.uses.iter().filter_map(on_track).collect();
    let new: BTreeMap<_, _> = new.uses.iter().filter_map(on_track).collect();
    let both = new
        .iter()
        .filter_map(|(used, new)| old.get(used).map(|old| (used, old, new)));
    both.filter(|(_, old, new)| old != new)
        .map(|((name, _), old, new)| {
            // A component of the older contract asks for no more than the newer offers; the other way it might.
            let change = if old < new { Change::Minor } else { Change::Major };
            difference(change, format!("use of {name}"), format!("was {old}, is {new}"))
        })
        .collect()
}

fn on_track(used: &PackageName) -> Option<((String, String), &Version)> {
    let version = used.version.as_ref()?;
    Some((
        (format!("{}:{}", used.namespace, used.name), version::track(version)),
        version,
    ))
}

#[cfg(test)]
mod tests;
