//! Plugins in their roles, their pins and grants, engines and models, sinks, telemetry.

use expect_test::expect;

use super::{read, told};
use crate::config::Ratio;

const TWO: &str = "[plugins.a]\nsource = \"a\"\n[plugins.b]\nsource = \"b\"\n";

#[test]
fn what_a_plugin_may_be_given() {
    let config = read(&format!(
        r#"
        [plugins.a]
        source = "a.wasm"
        digest = "blake3:{digits}"
        public-key = "keys/vendor.pub"
        signature = "/srv/a.sig"
        log-values = true
        grant = {{ secrets = ["site-key"], state = "16 MiB", http = ["https://api.example.org/", "http://10.0.0.5:8080"], jobs = ["later"], models = ["lung"] }}

        [engines.onnx]
        source = "libisocenter_engine_onnx.so"
        trusted = true
        digest = "sha256:{upper}"

        [models.lung]
        engine = "onnx"
        file = "lung.onnx"
        "#,
        digits = "0a".repeat(32),
        upper = "0A".repeat(32),
    ));
    expect![[r#"
        Plugin {
            source: "/etc/isocenter/a.wasm",
            digest: Some(
                Digest(
                    "blake3:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
                ),
            ),
            public_key: Some(
                "/etc/isocenter/keys/vendor.pub",
            ),
            signature: Some(
                "/srv/a.sig",
            ),
            log_values: true,
            config: Object {},
            grant: Grant {
                secrets: [
                    "site-key",
                ],
                state: Some(
                    16 MiB,
                ),
                http: [
                    HttpUrl(
                        "https://api.example.org",
                    ),
                    HttpUrl(
                        "http://10.0.0.5:8080",
                    ),
                ],
                jobs: [
                    "later",
                ],
                models: [
                    "lung",
                ],
            },
            limits: Limits {
                memory: None,
                cpu: None,
                wall: None,
                concurrency: None,
            },
        }"#]]
    .assert_eq(&format!("{:#?}", config.plugins["a"]));
    expect![[r#"
        {
            "onnx": Engine {
                source: "/etc/isocenter/libisocenter_engine_onnx.so",
                digest: Digest(
                    "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
                ),
            },
        }{
            "lung": Model {
                engine: "onnx",
                file: "/etc/isocenter/lung.onnx",
            },
        }"#]]
    .assert_eq(&format!("{:#?}{:#?}", config.engines, config.models));
}

#[test]
fn wrong_pins_and_grants() {
    told(
        "[plugins.a]\nsource = \"a\"\ndigest = \"md5:00\"",
        expect![[
            r#"line 3: `digest` in [plugins.a] must be "blake3:" or "sha256:" followed by 64 hexadecimal digits; it is "md5:00""#
        ]],
    );
    told(
        &format!("[plugins.a]\nsource = \"a\"\ndigest = \"sha256:{}\"", "0".repeat(63)),
        expect![[
            r#"line 3: `digest` in [plugins.a] must be "blake3:" or "sha256:" followed by 64 hexadecimal digits; it is "sha256:000000000000000000000000000000000000000000000000000000000000000""#
        ]],
    );
    told(
        "[plugins.a]\nsource = \"a\"\nsignature = \"a.sig\"",
        expect!["line 1: [plugins.a] has a `signature`, and no `public-key` to check it with"],
    );
    told(
        "[plugins.a]\nsource = \"a\"\nlog-values = \"yes\"",
        expect![[r#"line 3: `log-values` in [plugins.a] must be true or false; it is "yes""#]],
    );
    told(
        "[plugins.a]\nsource = \"a\"\n[plugins.a.grant]\nstate = 16\nhttp = [\"api.example.org\", \"https://ok.example\", \"ftp://x\"]\njobs = [\"two words\"]\nmodels = [\"lung\"]\nhtpt = []",
        expect![[r#"
            line 4: `state` in `grant` of [plugins.a] must be a size above zero with a unit (B, KiB, MiB, GiB; KB, MB, GB), such as "128 MiB"; it is the number 16
            line 5: `grant` of [plugins.a] has "api.example.org" in `http`, which must be an http or https URL, such as "https://pacs.example"
            line 5: `grant` of [plugins.a] has "ftp://x" in `http`, which must be an http or https URL, such as "https://pacs.example"
            line 6: `grant` of [plugins.a] has "two words" in `jobs`, which is not a name
            line 7: unknown model `lung` in `models` of `grant` of [plugins.a]; there is none
            line 8: unknown key `htpt` in `grant` of [plugins.a]; did you mean `http`?"#]],
    );
    for name in ["..", "-v", ".hidden", ""] {
        let config = format!("[plugins.\"{name}\"]\nsource = \"a\"");
        let wanted = format!(
            "line 1: [plugins.{name}] is not a name: use 1 to 64 letters, digits, `-`, `_` and `.`, a letter or digit first"
        );
        let outcome = super::Config::from_toml(&config, &super::Environment::new(), std::path::Path::new(""));
        assert_eq!(outcome.unwrap_err().to_string(), wanted);
    }
}

#[test]
fn engines_are_trusted_in_so_many_words() {
    told(
        "[engines.onnx]",
        expect![[r#"
        line 1: [engines.onnx] needs `source = "LIBRARY.so"`
        line 1: [engines.onnx] needs `digest = "sha256:…"`: a library runs with all the rights of the host, so it must be the one that you mean
        line 1: [engines.onnx] needs `trusted = true`: a library runs with all the rights of the host, in no sandbox"#]],
    );
    told(
        &format!(
            "[engines.onnx]\nsource = \"x.so\"\ntrusted = false\ndigest = \"sha256:{}\"",
            "0".repeat(64)
        ),
        expect![
            "line 1: [engines.onnx] needs `trusted = true`: a library runs with all the rights of the host, in no sandbox"
        ],
    );
    told(
        &format!(
            "[engines.onnx]\nsource = \"x.so\"\ntrusted = true\ndigest = \"sha256:{}\"",
            "0".repeat(64)
        ),
        expect!["accepted"],
    );
    told(
        "[models.lung]\nengine = \"onxn\"\n[engines.onnx]",
        expect![[r#"
        line 1: [models.lung] needs `file = "FILE"`
        line 2: unknown engine `onxn` in `engine` of [models.lung]; did you mean `onnx`?
        line 3: [engines.onnx] needs `source = "LIBRARY.so"`
        line 3: [engines.onnx] needs `digest = "sha256:…"`: a library runs with all the rights of the host, so it must be the one that you mean
        line 3: [engines.onnx] needs `trusted = true`: a library runs with all the rights of the host, in no sandbox"#]],
    );
}

#[test]
fn roles() {
    let config = read(&format!(
        "{TWO}[dicom]\ngate = \"a\"\n[http]\nauthenticate = [\"a\", \"b\"]\nauthorize = [\"b\"]\nroutes = [\"a\"]\n\
         [[chains]]\nstudy-route = [\"a\"]\nanalyze = \"b\"\nquiet = \"5 min\"\nshadow = true\n[[chains]]\nanalyze = [\"b\"]\n\
         [[sinks]]\nplugin = \"a\"\n[[sinks]]\nplugin = \"b\"\nbatch = 7\nkinds = [\"object.*\", \"study.quiet\"]\n\
         [telemetry]\notlp = \"http://127.0.0.1:4318/\"\nsample = 0.25\n[outbound]\nca = \"ca.pem\"\n"
    ));
    assert_eq!(config.dicom.gate, ["a"]);
    assert_eq!(config.http.authenticate, ["a", "b"]);
    assert_eq!(
        (&config.http.authorize[..], &config.http.routes[..]),
        (&["b".to_owned()][..], &["a".to_owned()][..])
    );
    let chain = &config.chains[0];
    assert_eq!(
        (&chain.study_route[..], &chain.analyze[..]),
        (&["a".to_owned()][..], &["b".to_owned()][..])
    );
    assert_eq!((chain.quiet.as_secs(), chain.shadow), (300, true));
    assert_eq!((config.chains[1].quiet.as_secs(), config.chains[1].shadow), (60, false));
    let sinks: Vec<_> = config
        .sinks
        .iter()
        .map(|sink| (sink.plugin.as_str(), sink.batch, sink.kinds.len()))
        .collect();
    assert_eq!(sinks, [("a", 100, 0), ("b", 7, 2)]);
    let telemetry = config.telemetry.as_ref().unwrap();
    assert_eq!(
        (telemetry.otlp.to_string().as_str(), telemetry.sample.get()),
        ("http://127.0.0.1:4318", 0.25)
    );
    assert_eq!(
        config.outbound.ca.as_deref(),
        Some(std::path::Path::new("/etc/isocenter/ca.pem"))
    );
    expect![[r#"
        dicom: ISOCENTER on 127.0.0.1:11112, gate a
        http: 127.0.0.1:8080, authenticate a → b, authorize b, routes a
        data: data
        chain chain 1 (shadow: changes nothing): study-route a, analyze b, once quiet for 300 s
        chain chain 2: analyze b, once quiet for 60 s
        sink a: every event, at most 100 at a time
        sink b: object.*, study.quiet, at most 7 at a time
        telemetry: 0.25 of all traces to http://127.0.0.1:4318
        outbound: trusts /etc/isocenter/ca.pem"#]]
    .assert_eq(&config.outline().join("\n"));
}

#[test]
fn roles_name_plugins_that_exist() {
    told(
        &format!(
            "{TWO}[dicom]\ngate = [\"c\"]\n[http]\nauthenticate = [\"A\"]\nauthorize = [\"c\"]\nroutes = [\"c\"]\n\
             [[chains]]\nstudy-route = [\"c\"]\nanalyze = [\"c\"]\n[[sinks]]\nplugin = \"c\"\n"
        ),
        expect![[r#"
            line 6: unknown plugin `c` in `gate` of [dicom]; did you mean `a`?
            line 8: unknown plugin `A` in `authenticate` of [http]; did you mean `a`?
            line 9: unknown plugin `c` in `authorize` of [http]; did you mean `a`?
            line 10: unknown plugin `c` in `routes` of [http]; did you mean `a`?
            line 12: unknown plugin `c` in `study-route` of [[chains]]; did you mean `a`?
            line 13: unknown plugin `c` in `analyze` of [[chains]]; did you mean `a`?
            line 15: unknown plugin `c` in `plugin` of [[sinks]]; did you mean `a`?"#]],
    );
}

#[test]
fn wrong_chains_and_sinks() {
    told(
        &format!("{TWO}[[chains]]\nroute = [\"a\"]\nquiet = \"5 s\""),
        expect!["line 5: [[chains]] has `quiet`, and neither `study-route` nor `analyze` that would wait for it"],
    );
    told(
        &format!("{TWO}[[chains]]\nanalyze = [\"a\"]\nquiet = 5"),
        expect![[
            r#"line 7: `quiet` in [[chains]] must be a duration above zero with a unit (ms, s, min, h or d), such as "500 ms" or "2 s"; it is the number 5"#
        ]],
    );
    told(
        &format!("{TWO}[[chains]]\nroute = [\"a\"]\nname = \"a\\nb\"\nshadow = 1"),
        expect![[r#"
            line 7: [[chains]] has the name "a\nb"; use 1 to 64 printable characters
            line 8: `shadow` in [[chains]] must be true or false; it is the number 1"#]],
    );
    told(
        "[[sinks]]\nbatch = 0",
        expect![[r#"
        line 1: [[sinks]] needs `plugin = "NAME"`
        line 2: `batch` in [[sinks]] must be a whole number from 1 to 10000; it is the number 0"#]],
    );
    told(
        &format!(
            "{TWO}[[sinks]]\nplugin = \"a\"\nkinds = []\n[[sinks]]\nplugin = \"a\"\nkinds = [\"Object stored\"]\nkind = 1"
        ),
        expect![[r#"
            line 7: [[sinks]] has an empty list of `kinds`, so nothing could match
            line 8: [[sinks]] has the plugin `a` of an earlier one; configure the component as another plugin to use it twice
            line 10: [[sinks]] has "Object stored" in `kinds`, which is no kind of event; such are `object.stored` and `object.*`
            line 11: unknown key `kind` in [[sinks]]; did you mean `kinds`?"#]],
    );
}

#[test]
fn wrong_telemetry() {
    told(
        "[telemetry]",
        expect![[r#"line 1: [telemetry] needs `otlp = "http://HOST:4318"`"#]],
    );
    told(
        "[telemetry]\notlp = \"127.0.0.1:4317\"\nsample = 1.5",
        expect![[r#"
            line 2: `otlp` in [telemetry] must be the http URL of a collector with its port, such as "http://127.0.0.1:4318"; it is "127.0.0.1:4317"
            line 3: `sample` in [telemetry] must be a number from 0 to 1; it is the number 1.5"#]],
    );
    told(
        "[telemetry]\notlp = \"http://127.0.0.1:4318\"\nsample = \"all\"",
        expect![[r#"line 3: `sample` in [telemetry] must be a number from 0 to 1; it is "all""#]],
    );
    let config = read("[telemetry]\notlp = \"http://127.0.0.1:4318\"\nsample = 1");
    assert_eq!(config.telemetry.unwrap().sample, Ratio::WHOLE);
}

/// Each port opens to others only by what guards that port.
#[test]
fn listening_with_somebody_at_the_door() {
    const OPEN: &str = "listen = \"0.0.0.0:1\"\n";
    told(&format!("{TWO}[dicom]\n{OPEN}gate = [\"a\"]"), expect!["accepted"]);
    told(
        &format!("{TWO}[http]\n{OPEN}authenticate = [\"a\"]"),
        expect!["accepted"],
    );
    told(
        &format!("{TWO}[http]\n{OPEN}authorize = [\"a\"]"),
        expect![[r#"
        line 5: [http] has `authorize`, and no `authenticate` that would say who asks
        `listen` in [http] is 0.0.0.0:1, which others can reach, and nothing authenticates them; listen on 127.0.0.1, name a plugin in `authenticate`, or say `allow-anonymous = true` at the top of the file"#]],
    );
    told(
        &format!("{TWO}[http]\n{OPEN}[dicom]\ngate = [\"a\"]"),
        expect![
            "`listen` in [http] is 0.0.0.0:1, which others can reach, and nothing authenticates them; listen on 127.0.0.1, name a plugin in `authenticate`, or say `allow-anonymous = true` at the top of the file"
        ],
    );
    told(
        &format!("{TWO}[dicom]\n{OPEN}gate = []\n[http]\nauthenticate = [\"a\"]"),
        expect![
            "`listen` in [dicom] is 0.0.0.0:1, which others can reach, and nothing authenticates them; listen on 127.0.0.1, name a plugin in `gate`, list those who may call in [[dicom.callers]], or say `allow-anonymous = true` at the top of the file"
        ],
    );
}
