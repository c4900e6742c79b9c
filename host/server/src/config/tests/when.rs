//! Conditions of chains: every key, every pattern, and what is told of those that could not match.

use expect_test::{Expect, expect};

use super::{read, told};

/// What is told of one key, on the one line that there is.
fn asked(key: &str, expected: Expect) {
    told(&format!("chains = [{{ route = [], when = {{ {key} }} }}]"), expected);
}

#[test]
fn every_key() {
    let config = read(
        r#"
        [plugins.a]
        source = "a"
        [[chains]]
        route = "a"
        [chains.when]
        calling-ae = ["CT*", { regex = "^MR[0-9]+$" }]
        called-ae = "ISOCENTER"
        address = ["10.0.0.0/8", "fd00::7"]
        transport = ["dimse", "stow"]
        modality = ["CT", "MR"]
        "0008,1030" = "*chest*"
        "0029,1001" = { from = 1, to = 5 }
        "request-attributes-sequence/RequestedProcedureID" = { regex = "(?i)thorax" }
        study-date = { from = 2024-01-01, to = "20241231" }
        SeriesTime = [{ from = "22:00" }, { to = 06:00:00 }]
        slice-thickness = [{ from = 0.5, to = 1.25 }, "3.0"]
        rows = { from = 512 }
        series-description = { to = "2024-06-30" }
        "#,
    );
    let when = &config.chains[0].when;
    let shown = |patterns: &[isocenter_pipeline::chain::Pattern]| {
        patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
    };
    let mut lines = vec![
        format!("calling {}", shown(&when.calling_ae)),
        format!("called {}", shown(&when.called_ae)),
        format!(
            "address {:?}",
            when.address.iter().map(ToString::to_string).collect::<Vec<_>>()
        ),
        format!("transport {:?}", when.transport),
    ];
    for (element, patterns) in &when.elements {
        lines.push(format!("{:?} {} {}", element.sequences, element.tag, shown(patterns)));
    }
    lines.sort();
    expect![[r#"
        [Tag(0x0040, 0x0275)] (0040,1001) /(?i)thorax/
        [] (0008,0020) 2024-01-01 to 20241231
        [] (0008,0031) from 22:00 | up to 06:00:00
        [] (0008,0060) CT | MR
        [] (0008,1030) *chest*
        [] (0008,103E) up to 2024-06-30
        [] (0018,0050) 0.5 to 1.25 | 3.0
        [] (0028,0010) from 512
        [] (0029,1001) 1 to 5
        address ["10.0.0.0/8", "fd00::7"]
        called ISOCENTER
        calling CT* | /^MR[0-9]+$/
        transport [Dimse, Stow]"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn keys_that_name_nothing_to_match() {
    asked(
        "modalty = 'CT'",
        expect!["line 1: unknown key `modalty` in `when` of [[chains]]; did you mean `modality`?"],
    );
    asked(
        "adress = '10.0.0.7'",
        expect!["line 1: unknown key `adress` in `when` of [[chains]]; did you mean `address`?"],
    );
    asked(
        "\"0008,006\" = 'CT'",
        expect![
            "line 1: unknown key `0008,006` in `when` of [[chains]]; known are the keywords of PS3.6, such as `modality`, tags, such as `0008,0060`, and `calling-ae`, `called-ae`, `address`, `transport`"
        ],
    );
    asked(
        "foo = 'x'",
        expect![
            "line 1: unknown key `foo` in `when` of [[chains]]; known are the keywords of PS3.6, such as `modality`, tags, such as `0008,0060`, and `calling-ae`, `called-ae`, `address`, `transport`"
        ],
    );
    asked(
        "\"RequestAttributesSequence/Modalty\" = 'CT'",
        expect!["line 1: unknown key `Modalty` in `when` of [[chains]]; did you mean `modality`?"],
    );
    asked(
        "\"modality/RequestedProcedureID\" = 'CT'",
        expect![[
            r#"line 1: `when` of [[chains]] has the key "modality/RequestedProcedureID", but `modality` (0008,0060) is no sequence"#
        ]],
    );
    asked(
        "request-attributes-sequence = 'x'",
        expect![[
            r#"line 1: `when` of [[chains]] has the key "request-attributes-sequence", which is a sequence; name an element of its items, such as `request-attributes-sequence/…`"#
        ]],
    );
    asked(
        "\"a/b/c/d/e/f/g/h/i\" = 'x'",
        expect![[r#"line 1: `when` of [[chains]] has the key "a/b/c/d/e/f/g/h/i", which names more than 8 levels"#]],
    );
    asked(
        "transfer-syntax-uid = '1.2.840.10008.1.2.1'",
        expect![[
            r#"line 1: `when` of [[chains]] has the key "transfer-syntax-uid", which is not in the header that a chain is given; a key is an element such as `modality`"#
        ]],
    );
    asked(
        "pixel-data = '*'",
        expect![[
            r#"line 1: `when` of [[chains]] has the key "pixel-data", which has binary values, which no pattern describes; a key is an element with text or numbers, such as `modality`"#
        ]],
    );
    asked(
        "red-palette-color-lookup-table-data = '*'",
        expect![[
            r#"line 1: `when` of [[chains]] has the key "red-palette-color-lookup-table-data", which has binary values, which no pattern describes; a key is an element with text or numbers, such as `modality`"#
        ]],
    );
    asked(
        "modality = []",
        expect!["line 1: `when` of [[chains]] has no pattern for `modality`, so nothing could match"],
    );
    asked(
        "\"modality/\" = 'CT'",
        expect![
            "line 1: unknown key `` in `when` of [[chains]]; known are the keywords of PS3.6, such as `modality`, tags, such as `0008,0060`, and `calling-ae`, `called-ae`, `address`, `transport`"
        ],
    );
}

#[test]
fn patterns_that_are_none() {
    asked(
        "modality = 3",
        expect![[
            r#"line 1: `modality` in `when` of [[chains]] must be a text with `*` and `?`, `{ regex = "…" }`, `{ from = …, to = … }`, or a list of such; it is the number 3"#
        ]],
    );
    asked(
        "modality = ['CT', 3]",
        expect![[
            r#"line 1: `modality` in `when` of [[chains]] must be a text with `*` and `?`, `{ regex = "…" }`, `{ from = …, to = … }`, or a list of such; it is the number 3"#
        ]],
    );
    asked(
        "modality = [['CT']]",
        expect![[
            r#"line 1: `modality` in `when` of [[chains]] must be a text with `*` and `?`, `{ regex = "…" }`, `{ from = …, to = … }`, or a list of such; it is a list"#
        ]],
    );
    asked(
        "modality = {}",
        expect![
            "line 1: `when` of [[chains]] has a pattern for `modality` that has neither `regex` nor `from` nor `to`"
        ],
    );
    asked(
        "modality = { regexp = 'CT' }",
        expect![
            "line 1: `when` of [[chains]] has a pattern for `modality` that has the unknown key `regexp`; did you mean `regex`?"
        ],
    );
    asked(
        "modality = { regex = 'C(T' }",
        expect![
            "line 1: `when` of [[chains]] has a pattern for `modality` that is not a regular expression: unclosed group"
        ],
    );
    asked(
        "modality = { regex = 3 }",
        expect![
            "line 1: `when` of [[chains]] has a pattern for `modality` that has the number 3 as `regex`, which must be a text"
        ],
    );
    asked(
        "modality = { regex = '(?:a{999}){999}' }",
        expect![[
            r#"line 1: `when` of [[chains]] has a pattern for `modality` that is a regular expression that takes more than 1024 KiB when it is compiled; smaller counts, or `(?-u:\w)` for ASCII alone, make it smaller"#
        ]],
    );
    asked(
        "rows = { regex = '5', from = 5 }",
        expect!["line 1: `when` of [[chains]] has a pattern for `rows` that has both `regex` and an end of a range"],
    );
    asked(
        "modality = { from = 'A' }",
        expect![[
            r#"line 1: `when` of [[chains]] has a pattern for `modality` that is a range, and its values have no order; use `*` and `?`, or `{ regex = "…" }`"#
        ]],
    );
    asked(
        "calling-ae = { from = 'A', to = 'B' }",
        expect![[
            r#"line 1: `when` of [[chains]] has a pattern for `calling-ae` that is a range, and its values have no order; use `*` and `?`, or `{ regex = "…" }`"#
        ]],
    );
    asked(
        "patient-age = { from = '018Y' }",
        expect![[
            r#"line 1: `when` of [[chains]] has a pattern for `patient-age` that is a range, and its values have no order; use `*` and `?`, or `{ regex = "…" }`"#
        ]],
    );
    asked(
        "rows = { from = 'many' }",
        expect![[
            r#"line 1: `when` of [[chains]] has a pattern for `rows` that has "many" as an end, which must be a number"#
        ]],
    );
    asked(
        "rows = { from = true }",
        expect![
            "line 1: `when` of [[chains]] has a pattern for `rows` that has true as an end, which must be a number, a date or a time"
        ],
    );
    asked(
        "rows = { from = 10, to = 9 }",
        expect![
            "line 1: `when` of [[chains]] has a pattern for `rows` that has a `from` after its `to`, so nothing could match"
        ],
    );
    asked(
        "study-date = { from = '2024-02-30' }",
        expect![[
            r#"line 1: `when` of [[chains]] has a pattern for `study-date` that has "2024-02-30" as an end, which must be a date, such as "2024-01-31" or "20240131""#
        ]],
    );
    asked(
        "study-date = { from = 2024-02-01T10:00:00 }",
        expect![
            "line 1: `when` of [[chains]] has a pattern for `study-date` that has the date 2024-02-01T10:00:00 as an end, which must be a number, a date or a time"
        ],
    );
    asked(
        "study-time = { from = '22:00', to = '06:00' }",
        expect![
            "line 1: `when` of [[chains]] has a pattern for `study-time` that has a `from` after its `to`, so nothing could match; over midnight, give two ranges, one without `to` and one without `from`"
        ],
    );
    asked(
        &format!("modality = '{}'", "x".repeat(1025)),
        expect!["line 1: `when` of [[chains]] has a pattern for `modality` that has more than 1024 bytes"],
    );
    asked(
        &format!("modality = {{ regex = '{}' }}", "x".repeat(1025)),
        expect!["line 1: `when` of [[chains]] has a pattern for `modality` that has more than 1024 bytes"],
    );
}

#[test]
fn addresses_and_transports() {
    asked(
        "address = '10.0.0'",
        expect![[
            r#"line 1: `when` of [[chains]] has "10.0.0" for `address`, which must be an IP address or a network, such as "10.0.0.7" or "10.0.0.0/8""#
        ]],
    );
    asked(
        "address = ['10.0.0.7/8', 'pacs']",
        expect![[r#"
        line 1: `when` of [[chains]] has "10.0.0.7/8" for `address`, which must be a network without bits beyond its prefix, here "10.0.0.0/8", or the address alone
        line 1: `when` of [[chains]] has "pacs" for `address`, which must be an IP address or a network, such as "10.0.0.7" or "10.0.0.0/8""#]],
    );
    asked(
        "address = { regex = '10' }",
        expect!["line 1: `address` in `when` of [[chains]] must be a text or a list of texts; it is a table"],
    );
    asked(
        "address = []",
        expect!["line 1: `when` of [[chains]] has no pattern for `address`, so nothing could match"],
    );
    asked(
        "transport = 'dicom'",
        expect![[
            r#"line 1: `when` of [[chains]] has "dicom" for `transport`; known are `dimse`, `stow`, `file`, `derived`"#
        ]],
    );
    asked(
        "transport = ['stow', 'Dimse']",
        expect![[r#"line 1: `when` of [[chains]] has "Dimse" for `transport`; did you mean `dimse`?"#]],
    );
    asked(
        "transport = 1",
        expect!["line 1: `transport` in `when` of [[chains]] must be a text or a list of texts; it is the number 1"],
    );
}
