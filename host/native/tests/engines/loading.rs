//! What is loaded, and what is refused with which sentence.

use std::path::Path;

use isocenter_native::{Digest, Library, LibraryError, Limits, Models};

use crate::support::{blake3, counted, engine, liar, load, model, scratch, sha256};

fn said(outcome: Result<Library, LibraryError>) -> String {
    let error = outcome.unwrap_err().to_string();
    // Without the path, which differs.
    error
        .split_once(".so ")
        .map(|(_, said)| said.to_owned())
        .unwrap_or(error)
}

#[test]
fn only_what_is_trusted_and_pinned_is_loaded() {
    let folder = scratch();
    let (counting, count) = counted(&folder, "LOADED");
    let file = liar(&folder, &[&counting]);
    let right = sha256(&file);
    assert_eq!(
        said(Library::load(&file, false, Some(&right))),
        "is native code, which can do whatever the host can do; it is loaded only with `trusted = true`"
    );
    assert_eq!(
        said(Library::load(&file, true, None)),
        "is native code and has no digest; write `digest = \"sha256:…\"`, as its maker published it and `sha256sum` \
         prints it"
    );
    let rights = [
        (Digest::Sha256([0; 32]), right),
        (Digest::Blake3([0; 32]), blake3(&file)),
    ];
    for (wrong, right) in rights {
        assert_eq!(
            said(Library::load(&file, true, Some(&wrong))),
            format!("has the digest {right}; the configuration trusts {wrong}")
        );
    }
    assert_eq!(count(), 0, "nothing of it runs before it is trusted");
    for (_, right) in rights {
        let library = Library::load(&file, true, Some(&right)).unwrap();
        assert_eq!((library.name(), library.version()), ("liar", "0"));
        assert_eq!(library.digest(), blake3(&file));
    }
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = scratch();
    let missing = folder.path().join("libmissing.so");
    let digest = Digest::Sha256([0; 32]);
    assert_eq!(
        said(Library::load(&missing, true, Some(&digest))),
        "cannot be read: No such file or directory (os error 2)"
    );
    let text = folder.path().join("libtext.so");
    std::fs::write(&text, "not a library").unwrap();
    let refused = said(load(&text));
    assert!(refused.starts_with("cannot be loaded: "), "{refused}");
    let refused = Library::load(folder.path(), true, Some(&digest))
        .unwrap_err()
        .to_string();
    assert!(
        refused.ends_with("cannot be read: it is not a regular file"),
        "{refused}"
    );
}

#[test]
fn a_table_that_this_host_does_not_know_is_refused() {
    for (definition, why) in [
        ("-DABI=2", "cannot be used: its table has abi 2; this host knows abi 1"),
        ("-DABI=0", "cannot be used: its table has abi 0; this host knows abi 1"),
        (
            "-DKIND=9",
            "cannot be used: it is a native plugin of kind 9; an inference engine is of kind 1",
        ),
        (
            "-DSIZE=16",
            "cannot be used: its table has 16 bytes; that of an inference engine has at least 64",
        ),
        ("-DRUN=NULL", "cannot be used: its table has no function run"),
        ("-DNO_ENTRY", "cannot be used: it does not export isocenter_native_v1"),
        ("-DNO_TABLE", "cannot be used: isocenter_native_v1 answers no table"),
        (
            "-DNAME=\"\"",
            "cannot be used: it does not describe itself: the engine broke its contract: its name is empty",
        ),
    ] {
        let folder = scratch();
        let (counting, count) = counted(&folder, "LOADED");
        let file = liar(&folder, &[definition, &counting]);
        // The second time it is not loaded again, and refused in the same words.
        for _ in 0..2 {
            assert_eq!(said(load(&file)), why, "{definition}");
            assert_eq!(count(), 1, "{definition}");
        }
    }
}

#[test]
fn a_longer_table_of_the_same_abi_is_taken() {
    let folder = scratch();
    let file = liar(&folder, &["-DSIZE=4096"]);
    assert_eq!(load(&file).unwrap().name(), "liar");
}

#[test]
fn a_library_is_loaded_once_for_each_content() {
    let folder = scratch();
    let (counting, count) = counted(&folder, "LOADED");
    let file = liar(&folder, &["-DNAME=\"once\"", &counting]);
    let copy = folder.path().join("libcopy.so");
    std::fs::copy(&file, &copy).unwrap();
    let first = load(&file).unwrap();
    for _ in 0..10 {
        assert_eq!(load(&file).unwrap(), first);
        assert_eq!(load(&copy).unwrap(), first);
        assert_eq!(Library::load(&copy, true, Some(&blake3(&copy))).unwrap(), first);
    }
    assert_eq!(count(), 1);

    // Another content under the same path is another library; the first stays.
    let other = liar(&folder, &["-DNAME=\"another\"", &counting]);
    assert_eq!(other, file);
    assert_eq!(load(&file).unwrap().name(), "another");
    assert_eq!(first.name(), "once");
    assert_eq!(count(), 2);
}

#[tokio::test]
async fn a_configuration_is_loaded_whole_or_refused_with_its_names() {
    let folder = scratch();
    let file = liar(&folder, &[]);
    let good = || engine(&file, Limits::default());
    let refused =
        async |engines: &[_], models: &[_]| Models::load(engines, models, None).await.unwrap_err().to_string();

    let mut distrusted = good();
    distrusted.trusted = false;
    let sentence = refused(&[distrusted], &[]).await;
    assert!(
        sentence.starts_with("engine engine: ") && sentence.contains("`trusted = true`"),
        "{sentence}"
    );

    let mut lost = model(&folder, "lung", "");
    lost.engine = "onnx".into();
    assert_eq!(
        refused(&[good()], &[lost]).await,
        "model lung names the engine onnx; there are: engine"
    );
    let mut lost = model(&folder, "lung", "");
    lost.file = Path::new("/nowhere/lung.onnx").into();
    assert_eq!(
        refused(&[good()], &[lost]).await,
        "model lung: /nowhere/lung.onnx cannot be read: No such file or directory (os error 2)"
    );
    let mut other = model(&folder, "lung", "another");
    let wanted = Digest::Sha256([0; 32]);
    other.digest = Some(wanted);
    let sentence = refused(&[good()], &[other.clone()]).await;
    let found = sha256(&other.file);
    assert!(
        sentence.ends_with(&format!("has the digest {found}; the configuration wants {wanted}")),
        "{sentence}"
    );
    let twice = [model(&folder, "lung", ""), model(&folder, "lung", "")];
    assert_eq!(refused(&[good()], &twice).await, "two models have the name lung");
    assert_eq!(
        refused(&[good(), good()], &[]).await,
        "two engines have the name engine"
    );
}

#[tokio::test]
async fn a_new_set_shares_what_did_not_change() {
    let folder = scratch();
    let file = liar(&folder, &[]);
    let engines = [engine(&file, Limits::default())];
    let specs = [model(&folder, "kept", "one"), model(&folder, "changed", "two")];
    let before = Models::load(&engines, &specs, None).await.unwrap();
    model(&folder, "changed", "three");
    let after = Models::load(&engines, &specs, Some(&before)).await.unwrap();
    let digest = |models: &Models, name: &str| models.get(name).unwrap().digest();
    assert_eq!(digest(&before, "kept"), digest(&after, "kept"));
    assert_ne!(digest(&before, "changed"), digest(&after, "changed"));
    let engines: Vec<_> = [&before, &after].iter().flat_map(|set| set.engines()).collect();
    assert!(std::sync::Arc::ptr_eq(engines[0], engines[1]));
    assert_eq!(
        after.models().map(|model| model.name()).collect::<Vec<_>>(),
        ["changed", "kept"]
    );
}

#[tokio::test]
async fn a_model_is_closed_when_no_set_has_it_any_more() {
    let folder = scratch();
    let (counting, count) = counted(&folder, "CLOSED");
    let file = liar(&folder, &[&counting]);
    let engines = [engine(&file, Limits::default())];
    let specs = [model(&folder, "kept", "one"), model(&folder, "changed", "two")];
    let mut set = Models::load(&engines, &specs, None).await.unwrap();
    let closed = async |wanted: usize| {
        for _ in 0..6000 {
            if count() == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{} closed, not {wanted}", count());
    };
    for reload in 1..=20 {
        model(&folder, "changed", &format!("content {reload}"));
        set = Models::load(&engines, &specs, Some(&set)).await.unwrap();
        closed(reload).await;
    }
    // A refused set closes what it opened, and leaves what it shares.
    let wrong = [specs[0].clone(), model(&folder, "more", "three"), {
        let mut lost = specs[1].clone();
        lost.file = Path::new("/nowhere").into();
        lost
    }];
    assert!(Models::load(&engines, &wrong, Some(&set)).await.is_err());
    closed(21).await;
    drop(set);
    closed(23).await;
}
