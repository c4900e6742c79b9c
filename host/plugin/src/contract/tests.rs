use super::*;

#[test]
fn differences() {
    let good = ["isocenter:filter/filter@0.1.0", "isocenter:plugin/lifecycle@0.1.0"];
    for (imports, exports, expected) in [
        (&["isocenter:host/log@0.1.0"][..], &good[..], None),
        (&["isocenter:host/log@0.1.7"], &good, None),
        (
            &[],
            &["isocenter:routing/router@0.1.0", "isocenter:plugin/lifecycle@0.1.0"],
            None,
        ),
        (
            &["isocenter:host/log@0.2.0"],
            &good,
            Some("it was built for isocenter:host@0.2.0, this host offers 0.1.1"),
        ),
        (
            &[],
            &["isocenter:filter/filter@1.0.0", "isocenter:plugin/lifecycle@0.1.0"],
            Some("it was built for isocenter:filter@1.0.0, this host offers 0.1.1"),
        ),
        (
            &["isocenter:host/files@0.1.0"],
            &good,
            Some("it imports isocenter:host/files@0.1.0, which this host does not offer"),
        ),
        (
            &["wasi:cli/stdout@0.2.0"],
            &good,
            Some(
                "it imports wasi:cli/stdout@0.2.0, which this host does not offer; \
                 this host offers no WASI: build for wasm32-unknown-unknown, or with WASI stubbed",
            ),
        ),
        (
            &[],
            &[],
            Some(
                "it plays no role: it exports nothing, \
                 but none of filter, router, study-router, analyzer, authenticator, authorizer, gate, sink, route, worker \
                 (a filter is isocenter:filter/filter@0.1.1)",
            ),
        ),
        (
            &[],
            &["isocenter:filter/filter@0.1.0"],
            Some("it does not export isocenter:plugin/lifecycle@0.1.1, which every plugin does"),
        ),
    ] {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let surface = Surface {
            imports: owned(imports),
            exports: owned(exports),
        };
        assert_eq!(surface.difference().as_deref(), expected, "{imports:?} {exports:?}");
    }
}

#[test]
fn versions() {
    for (wanted, offered, expected) in [
        ("0.1.0", "0.1.0", true),
        ("0.1.9", "0.1.0", true),
        ("0.2.0", "0.1.0", false),
        ("1.4.0", "1.2.0", true),
        ("2.0.0", "1.2.0", false),
        ("", "0.1.0", false),
    ] {
        assert_eq!(compatible(wanted, offered), expected, "{wanted} {offered}");
    }
}
