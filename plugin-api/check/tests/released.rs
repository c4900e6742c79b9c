//! The contract of this tree against the one that was released last: what `make contract` prints.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

use std::path::Path;

use isocenter_contract::{Contract, Unreadable, compare, latest};

fn plugin_api() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn every_version_says_what_changed() {
    let released = Contract::read(latest(plugin_api().join("released")).unwrap()).unwrap();
    let comparison = compare(&released, &Contract::read(plugin_api().join("wit")).unwrap());
    assert!(comparison.fits(), "{comparison}");
}

#[test]
fn a_release_compared_with_itself_is_unchanged() {
    let released = latest(plugin_api().join("released")).unwrap();
    let (one, other) = (Contract::read(&released).unwrap(), Contract::read(&released).unwrap());
    let comparison = compare(&one, &other);
    assert!(comparison.fits(), "{comparison}");
    let report = comparison.to_string();
    assert_eq!(
        report.matches(": unchanged\n").count(),
        comparison.packages.len(),
        "{report}"
    );
    assert!(report.ends_with("every version fits its changes\n"), "{report}");
}

#[test]
fn folders_that_are_no_contract() {
    assert!(matches!(
        latest(plugin_api().join("wit")),
        Err(Unreadable::NoRelease(_))
    ));
    assert!(matches!(
        latest(plugin_api().join("absent")),
        Err(Unreadable::Folder { .. })
    ));
    let error = Contract::read(plugin_api().join("check")).unwrap_err().to_string();
    assert!(error.contains("check is no contract: "), "{error}");
}
