//! The page of the contract says what its comments say, and everything has one.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

use isocenter_contract::{page_says, reference, repository};

#[test]
fn the_reference_is_what_the_comments_say() {
    let api = repository().join("plugin-api");
    let made = reference(api.join("wit")).unwrap();
    assert!(
        made.silent.is_empty(),
        "these have no comment in WIT: {}",
        made.silent.join(", ")
    );
    if let Err(difference) = page_says(api.join("reference.md"), "table: contract", &made.page) {
        panic!("{difference}");
    }
}

#[test]
fn what_says_nothing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let wit = "/// A package.\npackage a:b@1.0.0;\n/// An interface.\ninterface c {\n  d: func();\n  /// Told.\n  e: func(x: u8) -> string;\n\
               resource f {\n    /// Also.\n    g: func();\n  }\n  enum h { one }\n}\nworld i { import c; }\n";
    std::fs::write(folder.path().join("a.wit"), wit).unwrap();
    let made = reference(folder.path()).unwrap();
    assert_eq!(made.silent, ["a:b/c.f", "a:b/c.h", "a:b/c.d", "a:b/i"]);
    expect_test::expect![[r#"
        ## a:b 1.0.0
        A package.

        ### a:b/c
        An interface.

        - `resource f`
          - `g: func()`
            <br>Also.
        - `enum h { one }`
        - `d: func()`
        - `e: func(x: u8) -> string`
          <br>Told.

        ### world a:b/i

        Imports `a:b/c`.

    "#]]
    .assert_eq(&made.page);
}
