//! Into a file or a folder and back.

use std::fs;

use isocenter_pack::{Packed, Reference};

use crate::plugin;

#[test]
fn a_file_is_the_same_for_the_same_plugin_and_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| Reference::File(folder.path().join(name));
    let digest = plugin().push(&at("one.tar"), None, false).unwrap();
    assert_eq!(plugin().push(&at("two.tar"), None, false).unwrap(), digest);
    let one = fs::read(folder.path().join("one.tar")).unwrap();
    assert_eq!(one, fs::read(folder.path().join("two.tar")).unwrap());
    assert_eq!(Packed::pull(&at("one.tar"), None, false).unwrap(), plugin());

    // Any byte of what it holds that is another is noticed. Between the parts are the headers and the padding of tar.
    let place = one.windows(8).position(|bytes| bytes == b"and more").unwrap();
    let mut damaged = one.clone();
    damaged[place] ^= 1;
    fs::write(folder.path().join("one.tar"), damaged).unwrap();
    let error = Packed::pull(&at("one.tar"), None, false).unwrap_err().to_string();
    assert!(error.contains("it was damaged or exchanged on the way"), "{error}");
    for length in [0, 100, 600, one.len() / 2] {
        fs::write(folder.path().join("one.tar"), &one[..length]).unwrap();
        assert!(Packed::pull(&at("one.tar"), None, false).is_err(), "{length}");
    }
}

#[test]
fn a_folder_holds_several() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packs");
    let at = |name: Option<&str>| Reference::Folder {
        path: path.clone(),
        name: name.map(str::to_owned),
    };
    let next = || {
        let mut next = plugin();
        next.about.version = "0.2.0".into();
        next.component.push(1);
        next
    };
    plugin().push(&at(None), None, false).unwrap();
    plugin().push(&at(None), None, false).unwrap();
    assert_eq!(Packed::pull(&at(None), None, false).unwrap(), plugin());
    next().push(&at(None), None, false).unwrap();
    assert_eq!(Packed::pull(&at(Some("edge:0.1.0")), None, false).unwrap(), plugin());
    assert_eq!(Packed::pull(&at(Some("edge:0.2.0")), None, false).unwrap(), next());
    let mut report = String::new();
    for name in [None, Some("edge:0.3.0")] {
        let error = Packed::pull(&at(name), None, false).unwrap_err().to_string();
        report.push_str(&format!("{error}\n"));
    }
    fs::write(folder.path().join("letter.txt"), "Dear").unwrap();
    let other = Reference::Folder {
        path: folder.path().to_owned(),
        name: None,
    };
    let errors = [
        plugin().push(&other, None, false).unwrap_err(),
        Packed::pull(&other, None, false).unwrap_err(),
        Packed::pull(&Reference::File(folder.path().join("letter.txt")), None, false).unwrap_err(),
    ];
    for error in errors {
        report.push_str(&format!("{error}\n"));
    }
    let report = report.replace(&folder.path().display().to_string(), "FOLDER");
    expect_test::expect![[r#"
        dir:FOLDER/packs holds edge:0.1.0, edge:0.2.0; say which: dir:FOLDER/packs#NAME:TAG
        there is no edge:0.3.0 in dir:FOLDER/packs; there is edge:0.1.0, edge:0.2.0; name one that is there, or push it first
        FOLDER is no packed plugin: it holds other things; name a file that `isocenter plugin pack` wrote, or a folder that holds packed plugins or nothing
        FOLDER is no packed plugin: there is no index.json in it; name a file that `isocenter plugin pack` wrote, or a folder that holds packed plugins or nothing
        FOLDER/letter.txt is no packed plugin: it is no tar archive (failed to read entire block); name a file that `isocenter plugin pack` wrote, or a folder that holds packed plugins or nothing
    "#]]
    .assert_eq(&report);
}
