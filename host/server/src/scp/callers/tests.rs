//! Which entry fits whom, and what it allows.

use std::path::Path;

use super::*;
use crate::config::Environment;

fn callers(toml: &str) -> Callers {
    let config = Config::from_toml(toml, &Environment::new(), Path::new("")).unwrap();
    Callers::of(&config, None).unwrap()
}

fn peer(address: &str, over_tls: bool) -> Peer {
    Peer {
        address: address.parse().unwrap(),
        over_tls,
        certificate_subject: None,
    }
}

fn admit(callers: &Callers, title: &str, address: &str) -> Result<Leave, Rejection> {
    let admitted = callers.admit(&AeTitle::parse(title).unwrap(), &peer(address, false));
    admitted.map_err(|refusal| refusal.rejection)
}

#[test]
fn without_a_list_everybody_is_known() {
    let leave = admit(&callers(""), "ANY", "192.0.2.1").unwrap();
    assert!(leave.holds(Service::Storage) && leave.holds(Service::Verification));
}

#[test]
fn the_first_entry_that_fits_decides() {
    let callers = callers(
        r#"
        [[dicom.callers]]
        ae-title = ["CT?"]
        address = ["10.0.0.0/8"]
        services = ["store"]
        max-associations = 1
        [[dicom.callers]]
        ae-title = ["CT*"]
        services = ["query"]
        [[dicom.callers]]
        ae-title = ["SAFE"]
        tls = true
        "#,
    );
    let first = admit(&callers, "CT1", "10.1.2.3").unwrap();
    assert!(first.holds(Service::Storage));
    assert_eq!(
        admit(&callers, "CT2", "10.1.2.4").unwrap_err(),
        Rejection::LOCAL_LIMIT,
        "the entry has one place"
    );
    drop(first);
    assert!(admit(&callers, "CT2", "::ffff:10.1.2.4").is_ok());
    let second = admit(&callers, "CT1", "192.0.2.1").unwrap();
    assert!(!second.holds(Service::Storage), "the second entry is for queries");
    assert!(second.holds(Service::Verification));
    assert_eq!(admit(&callers, "SAFE", "192.0.2.1").unwrap_err(), Rejection::CALLING_AE);
    let safe = AeTitle::parse("SAFE").unwrap();
    assert!(callers.admit(&safe, &peer("192.0.2.1", true)).is_ok());
}

#[test]
fn strangers() {
    let listed = "[[dicom.callers]]\nae-title = [\"CT\"]\n";
    for (setting, local, far) in [("local", true, false), ("accept", true, true), ("refuse", false, false)] {
        let callers = callers(&format!("[dicom]\nunknown-callers = \"{setting}\"\n{listed}"));
        assert_eq!(admit(&callers, "WHO", "127.0.0.1").is_ok(), local, "{setting}");
        assert_eq!(admit(&callers, "WHO", "192.0.2.1").is_ok(), far, "{setting}");
    }
}

#[test]
fn open_associations_count_against_an_entry_that_a_reload_keeps() {
    let entry =
        |title: &str, most: u32| format!("[[dicom.callers]]\nae-title = [\"{title}\"]\nmax-associations = {most}\n");
    let again = |before: &Callers, toml: &str| {
        let config = Config::from_toml(toml, &Environment::new(), Path::new("")).unwrap();
        Callers::of(&config, Some(before)).unwrap()
    };
    let before = callers(&entry("CT", 1));
    let open = admit(&before, "CT", "10.0.0.1").unwrap();
    // Elsewhere in the list, beside one that is alike.
    let list = [entry("MR", 1), entry("CT", 1), entry("CT", 1)].concat();
    let kept = again(&before, &list);
    assert_eq!(admit(&kept, "CT", "10.0.0.1").unwrap_err(), Rejection::LOCAL_LIMIT);
    assert!(admit(&kept, "MR", "10.0.0.1").is_ok());
    drop(open);
    let open = admit(&kept, "CT", "10.0.0.1").unwrap();
    // Another number is another entry.
    let changed = again(&kept, &entry("CT", 2));
    let more = [
        admit(&changed, "CT", "10.0.0.1").unwrap(),
        admit(&changed, "CT", "10.0.0.1").unwrap(),
    ];
    assert_eq!(admit(&changed, "CT", "10.0.0.1").unwrap_err(), Rejection::LOCAL_LIMIT);
    drop((open, more));
}

#[test]
fn an_address_has_so_many_places_whatever_it_is_called_and_a_reload_keeps_count() {
    let text = "[dicom]\nmax-associations-per-address = 2\n";
    let before = callers(text);
    let first = admit(&before, "CT1", "10.0.0.7").unwrap();
    let second = admit(&before, "CT2", "::ffff:10.0.0.7").unwrap();
    assert_eq!(admit(&before, "CT3", "10.0.0.7").unwrap_err(), Rejection::LOCAL_LIMIT);
    assert!(admit(&before, "CT1", "10.0.0.8").is_ok());
    let config = Config::from_toml(text, &Environment::new(), Path::new("")).unwrap();
    let after = Callers::of(&config, Some(&before)).unwrap();
    assert_eq!(admit(&after, "CT3", "10.0.0.7").unwrap_err(), Rejection::LOCAL_LIMIT);
    drop((first, second));
    assert!(admit(&after, "CT3", "10.0.0.7").is_ok());
}
