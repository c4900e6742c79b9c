//! To a registry and back.

use isocenter_pack::{Credentials, Digest, PackError, Packed, Reference};

use crate::plugin;
use crate::server::{Server, Ways};

fn at(server: &Server, rest: &str) -> Reference {
    format!("{}/{rest}", server.address).parse().unwrap()
}

fn alice() -> Option<Credentials> {
    Some(Credentials::new("alice", "secret"))
}

/// Base64 of `alice:secret`.
const ALICE: &str = "Basic YWxpY2U6c2VjcmV0";

#[test]
fn what_is_pushed_is_what_is_pulled() {
    let server = Server::start(Ways::default());
    let pushed = plugin().push(&at(&server, "team/edge:0.1.0"), None, false).unwrap();
    assert_eq!(server.asked().len(), 7, "two blobs of three requests, and a manifest");
    assert_eq!(
        Packed::pull(&at(&server, "team/edge:0.1.0"), None, false).unwrap(),
        plugin()
    );

    // The artifact has one digest, wherever and whenever it is pushed; what is there already is not sent again.
    server.asked();
    assert_eq!(plugin().push(&at(&server, "team/edge"), None, false).unwrap(), pushed);
    let asked = server.asked();
    assert!(asked[2].starts_with("PUT /v2/team/edge/manifests/0.1.0"), "{asked:?}");
    assert_eq!(asked.len(), 3, "{asked:?}");
    plugin()
        .push(&at(&server, &format!("team/edge@{pushed}")), None, false)
        .unwrap();
    let pinned = at(&server, &format!("team/edge@{pushed}"));
    assert_eq!(Packed::pull(&pinned, None, false).unwrap(), plugin());

    let kept = server.kept.lock().unwrap();
    let manifest = String::from_utf8(kept.things["/v2/team/edge/manifests/0.1.0"].clone()).unwrap();
    expect_test::expect![[r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.wasm.config.v0+json","digest":"sha256:6379ec65e3f2da2e607ee646c412ba53bb55191ae7cd773bc68f95f26d07d60b","size":161},"layers":[{"mediaType":"application/wasm","digest":"sha256:525129b71c0eac31ffb48211ab8904faf63c299f46291bf19e49800c80d96146","size":17,"annotations":{"org.isocenter.plugin.signature.minisig":"untrusted comment: x\n","org.opencontainers.image.title":"edge.wasm"}}],"annotations":{"org.opencontainers.image.description":"Refuses bright edges","org.opencontainers.image.licenses":"MIT","org.opencontainers.image.title":"edge","org.opencontainers.image.version":"0.1.0"}}"#]].assert_eq(&manifest);
}

#[test]
fn who_asks_is_told_to_the_registry_and_to_nobody_else() {
    let basic = || Ways {
        challenge: Some("Basic realm=\"here\"".into()),
        accepts: ALICE.into(),
        ..Ways::default()
    };
    let elsewhere = Server::start(Ways::default());
    let there = format!("http://{}", elsewhere.address);

    // Blobs that are elsewhere are fetched without it, and uploads that go elsewhere are sent without it.
    let server = Server::start(basic());
    plugin().push(&at(&server, "edge:1"), alice(), false).unwrap();
    let things = server.kept.lock().unwrap().things.clone();
    elsewhere.kept.lock().unwrap().things = things;
    server.kept.lock().unwrap().ways.blobs_at = Some(there.clone());
    assert_eq!(Packed::pull(&at(&server, "edge:1"), alice(), false).unwrap(), plugin());
    let asked = elsewhere.asked();
    assert!(
        asked.len() == 2 && asked.iter().all(|line| !line.contains("Basic")),
        "{asked:?}"
    );
    let server = Server::start(basic());
    server.kept.lock().unwrap().ways.uploads_at = Some(there.clone());
    plugin().push(&at(&server, "edge:1"), alice(), false).unwrap();
    let asked = elsewhere.asked();
    assert!(
        asked.len() == 2 && asked.iter().all(|line| !line.contains("Basic")),
        "{asked:?}"
    );

    // A token server of the registry itself is told; another one only over TLS.
    for (realm, told) in [(None, true), (Some(there), false)] {
        let server = Server::start(Ways::default());
        let realm = realm.unwrap_or_else(|| format!("http://{}", server.address));
        let challenge = format!("Bearer realm=\"{realm}/token\",service=\"s\",scope=\"repository:edge:pull,push\"");
        server.kept.lock().unwrap().ways = Ways {
            challenge: Some(challenge),
            accepts: "Bearer let-me-in".into(),
            ..Ways::default()
        };
        plugin().push(&at(&server, "edge:1"), alice(), false).unwrap();
        let asked = [server.asked(), elsewhere.asked()].concat();
        let tokens: Vec<&String> = asked.iter().filter(|line| line.contains("/token")).collect();
        assert_eq!(tokens.len(), 1, "{asked:?}");
        assert!(
            tokens[0].contains("service=s&scope=repository%3Aedge%3Apull%2Cpush"),
            "{tokens:?}"
        );
        assert_eq!(tokens[0].contains(ALICE), told, "{tokens:?}");
    }
}

#[test]
fn what_is_not_right_is_not_taken() {
    let mut report = String::new();
    let mut tell = |server: &Server, result: Result<Packed, PackError>| {
        let error = result.unwrap_err().to_string();
        report.push_str(&error.replace(&server.address.to_string(), "HOST"));
        report.push('\n');
    };
    let with = |ways: Ways| {
        let server = Server::start(Ways::default());
        plugin().push(&at(&server, "edge:1"), None, false).unwrap();
        server.kept.lock().unwrap().ways = ways;
        server
    };
    let pull = |server: &Server, rest: &str| Packed::pull(&at(server, rest), None, false);

    let server = with(Ways {
        spoils: true,
        ..Ways::default()
    });
    tell(&server, pull(&server, "edge:1"));
    let server = with(Ways {
        adds: 1,
        ..Ways::default()
    });
    tell(&server, pull(&server, "edge:1"));
    let server = with(Ways::default());
    tell(&server, pull(&server, "edge:2"));
    tell(&server, pull(&server, "edge"));
    let other = Digest::of(b"other");
    let manifest = server.kept.lock().unwrap().things["/v2/edge/manifests/1"].clone();
    let path = format!("/v2/edge/manifests/{other}");
    server.kept.lock().unwrap().things.insert(path, manifest);
    tell(&server, pull(&server, &format!("edge@{other}")));
    for (tag, manifest) in [
        ("text", "no manifest"),
        (
            "index",
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
        ),
        ("image", &image("application/vnd.oci.image.layer.v1.tar+gzip", 5)),
        ("vast", &image("application/wasm", 65 << 20)),
    ] {
        let path = format!("/v2/edge/manifests/{tag}");
        server
            .kept
            .lock()
            .unwrap()
            .things
            .insert(path, manifest.as_bytes().to_vec());
        tell(&server, pull(&server, &format!("edge:{tag}")));
    }
    let basic = || Ways {
        challenge: Some("Basic".into()),
        accepts: "Basic other".into(),
        ..Ways::default()
    };
    let server = with(basic());
    tell(&server, pull(&server, "edge:1"));
    tell(&server, Packed::pull(&at(&server, "edge:1"), alice(), false));
    let pushed = plugin().push(&at(&server, "edge:1"), alice(), false);
    tell(&server, pushed.map(|_| plugin()));
    let server = with(Ways {
        blobs_at: Some("file:///etc".into()),
        ..Ways::default()
    });
    tell(&server, pull(&server, "edge:1"));
    expect_test::expect![[r#"
        HOST/edge:1 gives sha256:4ce1e60d50f03a364b0a562439443ae3128d642c284ee47eacdb5a79cddc4593 where sha256:6379ec65e3f2da2e607ee646c412ba53bb55191ae7cd773bc68f95f26d07d60b was asked for: it was damaged or exchanged on the way. Nothing of it is kept; fetch it again, and if that does not help, ask who runs the place
        HOST/edge:1 holds an answer of more than 161 bytes, which no host loads; look at the name and the tag
        there is no edge:2 in the registry HOST; name one that is there, or push it first
        `HOST/edge` does not say which version; write HOST[:PORT]/NAME:TAG or HOST[:PORT]/NAME@sha256:…, dir:FOLDER[#NAME:TAG], or file:FILE
        HOST/edge@sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa gives sha256:5881f4d85739e001e0c95f39b765cd6d471e2e7ec049301263bde2eabad8d858 where sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa was asked for: it was damaged or exchanged on the way. Nothing of it is kept; fetch it again, and if that does not help, ask who runs the place
        HOST/edge:text is no plugin: its manifest cannot be read (expected ident at line 1 column 2); look at the name and the tag: something else is kept there
        HOST/edge:index is no plugin: it is an index of several images; look at the name and the tag: something else is kept there
        HOST/edge:image is no plugin: its layer is "application/vnd.oci.image.layer.v1.tar+gzip", not application/wasm; look at the name and the tag: something else is kept there
        HOST/edge:vast holds a component of more than 67108864 bytes, which no host loads; look at the name and the tag
        the registry HOST does not let nobody in particular pull edge: it wants a name and a password; ISOCENTER_REGISTRY_USER and ISOCENTER_REGISTRY_PASSWORD, or `docker login HOST`, say who asks
        the registry HOST does not let alice pull edge: its rights or the password are not enough; ISOCENTER_REGISTRY_USER and ISOCENTER_REGISTRY_PASSWORD, or `docker login HOST`, say who asks
        the registry HOST does not let alice push to edge: its rights or the password are not enough; ISOCENTER_REGISTRY_USER and ISOCENTER_REGISTRY_PASSWORD, or `docker login HOST`, say who asks
        the registry HOST does not follow the distribution protocol: it sends from http to file, which is not safe; look whether a registry listens there
    "#]].assert_eq(&report);

    // Nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let nobody: Reference = format!("{address}/edge:1").parse().unwrap();
    let error = Packed::pull(&nobody, None, false).unwrap_err().to_string();
    assert!(
        error.contains("cannot be reached") && error.contains("Check its name and port"),
        "{error}"
    );
}

fn image(layer: &str, size: u64) -> String {
    let digest = Digest::of(b"x");
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"x","digest":"{digest}","size":1}},"layers":[{{"mediaType":"{layer}","digest":"{digest}","size":{size}}}]}}"#
    )
}
