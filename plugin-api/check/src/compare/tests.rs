use expect_test::expect;

use super::*;

/// One imported and one exported interface, on a foundation: small, and with an item of each kind.
const BASE: &str = "package a:root@0.1.0;
package a:base@0.1.0 {
    interface things {
        type tag = u32;
        record point { x: s32, y: s32 }
        variant answer { yes, no(string) }
        enum level { low, high }
        flags rights { read, write }
        resource thing {
            constructor(name: string);
            get: func(at: tag) -> option<string>;
            make: static func() -> thing;
        }
        find: func(name: string) -> result<point, answer>;
    }
}
package a:role@0.1.0 {
    interface role {
        use a:base/things@0.1.0.{thing};
        apply: func(what: borrow<thing>) -> bool;
    }
    world player {
        import a:base/things@0.1.0;
        export role;
    }
}
";

/// What the change of the base makes of it, without the packages that did not change.
fn report(changes: &[(&str, &str)]) -> String {
    let mut new = BASE.to_owned();
    for (from, to) in changes {
        assert!(new.contains(from), "{from} is not there to be changed");
        new = new.replace(from, to);
    }
    told(BASE, &new)
}

fn told(old: &str, new: &str) -> String {
    let comparison = compare(&Contract::parse(old).unwrap(), &Contract::parse(new).unwrap());
    let packages = comparison.packages.iter();
    packages
        .filter(|package| package.change() > Change::None || package.misfit.is_some())
        .map(ToString::to_string)
        .collect()
}

/// Each change by itself, with no version changed, so that the report says which one it asks for.
fn rules(changes: &[(&str, &str)]) -> String {
    changes
        .iter()
        .map(|change| format!("{} ⇒ {}\n{}", change.0, change.1, report(&[*change])))
        .collect()
}

#[test]
fn nothing_changed() {
    assert_eq!(report(&[]), "");
    // Words and order are not what a component depends on.
    assert_eq!(report(&[("find: func", "/// Finds.\n        find: func")]), "");
    assert_eq!(
        report(&[
            ("type tag = u32;", ""),
            ("interface things {", "interface things { type tag = u32;")
        ]),
        ""
    );
}

#[test]
fn what_is_minor() {
    let report = rules(&[
        ("find: func", "lose: func(); find: func"),
        ("get: func", "put: func(); get: func"),
        ("make: static", "take: static func(); make: static"),
        ("type tag", "resource other { look: func(); } type tag"),
        ("type tag", "record pair { a: tag, b: tag } type tag"),
        ("interface things {", "interface more { f: func(); } interface things {"),
        ("interface role {", "interface more { f: func(); } interface role {"),
        ("world player {", "world other { export role; } world player {"),
        ("world player {", "world player { import f: func();"),
        (
            "world player {",
            "interface more { f: func(); } world player { import more;",
        ),
    ]);
    assert!(!report.contains("major"), "{report}");
    expect![[r#"
        find: func ⇒ lose: func(); find: func
        a:base 0.1.0: minor
          minor  interface things, function lose: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        get: func ⇒ put: func(); get: func
        a:base 0.1.0: minor
          minor  interface things, method thing.put: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        make: static ⇒ take: static func(); make: static
        a:base 0.1.0: minor
          minor  interface things, method thing.take: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        type tag ⇒ resource other { look: func(); } type tag
        a:base 0.1.0: minor
          minor  interface things, type other: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        type tag ⇒ record pair { a: tag, b: tag } type tag
        a:base 0.1.0: minor
          minor  interface things, type pair: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        interface things { ⇒ interface more { f: func(); } interface things {
        a:base 0.1.0: minor
          minor  interface more: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        interface role { ⇒ interface more { f: func(); } interface role {
        a:role 0.1.0: minor
          minor  interface more: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        world player { ⇒ world other { export role; } world player {
        a:role 0.1.0: minor
          minor  world other: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        world player { ⇒ world player { import f: func();
        a:role 0.1.0: minor
          minor  world player, import function f: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        world player { ⇒ interface more { f: func(); } world player { import more;
        a:role 0.1.0: minor
          minor  interface more: new
          minor  world player, import more: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
    "#]]
    .assert_eq(&report);
}

#[test]
fn what_is_major_in_an_imported_interface() {
    let report = rules(&[
        ("find: func", "found: func"),
        ("(name: string) -> result", "(title: string) -> result"),
        ("(name: string) -> result", "(name: string, n: u8) -> result"),
        ("result<point, answer>", "result<answer, point>"),
        ("find: func", "find: async func"),
        ("constructor(name: string);", ""),
        ("make: static func() -> thing;", "make: func() -> thing;"),
        ("at: tag", "at: u32"),
        ("tag = u32", "tag = u64"),
        ("{ x: s32, y: s32 }", "{ x: s32, y: s32, z: s32 }"),
        ("{ x: s32, y: s32 }", "{ y: s32, x: s32 }"),
        ("no(string)", "no(string), perhaps"),
        ("no(string)", "no"),
        ("low, high", "low, middle, high"),
        ("read, write", "read, write, run"),
    ]);
    assert_eq!(report.matches("its changes are major").count(), 15, "{report}");
    expect![[r#"
        find: func ⇒ found: func
        a:base 0.1.0: major
          minor  interface things, function found: new
          major  interface things, function find: removed
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        (name: string) -> result ⇒ (title: string) -> result
        a:base 0.1.0: major
          major  interface things, function find: was `func(name: string) -> result<point, answer>`, is `func(title: string) -> result<point, answer>`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        (name: string) -> result ⇒ (name: string, n: u8) -> result
        a:base 0.1.0: major
          major  interface things, function find: was `func(name: string) -> result<point, answer>`, is `func(name: string, n: u8) -> result<point, answer>`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        result<point, answer> ⇒ result<answer, point>
        a:base 0.1.0: major
          major  interface things, function find: was `func(name: string) -> result<point, answer>`, is `func(name: string) -> result<answer, point>`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        find: func ⇒ find: async func
        a:base 0.1.0: major
          major  interface things, function find: was `func(name: string) -> result<point, answer>`, is `async func(name: string) -> result<point, answer>`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        constructor(name: string); ⇒ 
        a:base 0.1.0: major
          major  interface things, constructor of thing: removed
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        make: static func() -> thing; ⇒ make: func() -> thing;
        a:base 0.1.0: major
          major  interface things, method thing.make: was `static func() -> thing`, is `func() -> thing`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        at: tag ⇒ at: u32
        a:base 0.1.0: major
          major  interface things, method thing.get: was `func(at: tag) -> option<string>`, is `func(at: u32) -> option<string>`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        tag = u32 ⇒ tag = u64
        a:base 0.1.0: major
          major  interface things, type tag: was `u32`, is `u64`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        { x: s32, y: s32 } ⇒ { x: s32, y: s32, z: s32 }
        a:base 0.1.0: major
          major  interface things, type point: was `record { x: s32, y: s32 }`, is `record { x: s32, y: s32, z: s32 }`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        { x: s32, y: s32 } ⇒ { y: s32, x: s32 }
        a:base 0.1.0: major
          major  interface things, type point: was `record { x: s32, y: s32 }`, is `record { y: s32, x: s32 }`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        no(string) ⇒ no(string), perhaps
        a:base 0.1.0: major
          major  interface things, type answer: was `variant { yes, no(string) }`, is `variant { yes, no(string), perhaps }`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        no(string) ⇒ no
        a:base 0.1.0: major
          major  interface things, type answer: was `variant { yes, no(string) }`, is `variant { yes, no }`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        low, high ⇒ low, middle, high
        a:base 0.1.0: major
          major  interface things, type level: was `enum { low, high }`, is `enum { low, middle, high }`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        read, write ⇒ read, write, run
        a:base 0.1.0: major
          major  interface things, type rights: was `flags { read, write }`, is `flags { read, write, run }`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]].assert_eq(&report);
}

#[test]
fn what_is_major_in_an_exported_interface() {
    let report = rules(&[
        ("apply: func", "undo: func(); apply: func"),
        ("apply: func", "type count = u8; apply: func"),
        ("-> bool", "-> u8"),
        ("borrow<thing>", "thing"),
    ]);
    assert_eq!(report.matches("its changes are major").count(), 4, "{report}");
    expect![[r#"
        apply: func ⇒ undo: func(); apply: func
        a:role 0.1.0: major
          major  interface role, function undo: new
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        apply: func ⇒ type count = u8; apply: func
        a:role 0.1.0: major
          major  interface role, type count: new
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        -> bool ⇒ -> u8
        a:role 0.1.0: major
          major  interface role, function apply: was `func(what: borrow<thing>) -> bool`, is `func(what: borrow<thing>) -> u8`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        borrow<thing> ⇒ thing
        a:role 0.1.0: major
          major  interface role, function apply: was `func(what: borrow<thing>) -> bool`, is `func(what: thing) -> bool`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]].assert_eq(&report);
}

#[test]
fn what_is_major_in_a_world() {
    let report = rules(&[
        ("export role;", ""),
        ("import a:base/things@0.1.0;", "import more: func();"),
        ("export role;", "export role; export more: func();"),
        ("export role;", "export role; export a:base/things@0.1.0;"),
    ]);
    expect![[r#"
        export role; ⇒ 
        a:role 0.1.0: major
          major  world player, export role: removed
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        import a:base/things@0.1.0; ⇒ import more: func();
        a:role 0.1.0: minor
          minor  world player, import function more: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        export role; ⇒ export role; export more: func();
        a:role 0.1.0: major
          major  world player, export function more: new
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        export role; ⇒ export role; export a:base/things@0.1.0;
        a:role 0.1.0: major
          major  world player, export a:base/things@0.1: new
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]]
    .assert_eq(&report);
}

#[test]
fn an_interface_that_ends() {
    let without = BASE
        .replace("interface role {", "interface part {")
        .replace("export role;", "export part;");
    expect![[r#"
        a:role 0.1.0: major
          minor  interface part: new
          major  world player, export part: new
          major  world player, export role: removed
          major  interface role: removed
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]]
    .assert_eq(&told(BASE, &without));
}

/// A function that plugins must have is another matter than one that they may call, even in an interface that some
/// world imports.
#[test]
fn an_interface_on_both_sides_follows_the_stricter_rule() {
    let old = "package a:b@0.1.0; interface i { f: func(); } world one { import i; } world other { export i; }";
    expect![[r#"
        a:b 0.1.0: major
          major  interface i, function g: new
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]]
    .assert_eq(&told(old, &old.replace("f: func();", "f: func(); g: func();")));
}

#[test]
fn an_interface_written_in_a_world() {
    let old = "package a:b@0.1.0; world w { import i: interface { f: func(); } export e: interface { f: func(); } }";
    expect![[r#"
        a:b 0.1.0: major
          major  world w, export e, function g: new
          minor  world w, import i, function g: new
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]]
    .assert_eq(&told(old, &old.replace("f: func();", "f: func(); g: func();")));
    expect![[r#"
        a:b 0.1.0: major
          major  world w, export e, function f: was `func()`, is `func(a: u8)`
          major  world w, import i: removed
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]]
    .assert_eq(&told(
        old,
        "package a:b@0.1.0; world w { export e: interface { f: func(a: u8); } }",
    ));
}

/// No plugin is built for the world of the host, so it may name further roles.
#[test]
fn a_role_more_is_minor_in_the_world_of_the_host_alone() {
    let old = "package isocenter:plugin@0.1.0;
        interface one { f: func(); }
        world everything { export one; }
        world one-plugin { export one; }";
    let new = |version: &str, world: &str| {
        let from = format!("world {world} {{");
        let to = format!("interface two {{ f: func(); }} {from} export two;");
        told(old, &old.replace("@0.1.0", version).replace(&from, &to))
    };
    expect![[r#"
        isocenter:plugin 0.1.0 → 0.1.1: minor
          minor  interface two: new
          minor  world everything, export two: new
    "#]]
    .assert_eq(&new("@0.1.1", "everything"));
    expect![[r#"
        isocenter:plugin 0.1.0 → 0.1.1: major
          minor  interface two: new
          major  world one-plugin, export two: new
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.1
    "#]]
    .assert_eq(&new("@0.1.1", "one-plugin"));
}

#[test]
fn packages_come_and_go() {
    let other = "package a:other@0.1.0 { interface i { f: func(); } }";
    let more = format!("{BASE}{other}");
    expect![[r#"
        a:other 0.1.0: minor, a new package
    "#]]
    .assert_eq(&told(BASE, &more));
    expect![[r#"
        a:other 0.1.0: major, removed
          WRONG  a released package stays, or goes over to its next track
    "#]]
    .assert_eq(&told(&more, BASE));
    // A version that takes no part in matching is not released, even in a new package.
    expect![[r#"
        a:other 0.1.0-rc1: minor, a new package
          WRONG  0.1.0-rc1 takes no part in the matching of versions; it must be three numbers
    "#]]
    .assert_eq(&told(BASE, &more.replace("other@0.1.0", "other@0.1.0-rc1")));
}

#[test]
fn versions_that_do_not_fit() {
    let mut all = String::new();
    for (old, new, body) in [
        ("0.1.0", "0.1.1", "f: func();"),
        ("0.1.0", "0.1.0", "f: func(); g: func();"),
        ("0.1.0", "0.1.2", "f: func(); g: func();"),
        ("0.1.0", "0.2.0", "f: func(); g: func();"),
        ("0.1.0", "0.1.1", "f: func(a: u8);"),
        ("0.1.1", "0.1.0", "f: func();"),
        ("1.0.0", "1.0.1", "f: func(); g: func();"),
        ("0.2.0", "0.1.0", "f: func();"),
    ] {
        let text = |version: &str, body: &str| {
            format!("package a:b@{version}; interface i {{ {body} }} world w {{ import i; }}")
        };
        all.push_str(&told(&text(old, "f: func();"), &text(new, body)));
    }
    expect![[r#"
        a:b 0.1.0 → 0.1.1: unchanged
          WRONG  nothing in it changed, so it must be 0.1.0, not 0.1.1
        a:b 0.1.0: minor
          minor  interface i, function g: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
        a:b 0.1.0 → 0.1.2: minor
          minor  interface i, function g: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.2
        a:b 0.1.0 → 0.2.0: minor
          minor  interface i, function g: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.2.0
        a:b 0.1.0 → 0.1.1: major
          major  interface i, function f: was `func()`, is `func(a: u8)`
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.1
        a:b 0.1.1 → 0.1.0: unchanged
          WRONG  nothing in it changed, so it must be 0.1.1, not 0.1.0
        a:b 1.0.0 → 1.0.1: minor
          minor  interface i, function g: new
          WRONG  its changes are minor, so it must be 1.1.0, not 1.0.1
        a:b 0.2.0 → 0.1.0: unchanged
          WRONG  nothing in it changed, so it must be 0.2.0, not 0.1.0
    "#]]
    .assert_eq(&all);
}

/// What a package refers to is a part of it: a component built for the newer one asks the host for the newer ones.
#[test]
fn a_newer_foundation_is_a_change_of_what_stands_on_it() {
    let newer = BASE
        .replace("find: func", "lose: func(); find: func")
        .replace("a:base@0.1.0", "a:base@0.1.1");
    let newer = newer.replace("things@0.1.0", "things@0.1.1");
    expect![[r#"
        a:base 0.1.0 → 0.1.1: minor
          minor  interface things, function lose: new
        a:role 0.1.0: minor
          minor  use of a:base: was 0.1.0, is 0.1.1
          WRONG  its changes are minor, so it must be 0.1.1, not 0.1.0
    "#]]
    .assert_eq(&told(BASE, &newer));
    // Back again, and over to a track on which nothing links with the old one.
    expect![[r#"
        a:base 0.1.1 → 0.1.0: major
          major  interface things, function lose: removed
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
        a:role 0.1.1 → 0.1.0: major
          major  use of a:base: was 0.1.1, is 0.1.0
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]]
    .assert_eq(&told(&newer.replace("role@0.1.0", "role@0.1.1"), BASE));
    let other = newer.replace("@0.1.1", "@0.2.0");
    expect![[r#"
        a:base 0.1.0 → 0.2.0: minor
          minor  interface things, function lose: new
          WRONG  its changes are minor, so it must be 0.1.1, not 0.2.0
        a:role 0.1.0: major
          major  interface role, type thing: was `a:base/things@0.1.{thing}`, is `a:base/things@0.2.{thing}`
          minor  world player, import a:base/things@0.2: new
          major  world player, import a:base/things@0.1: removed
          WRONG  its changes are major, so it must be 0.2.0, not 0.1.0
    "#]]
    .assert_eq(&told(BASE, &other));
}

/// The host serves a role's previous major beside the current one, so both may be there.
#[test]
fn two_tracks_of_a_package() {
    let first = "package a:b@0.1.0 { interface i { f: func(); } world w { export i; } }";
    let second = "package a:b@0.2.0 { interface i { f: func(a: u8); } world w { export i; } }";
    let third = "package a:b@0.3.0 { interface i { f: func(a: u16); } world w { export i; } }";
    let text = |packages: &[&str]| format!("package a:root@0.1.0;\n{}", packages.join("\n"));
    expect![[r#"
        a:b 0.1.0 → 0.2.0: major
          major  interface i, function f: was `func()`, is `func(a: u8)`
    "#]]
    .assert_eq(&told(&text(&[first]), &text(&[first, second])));
    expect![[r#"
        a:b 0.1.0: major, removed
        a:b 0.2.0 → 0.3.0: major
          major  interface i, function f: was `func(a: u8)`, is `func(a: u16)`
    "#]]
    .assert_eq(&told(&text(&[first, second]), &text(&[second, third])));
    expect![[r#"
        a:b 0.2.0: major, removed
          WRONG  a released package stays, or goes over to its next track
    "#]]
    .assert_eq(&told(&text(&[first, second]), &text(&[first])));
    let late = second.replace("0.2.0", "0.1.7");
    expect![[r#"
        a:b 0.1.0: unchanged
          WRONG  two versions of one track cannot be told apart by plugins
        a:b 0.1.0 → 0.1.7: major
          major  interface i, function f: was `func()`, is `func(a: u8)`
          WRONG  two versions of one track cannot be told apart by plugins
    "#]]
    .assert_eq(&told(&text(&[first]), &text(&[first, &late])));
}
