//! One case per message: the file, and what the operator is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use expect_test::{Expect, expect};

use super::{Config, Environment, OnFailure, Peer, SecretSource, Target};

mod documentation;
mod roles;
mod when;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(text: &str) -> Config {
    Config::from_toml(text, &Environment::new(), Path::new("/etc/isocenter")).unwrap()
}

fn told(text: &str, expected: Expect) {
    told_with(text, &[], expected);
}

fn told_with(text: &str, pairs: &[(&str, &str)], expected: Expect) {
    let outcome = Config::from_toml(text, &environment(pairs), Path::new("/etc/isocenter"));
    let message = outcome.map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
    expected.assert_eq(&message);
}

#[test]
fn nothing_configured_is_the_default() {
    let config = Config::load(None, &Environment::new()).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.dicom.ae_title.as_str(), "ISOCENTER");
    assert_eq!(config.dicom.listen.to_string(), "127.0.0.1:11112");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.storage.data, PathBuf::from("data"));
    assert_eq!(config.database.url, None);
}

#[test]
fn environment_overrides_the_file() {
    let text = r#"
        [dicom]
        ae-title = "FILE"
        listen = "127.0.0.1:1"
        [http]
        listen = "127.0.0.1:2"
        [storage]
        data = "from-file"
        [database]
        url = "postgres://file"
    "#;
    let pairs = [
        ("ISOCENTER_AE_TITLE", "ENV"),
        ("ISOCENTER_DICOM_LISTEN", "127.0.0.1:3"),
        ("ISOCENTER_HTTP_LISTEN", "[::1]:4"),
        ("ISOCENTER_DATA", "from-env"),
        ("DATABASE_URL", "postgres://env"),
    ];
    let config = Config::from_toml(text, &environment(&pairs), Path::new("/etc/isocenter")).unwrap();
    assert_eq!(config.dicom.ae_title.as_str(), "ENV");
    assert_eq!(config.dicom.listen.to_string(), "127.0.0.1:3");
    assert_eq!(config.http.listen.to_string(), "[::1]:4");
    assert_eq!(config.storage.data, PathBuf::from("from-env"));
    assert_eq!(config.database.url.as_deref(), Some("postgres://env"));
}

/// The example of ARCHITECTURE.md, with what its names refer to.
#[test]
fn the_documented_example_is_accepted() {
    let config = read(
        r#"
        allow-anonymous = true

        [dicom]
        ae-title = "ISOCENTER"
        listen   = "0.0.0.0:11112"

        [destinations.research]
        dicom  = { ae-title = "RESEARCH", address = "10.0.0.7:104" }
        egress = ["scrub"]
        retry  = { first = "1 s", attempts = 3 }

        [destinations.files]
        folder = "out"

        [plugins.scrub]
        source = "anonymize.wasm"
        grant  = { secrets = ["site-key", "token"] }
        limits = { memory = "128 MiB", cpu = "500 ms", wall = "2 s" }
        config = { profile = "basic", retain = ["device-identity"], since = 2020-01-02 }

        [plugins.normalize]
        source = "/opt/normalize.wasm"

        [plugins.rules]
        source = "rules.wasm"

        [secrets]
        token = { file = "token" }

        [[chains]]
        when   = { calling-ae = ["CT*"], modality = ["CT", "MR"], StudyDescription = "*chest*", sop-class-uid = "1.2.*" }
        ingest = ["normalize"]
        route  = ["rules"]
        on-failure = "refuse"

        [[chains]]
        name = "everything"
        route = "rules"
        "#,
    );
    let research = &config.destinations["research"];
    let Target::Dicom(Peer { ae_title, address, .. }) = &research.target else {
        panic!("a DICOM peer")
    };
    assert_eq!(
        (ae_title.as_str(), address.to_string().as_str()),
        ("RESEARCH", "10.0.0.7:104")
    );
    assert_eq!(
        (research.retry.first, research.retry.attempts),
        (Duration::from_secs(1), 3)
    );
    assert_eq!(
        config.destinations["files"].target,
        Target::Folder("/etc/isocenter/out".into())
    );
    assert_eq!(
        config.secrets["token"],
        SecretSource::File("/etc/isocenter/token".into())
    );
    assert_eq!(config.plugins["normalize"].source, PathBuf::from("/opt/normalize.wasm"));
    let scrub = &config.plugins["scrub"];
    assert_eq!(scrub.source, PathBuf::from("/etc/isocenter/anonymize.wasm"));
    assert_eq!(scrub.grant.secrets, ["site-key", "token"]);
    assert_eq!(scrub.limits.memory.map(super::ByteSize::bytes), Some(134_217_728));
    expect![[r#"{"profile":"basic","retain":["device-identity"],"since":"2020-01-02"}"#]]
        .assert_eq(&scrub.config.to_string());
    expect![[r#"
        [
            Chain {
                name: "chain 1",
                when: Condition {
                    calling_ae: [
                        Glob(
                            Glob(
                                "CT*",
                            ),
                        ),
                    ],
                    called_ae: [],
                    address: [],
                    transport: [],
                    elements: [
                        (
                            Element {
                                sequences: [],
                                tag: Tag(0x0008, 0x1030),
                            },
                            [
                                Glob(
                                    Glob(
                                        "*chest*",
                                    ),
                                ),
                            ],
                        ),
                        (
                            Element {
                                sequences: [],
                                tag: Tag(0x0008, 0x0060),
                            },
                            [
                                Glob(
                                    Glob(
                                        "CT",
                                    ),
                                ),
                                Glob(
                                    Glob(
                                        "MR",
                                    ),
                                ),
                            ],
                        ),
                        (
                            Element {
                                sequences: [],
                                tag: Tag(0x0008, 0x0016),
                            },
                            [
                                Glob(
                                    Glob(
                                        "1.2.*",
                                    ),
                                ),
                            ],
                        ),
                    ],
                },
                ingest: [
                    "normalize",
                ],
                route: [
                    "rules",
                ],
                study_route: [],
                analyze: [],
                quiet: 60s,
                on_failure: Refuse,
                shadow: false,
            },
            Chain {
                name: "everything",
                when: Condition {
                    calling_ae: [],
                    called_ae: [],
                    address: [],
                    transport: [],
                    elements: [],
                },
                ingest: [],
                route: [
                    "rules",
                ],
                study_route: [],
                analyze: [],
                quiet: 60s,
                on_failure: Quarantine,
                shadow: false,
            },
        ]"#]]
    .assert_eq(&format!("{:#?}", config.chains));
    assert_eq!(config.chains[1].on_failure, OnFailure::Quarantine);
}

#[test]
fn syntax() {
    told("[dicom\n", expect!["line 1: unclosed table, expected `]`"]);
    told("\n\nae = = 1", expect!["line 3: extra `=`, expected nothing"]);
    told("[dicom]\n[dicom]", expect!["line 2: duplicate key"]);
}

#[test]
fn unknown_keys() {
    told(
        "\n\n[dicom]\nae-title = \"A\"\n\n# wrong:\nlistn = \"127.0.0.1:104\"\n",
        expect!["line 7: unknown key `listn` in [dicom]; did you mean `listen`?"],
    );
    told(
        "[dicom]\nae_title = \"A\"",
        expect!["line 2: unknown key `ae_title` in [dicom]; did you mean `ae-title`?"],
    );
    told(
        "[dcom]\nlisten = 1",
        expect!["line 1: unknown key `dcom` at the top level; did you mean `dicom`?"],
    );
    told(
        "[http]\nzzz = 1",
        expect![
            "line 2: unknown key `zzz` in [http]; known keys are `listen`, `public-url`, `authenticate`, `authorize`, `routes`"
        ],
    );
    told(
        "[plugins.a]\nsource = \"a\"\nlimits = { memroy = \"1 MiB\" }",
        expect!["line 3: unknown key `memroy` in `limits` of [plugins.a]; did you mean `memory`?"],
    );
    told(
        "[destinations.a]\nfolder = \"a\"\negres = []",
        expect!["line 3: unknown key `egres` in [destinations.a]; did you mean `egress`?"],
    );
    told(
        "[destinations.a]\ndicom = { aetitle = \"A\", address = \"a:1\" }",
        expect![[r#"
        line 2: `dicom` of [destinations.a] needs `ae-title`
        line 2: unknown key `aetitle` in `dicom` of [destinations.a]; did you mean `ae-title`?"#]],
    );
    told(
        "[secrets]\na = { fil = \"x\" }",
        expect!["line 2: unknown key `fil` in [secrets.a]; did you mean `file`?"],
    );
}

#[test]
fn wrong_values() {
    told(
        "allow-anonymous = \"yes\"",
        expect![[r#"line 1: `allow-anonymous` at the top level must be true or false; it is "yes""#]],
    );
    told(
        "drain = \"0 s\"",
        expect![[
            r#"line 1: `drain` at the top level must be a duration above zero with a unit (ms, s, min, h or d), such as "500 ms" or "2 s"; it is "0 s""#
        ]],
    );
    told(
        "dicom = 1",
        expect!["line 1: `dicom` at the top level must be a table; it is the number 1"],
    );
    told(
        "[dicom]\nae-title = \"MUCH TOO LONG A TITLE\"",
        expect![[
            r#"line 2: `ae-title` in [dicom] must be an AE title: 1 to 16 printable ASCII characters without a backslash; it is "MUCH TOO LONG A TITLE""#
        ]],
    );
    told(
        "[dicom]\nlisten = \"localhost:104\"",
        expect![[
            r#"line 2: `listen` in [dicom] must be an IP address with a port, such as "127.0.0.1:11112"; it is "localhost:104""#
        ]],
    );
    told(
        "[dicom]\nlisten = 104",
        expect![[
            r#"line 2: `listen` in [dicom] must be an IP address with a port, such as "127.0.0.1:11112"; it is the number 104"#
        ]],
    );
    told(
        "[dicom]\nmax-associations = 0",
        expect!["line 2: `max-associations` in [dicom] must be a whole number from 1 to 4096; it is the number 0"],
    );
    told(
        "[dicom]\nmax-pdu = \"128 KiB\"",
        expect![[r#"line 2: `max-pdu` in [dicom] must be a whole number from 4096 to 1048576; it is "128 KiB""#]],
    );
    told(
        "[dicom]\nidle = 60",
        expect![[
            r#"line 2: `idle` in [dicom] must be a duration above zero with a unit (ms, s, min, h or d), such as "500 ms" or "2 s"; it is the number 60"#
        ]],
    );
    told(
        "[http]\npublic-url = \"pacs.example\"",
        expect![[
            r#"line 2: `public-url` in [http] must be an http or https URL, such as "https://pacs.example"; it is "pacs.example""#
        ]],
    );
    told(
        "[storage]\nduplicates = \"newest\"",
        expect![[
            r#"line 2: `duplicates` in [storage] must be "keep-first", "replace" or "keep-both"; it is "newest""#
        ]],
    );
    told(
        "[storage]\nmax-header = 33554432",
        expect![[
            r#"line 2: `max-header` in [storage] must be a size above zero with a unit (B, KiB, MiB, GiB; KB, MB, GB), such as "128 MiB"; it is the number 33554432"#
        ]],
    );
    told(
        "[storage]\ndata = \"\"",
        expect!["line 2: `data` in [storage] must be a path; it is empty"],
    );
    told(
        "[database]\nurl = \"mysql://root:secret@db\"",
        expect!["line 2: `url` in [database] must begin with postgres:// or postgresql://"],
    );
    told(
        "[plugins.a]\nsource = \"a\"\nlimits = { cpu = 5 }",
        expect![[
            r#"line 3: `cpu` in `limits` of [plugins.a] must be a duration above zero with a unit (ms, s, min, h or d), such as "500 ms" or "2 s"; it is the number 5"#
        ]],
    );
    told(
        "[plugins.a]\nsource = [1]",
        expect!["line 2: `source` in [plugins.a] must be a text; it is a list"],
    );
    told(
        "[plugins.a]\nsource = \"a\"\nconfig = [1]",
        expect!["line 3: `config` in [plugins.a] must be a table; it is a list"],
    );
    told(
        "[plugins.a]\nsource = \"a\"\nconfig = { x = nan }",
        expect!["line 3: [plugins.a] has a number in `config` that JSON cannot hold, or nests too deep"],
    );
    told(
        "[plugins.\"a b\"]\nsource = \"a\"",
        expect![
            "line 1: [plugins.a b] is not a name: use 1 to 64 letters, digits, `-`, `_` and `.`, a letter or digit first"
        ],
    );
    told(
        "plugins.a = \"a.wasm\"",
        expect![[r#"line 1: [plugins.a] must be a table; it is "a.wasm""#]],
    );
    told(
        "chains = 3",
        expect![
            "line 1: `chains` at the top level must be a list of tables, each written [[chains]]; it is the number 3"
        ],
    );
    told(
        "[chains]\nroute = []",
        expect!["line 1: `chains` at the top level must be a list of tables, each written [[chains]]; it is a table"],
    );
    told(
        "[plugins.a]\nsource = \"a\"\n[[chains]]\ningest = [\"a\"]\non-failure = \"store\"",
        expect![[r#"line 5: `on-failure` in [[chains]] must be "quarantine" or "refuse"; it is "store""#]],
    );
}

#[test]
fn what_is_missing() {
    told(
        "[plugins.a]",
        expect![[r#"line 1: [plugins.a] needs `source = "FILE.wasm"`"#]],
    );
    told(
        "\n[destinations.a]\negress = []",
        expect![[
            r#"line 2: [destinations.a] needs either `dicom = { ae-title = "…", address = "HOST:PORT" }` or `folder = "PATH"`"#
        ]],
    );
    told(
        "[destinations.a]\nfolder = \"a\"\ndicom = { ae-title = \"A\", address = \"a:1\" }",
        expect![[
            r#"line 1: [destinations.a] needs either `dicom = { ae-title = "…", address = "HOST:PORT" }` or `folder = "PATH"`"#
        ]],
    );
    told(
        "[destinations.a]\ndicom = { ae-title = \"A\" }",
        expect!["line 2: `dicom` of [destinations.a] needs `address`"],
    );
    told(
        "[destinations.a]\ndicom = { ae-title = \"A\", address = \"10.0.0.7\" }",
        expect![[
            r#"line 2: `address` in `dicom` of [destinations.a] must be a host and a port, such as "10.0.0.7:104", "[fd00::7]:104" or "pacs.example:104"; it is "10.0.0.7""#
        ]],
    );
    told(
        "[destinations.a]\nfolder = \"a\"\nretry = { first = \"1 h\", longest = \"1 s\" }",
        expect!["line 3: `retry` of [destinations.a] has `first` longer than `longest`; the wait only grows"],
    );
    told(
        "[secrets]\na = {}",
        expect![[r#"line 2: [secrets.a] needs either `file = "PATH"` or `env = "VARIABLE"`"#]],
    );
    told(
        "[secrets]\na = { file = \"x\", env = \"Y\" }",
        expect![[r#"line 2: [secrets.a] needs either `file = "PATH"` or `env = "VARIABLE"`"#]],
    );
    told(
        "[secrets]\na = { env = \"ISOCENTER_TOKEN\" }",
        expect!["line 2: [secrets.a] names the environment variable ISOCENTER_TOKEN, which is not set"],
    );
    told(
        "[[chains]]\nname = \"empty\"",
        expect![[
            r#"line 1: [[chains]] names no plugin; it needs `ingest`, `route`, `study-route` or `analyze`, such as `ingest = ["…"]`"#
        ]],
    );
}

#[test]
fn unknown_names() {
    const PLUGINS: &str = "[plugins.anonymize]\nsource = \"a\"\n[plugins.rules]\nsource = \"b\"\n";
    told(
        &format!("{PLUGINS}[[chains]]\ningest = [\"anonymise\"]"),
        expect!["line 6: unknown plugin `anonymise` in `ingest` of [[chains]]; did you mean `anonymize`?"],
    );
    told(
        &format!("{PLUGINS}[[chains]]\nroute = [\"rules\", \"router\"]"),
        expect!["line 6: unknown plugin `router` in `route` of [[chains]]; known are `anonymize`, `rules`"],
    );
    told(
        "[[chains]]\ningest = [\"a\"]",
        expect!["line 2: unknown plugin `a` in `ingest` of [[chains]]; there is none"],
    );
    told(
        &format!("{PLUGINS}[destinations.d]\nfolder = \"d\"\negress = [\"Anonymize\"]"),
        expect!["line 7: unknown plugin `Anonymize` in `egress` of [destinations.d]; did you mean `anonymize`?"],
    );
    told(
        "[plugins.a]\nsource = \"a\"\ngrant = { secrets = [\"tokn\"] }\n[secrets]\ntoken = { file = \"t\" }",
        expect!["line 3: unknown secret `tokn` in `secrets` of `grant` of [plugins.a]; did you mean `token`?"],
    );
    told(
        "[plugins.a]\nsource = \"a\"\n[[chains]]\nroute = \"a\"\n[chains.when]\nmodalty = \"CT\"\ncaling-ae = \"X\"\nfoo = \"x\"\nmodality = []\nstation-name = 3",
        expect![[r#"
            line 6: unknown key `modalty` in `when` of [[chains]]; did you mean `modality`?
            line 7: unknown key `caling-ae` in `when` of [[chains]]; did you mean `calling-ae`?
            line 8: unknown key `foo` in `when` of [[chains]]; known are the keywords of PS3.6, such as `modality`, tags, such as `0008,0060`, and `calling-ae`, `called-ae`, `address`, `transport`
            line 9: `when` of [[chains]] has no pattern for `modality`, so nothing could match
            line 10: `station-name` in `when` of [[chains]] must be a text with `*` and `?`, `{ regex = "…" }`, `{ from = …, to = … }`, or a list of such; it is the number 3"#]],
    );
    told(
        "[plugins.a]\nsource = \"a\"\n[[chains]]\nname = \"x\"\nroute = \"a\"\n[[chains]]\nname = \"x\"\nroute = \"a\"",
        expect!["line 6: [[chains]] has the name `x` of an earlier one"],
    );
}

#[test]
fn listening() {
    told(
        "[dicom]\nlisten = \"0.0.0.0:11112\"",
        expect![
            "`listen` in [dicom] is 0.0.0.0:11112, which others can reach, and nothing authenticates them; listen on 127.0.0.1, name a plugin in `gate`, list those who may call in [[dicom.callers]], or say `allow-anonymous = true` at the top of the file"
        ],
    );
    told(
        "allow-anonymous = true\n[dicom]\nlisten = \"0.0.0.0:11112\"",
        expect!["accepted"],
    );
    told(
        "[http]\nlisten = \"127.0.0.2:80\"\n[dicom]\nlisten = \"[::ffff:127.0.0.1]:104\"",
        expect!["accepted"],
    );
    told_with(
        "",
        &[("ISOCENTER_HTTP_LISTEN", "192.168.1.4:8080")],
        expect![
            "`listen` in [http] is 192.168.1.4:8080, which others can reach, and nothing authenticates them; listen on 127.0.0.1, name a plugin in `authenticate`, or say `allow-anonymous = true` at the top of the file"
        ],
    );
    told_with(
        "",
        &[("ISOCENTER_HTTP_LISTEN", "127.0.0.1:11112")],
        expect!["[dicom] and [http] both listen on 127.0.0.1:11112; give each its own port"],
    );
    told_with(
        "",
        &[
            ("ISOCENTER_HTTP_LISTEN", "127.0.0.1:0"),
            ("ISOCENTER_DICOM_LISTEN", "127.0.0.1:0"),
        ],
        expect!["accepted"],
    );
}

#[test]
fn callers_and_tls() {
    let tls = |more: &str| {
        format!("[dicom.tls]\nlisten = \"0.0.0.0:2762\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n{more}")
    };
    told(&tls("client-ca = \"ca.pem\""), expect!["accepted"]);
    told(
        &tls(""),
        expect![
            "`listen` in [dicom.tls] is 0.0.0.0:2762, which others can reach, and nothing authenticates them; listen on 127.0.0.1, name who vouches for callers in `client-ca`, a plugin in `gate` of [dicom], or say `allow-anonymous = true` at the top of the file"
        ],
    );
    told(
        "[dicom]\nlisten = \"0.0.0.0:104\"\n[[dicom.callers]]\nae-title = [\"CT*\"]",
        expect!["accepted"],
    );
    told(
        "[dicom.tls]\nkey = \"k.pem\"\n[[dicom.callers]]\nservices = [\"stor\"]\naddress = [\"10.0.0.7/8\"]",
        expect![[r#"
            line 1: [dicom.tls] has one of `certificate` and `key`, which belong together
            line 1: [dicom.tls] needs `listen`
            line 1: [dicom.tls] needs `certificate`
            line 4: [[callers]] has "stor" for `services`; did you mean `store`?
            line 5: [[callers]] has "10.0.0.7/8" for `address`, which must be a network without bits beyond its prefix, here "10.0.0.0/8", or the address alone"#]],
    );
    told(
        "[destinations.a]\ndicom = { ae-title = \"A\", address = \"a:104\", tls = { certificate = \"c.pem\" } }",
        expect![[r#"
            line 2: `tls` of `dicom` of [destinations.a] has one of `certificate` and `key`, which belong together
            line 2: `tls` of `dicom` of [destinations.a] needs `ca = "PATH"`, the certificates of those who vouch for the peer"#]],
    );
}

#[test]
fn wrong_environment() {
    told_with(
        "",
        &[
            ("ISOCENTER_AE_TITLE", ""),
            ("ISOCENTER_DICOM_LISTEN", "11112"),
            ("ISOCENTER_HTTP_LISTEN", "localhost"),
            ("ISOCENTER_DATA", ""),
            ("DATABASE_URL", "sqlite://x"),
        ],
        expect![[r#"
            the environment's ISOCENTER_AE_TITLE must be an AE title: 1 to 16 printable ASCII characters without a backslash; it is ""
            the environment's ISOCENTER_DICOM_LISTEN must be an IP address with a port, such as "127.0.0.1:11112"; it is "11112"
            the environment's ISOCENTER_HTTP_LISTEN must be an IP address with a port, such as "127.0.0.1:11112"; it is "localhost"
            the environment's ISOCENTER_DATA must be a folder; it is empty
            the environment's DATABASE_URL must begin with postgres:// or postgresql://"#]],
    );
}

#[test]
fn orders_by_hl7() {
    told(
        "[hl7]\ncallers = [\"here\"]\nstations = { CT = 7, MR = [], US = \"US1\", XA = \"far too long for a title\" }\nport = 2575\n",
        expect![[r#"
            line 1: [hl7] needs `listen = "ADDRESS:2575"`
            line 2: [hl7] has "here" for `callers`, which must be an IP address or a network, such as "10.0.0.7" or "10.0.0.0/8"
            line 3: [hl7.stations] must have AE titles for the modality "CT"
            line 3: [hl7.stations] must have AE titles for the modality "MR"
            line 3: [hl7.stations] must have AE titles for the modality "XA"
            line 4: unknown key `port` in [hl7]; known keys are `listen`, `callers`, `max-connections`, `idle`, `stations`"#]],
    );
    told(
        "[hl7]\nlisten = \"0.0.0.0:2575\"\n[http]\nlisten = \"127.0.0.1:2575\"\n",
        expect![
            "`listen` in [hl7] is 0.0.0.0:2575, which others can reach, and nothing authenticates them; listen on 127.0.0.1, list the addresses of those who may send in `callers`, or say `allow-anonymous = true` at the top of the file"
        ],
    );
    told(
        "[hl7]\nlisten = \"0.0.0.0:2575\"\ncallers = [\"10.0.0.0/8\"]\nstations = { CT = [\"CT1\"] }\n",
        expect!["accepted"],
    );
}

#[test]
fn all_problems_are_told_at_once_by_line() {
    told(
        "[[chains]]\nroute = [\"x\"]\n[dicom]\nlisten = \"0.0.0.0:1\"\nidle = 3\nfoo = 1\n[http]\nlisten = 5\n",
        expect![[r#"
            line 2: unknown plugin `x` in `route` of [[chains]]; there is none
            line 5: `idle` in [dicom] must be a duration above zero with a unit (ms, s, min, h or d), such as "500 ms" or "2 s"; it is the number 3
            line 6: unknown key `foo` in [dicom]; known keys are `ae-title`, `accept-called-ae-any`, `listen`, `max-associations`, `find-limit`, `max-pdu`, `artim`, `pdu-time`, `idle`, `association-time`, `max-associations-per-address`, `report-within`, `gate`, `authorize`, `tls`, `callers`, `unknown-callers`
            line 8: `listen` in [http] must be an IP address with a port, such as "127.0.0.1:11112"; it is the number 5
            `listen` in [dicom] is 0.0.0.0:1, which others can reach, and nothing authenticates them; listen on 127.0.0.1, name a plugin in `gate`, list those who may call in [[dicom.callers]], or say `allow-anonymous = true` at the top of the file"#]],
    );
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("isocenter.toml");
    let load = || {
        let message = Config::load(Some(&file), &Environment::new())
            .map_or_else(|error| error.to_string(), |_| "accepted".into());
        message.replace(&folder.path().display().to_string(), "DIR")
    };
    expect!["cannot read DIR/isocenter.toml: No such file or directory (os error 2)"].assert_eq(&load());
    std::fs::write(&file, "[dicom]\nx = 1\ny = 2").unwrap();
    expect![[r#"
        DIR/isocenter.toml: line 2: unknown key `x` in [dicom]; known keys are `ae-title`, `accept-called-ae-any`, `listen`, `max-associations`, `find-limit`, `max-pdu`, `artim`, `pdu-time`, `idle`, `association-time`, `max-associations-per-address`, `report-within`, `gate`, `authorize`, `tls`, `callers`, `unknown-callers`
        DIR/isocenter.toml: line 3: unknown key `y` in [dicom]; known keys are `ae-title`, `accept-called-ae-any`, `listen`, `max-associations`, `find-limit`, `max-pdu`, `artim`, `pdu-time`, `idle`, `association-time`, `max-associations-per-address`, `report-within`, `gate`, `authorize`, `tls`, `callers`, `unknown-callers`"#]].assert_eq(&load());
    std::fs::write(&file, "[secrets]\na = { file = \"a.key\" }\nb = { file = \".\" }").unwrap();
    expect![[r#"
        secret `a`: cannot read DIR/a.key: No such file or directory (os error 2)
        secret `b`: DIR/. is not a file"#]]
    .assert_eq(&load());
    std::fs::write(&file, "[secrets]\na = { file = \"a.key\" }").unwrap();
    std::fs::write(folder.path().join("a.key"), "hunter2\r\n").unwrap();
    expect!["accepted"].assert_eq(&load());
    let config = Config::load(Some(&file), &Environment::new()).unwrap();
    assert_eq!(config.secrets["a"].read(&Environment::new()).unwrap(), b"hunter2");
    std::fs::write(folder.path().join("a.key"), vec![b'x'; 70_000]).unwrap();
    let error = config.secrets["a"].read(&Environment::new()).unwrap_err().to_string();
    expect!["DIR/a.key holds more than 65536 bytes"]
        .assert_eq(&error.replace(&folder.path().display().to_string(), "DIR"));
}

/// The examples that people copy.
#[test]
fn documented_configurations_are_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let asked = super::reader::asked(|| told(example, expect!["accepted"]));
    let missing: Vec<_> = asked.iter().filter(|key| !mentions(&readme, key)).collect();
    assert!(missing.is_empty(), "README.md does not say what these are: {missing:?}");
    let sample = std::fs::read_to_string(root.join("host/server/run.toml")).unwrap();
    told(&sample, expect!["accepted"]);
}

/// Whether a text has a key, as a table, before an equals sign or as code.
fn mentions(text: &str, key: &str) -> bool {
    let ways = [
        format!("\n[{key}]"),
        format!("[{key}."),
        format!(".{key}."),
        format!("[[{key}]]"),
        format!("\n{key} = "),
        format!(" {key} = "),
        format!("`{key}`"),
    ];
    ways.iter().any(|way| text.contains(way))
}

/// The check above sees only tables that the example has.
#[test]
fn the_documented_configuration_has_every_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let table: toml::Table = example.parse().unwrap();
    let top = super::reader::asked(|| drop(read("")));
    let simple = ["allow-anonymous", "drain"];
    for key in top.iter().filter(|key| !simple.contains(&key.as_str())) {
        assert!(table.contains_key(key), "the example of README.md has no {key}");
    }
}
