//! The files of every released contract: unchanged, tested here, and calling all that their contract offers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId, WorldItem};

use crate::support::released;

/// The contracts whose fixtures have a module here.
const TESTED: &[&str] = &["0.1.0"];

fn components(version: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(released().join(version)).unwrap();
    let mut components: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .collect();
    components.sort();
    components
}

#[test]
fn every_released_contract_is_tested() {
    let entries = std::fs::read_dir(released()).unwrap().map(Result::unwrap);
    let folders: BTreeSet<String> = entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, TESTED.iter().map(|&version| version.to_owned()).collect());
}

/// A fixture that was built again would be younger than the plugins it stands for.
#[test]
fn the_fixtures_are_those_that_were_frozen() {
    for version in TESTED {
        let lines: Vec<String> = components(version)
            .iter()
            .map(|path| {
                let digest = blake3::hash(&std::fs::read(path).unwrap()).to_hex();
                format!("{digest}  {}\n", path.file_name().unwrap().display())
            })
            .collect();
        let recorded = std::fs::read_to_string(released().join(version).join("BLAKE3SUMS")).unwrap();
        assert_eq!(recorded, lines.concat(), "contract {version}");
    }
}

/// `package/interface` and function, of each side of a world.
fn functions(resolve: &Resolve, world: WorldId, found: &mut BTreeSet<String>) {
    let world = &resolve.worlds[world];
    for (side, items) in [("import", &world.imports), ("export", &world.exports)] {
        for item in items.values() {
            if let WorldItem::Interface { id, .. } = item {
                let interface = resolve.id_of(*id).unwrap();
                let names = resolve.interfaces[*id].functions.keys();
                found.extend(names.map(|name| format!("{side} {interface} {name}")));
            }
        }
    }
}

fn offered(wit: &Path) -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.packages[package].worlds["everything"];
    let mut found = BTreeSet::new();
    functions(&resolve, world, &mut found);
    found
}

/// So a function that is removed or changed cannot go unnoticed.
#[test]
fn the_fixtures_call_every_function_of_their_contract() {
    for version in TESTED {
        let mut called = BTreeSet::new();
        for path in components(version) {
            let DecodedWasm::Component(resolve, world) = wit_component::decode(&std::fs::read(&path).unwrap()).unwrap()
            else {
                unreachable!("{} is a component", path.display())
            };
            functions(&resolve, world, &mut called);
        }
        assert_eq!(
            called,
            offered(&released().join(version).join("wit")),
            "contract {version}"
        );
    }
}
