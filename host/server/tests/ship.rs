//! A plugin on its way from its author to a host: signed, packed, carried, fetched; and what stops one that is not what
//! its author made.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod door;

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use door::object::Object;
use door::{Host, ISOCENTER};

/// `isocenter plugin …` in a folder.
fn author(folder: &Path, arguments: &[&str]) -> (bool, String) {
    door::said(&mut command(folder, arguments))
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(ISOCENTER);
    command
        .arg("plugin")
        .args(arguments)
        .current_dir(folder)
        // Nobody's credentials and no proxy of whoever runs the tests.
        .env("HOME", folder)
        .env_remove("DOCKER_CONFIG")
        .env_remove("REGISTRY_AUTH_FILE")
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("ISOCENTER_REGISTRY_USER")
        .env_remove("ISOCENTER_REGISTRY_PASSWORD")
        .env_remove("ISOCENTER_KEY_PASSPHRASE");
    command
}

fn fine(folder: &Path, arguments: &[&str]) -> String {
    let (fine, text) = author(folder, arguments);
    assert!(fine, "{arguments:?}: {text}");
    text
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let (fine, text) = author(folder, arguments);
    assert!(!fine, "{arguments:?}: {text}");
    text
}

/// A folder with a component that was built, and an author's pair of keys.
fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(door::plugin("stamp"), folder.path().join("stamp.wasm")).unwrap();
    fine(folder.path(), &["keygen", "--unprotected", "author"]);
    fine(folder.path(), &["keygen", "--unprotected", "other"]);
    folder
}

#[test]
fn a_signed_plugin_is_carried_to_a_host_that_runs_it() {
    let folder = workshop();
    let here = folder.path();
    let said = fine(here, &["sign", "stamp.wasm", "--key", "author.key"]);
    assert_eq!(said, "stamp.wasm.minisig\n");
    let said = fine(here, &["pack", "stamp.wasm"]);
    let pack = said.lines().next().unwrap().to_owned();
    assert!(pack.starts_with("stamp-") && pack.ends_with(".tar"), "{said}");

    // Both files say who signed.
    for file in ["stamp.wasm", &pack] {
        let said = fine(here, &["verify", file, "--key", "author.pub"]);
        assert!(
            said.contains("signed   by author.pub, key ") && said.contains("file:stamp.wasm"),
            "{said}"
        );
        let said = refused(here, &["verify", file, "--key", "other.pub"]);
        assert!(
            said.contains("its signature names another key than the configured one"),
            "{said}"
        );
    }

    // Over the gap: only the pack and the public key.
    let site = tempfile::tempdir().unwrap();
    for file in [&pack, "author.pub"] {
        fs::copy(here.join(file), site.path().join(file)).unwrap();
    }
    let said = fine(
        site.path(),
        &[
            "pull",
            &format!("file:{pack}"),
            "--to",
            "plugins",
            "--key",
            "author.pub",
        ],
    );
    let lines = &said[said.find("[plugins.stamp]").unwrap()..];
    let digest = lines
        .lines()
        .find_map(|line| line.strip_prefix("digest = "))
        .unwrap()
        .trim_matches('"');
    fine(here, &["verify", "stamp.wasm", "--digest", digest]);
    let config =
        format!("{lines}config = {{ fill = {{ InstitutionName = \"By Pack\" }} }}\n[[chains]]\ningest = [\"stamp\"]\n");
    let host = Host::start(site.path(), &config);
    let object = Object::slice(1, 1, 10);
    let (status, answer) = host.stow(&[object.file()]);
    assert_eq!(status, 200, "{answer}");

    // The host and the tool agree about what is not what the author made.
    let component = site.path().join("plugins/stamp.wasm");
    let mut bytes = fs::read(&component).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&component, bytes).unwrap();
    let said = refused(site.path(), &["verify", "plugins/stamp.wasm", "--key", "author.pub"]);
    assert!(said.contains("the file was changed, or signed by another"), "{said}");
    let said = refused(site.path(), &["verify", "plugins/stamp.wasm", "--digest", digest]);
    assert!(said.contains("its digest is blake3:"), "{said}");
}

#[test]
fn nothing_is_kept_of_what_is_not_what_its_author_made() {
    let folder = workshop();
    let here = folder.path();
    // Not signed at all, then signed by somebody else.
    let (unsigned, by_other) = ("unsigned.tar", "by-other.tar");
    fine(here, &["pack", "stamp.wasm", "--to", unsigned]);
    fine(here, &["sign", "stamp.wasm", "--key", "other.key"]);
    fine(here, &["pack", "stamp.wasm", "--to", by_other]);
    let changed = "changed.tar";
    let mut bytes = fs::read(here.join(by_other)).unwrap();
    let component = fs::read(here.join("stamp.wasm")).unwrap();
    let place = bytes.windows(64).position(|window| window == &component[..64]).unwrap();
    bytes[place + component.len() / 2] ^= 1;
    fs::write(here.join(changed), bytes).unwrap();
    for (file, expected) in [
        (
            unsigned,
            "there is no signature of this kind (.minisig); `isocenter plugin sign",
        ),
        (by_other, "its signature names another key than the configured one"),
        (changed, "it was damaged or exchanged on the way"),
    ] {
        let said = refused(
            here,
            &["pull", &format!("file:{file}"), "--to", "site", "--key", "author.pub"],
        );
        assert!(said.contains(expected), "{said}");
        assert!(!here.join("site").exists(), "{file}: {said}");
    }
    // Without a key it is told that nobody vouches for it.
    let said = fine(here, &["pull", &format!("file:{unsigned}"), "--to", "site"]);
    assert!(said.contains("it is not signed"), "{said}");
    let said = fine(here, &["pull", &format!("file:{by_other}"), "--to", "site"]);
    assert!(
        said.contains("`--key FILE.pub` says whether by somebody whom you trust"),
        "{said}"
    );
    assert!(here.join("site/stamp.wasm.minisig").is_file());
    // What replaces it takes the signature of the one before with it.
    fine(here, &["pull", &format!("file:{unsigned}"), "--to", "site"]);
    assert!(!here.join("site/stamp.wasm.minisig").exists());
}

#[test]
fn signatures_are_those_of_minisign() {
    if Command::new("minisign").arg("-v").output().is_err() {
        eprintln!("skipped: minisign is not installed");
        return;
    }
    let folder = workshop();
    let here = folder.path();
    let minisign = |arguments: &[&str]| {
        let output = Command::new("minisign")
            .args(arguments)
            .current_dir(here)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&text)
        );
    };
    // Ours by theirs.
    fine(here, &["sign", "stamp.wasm", "--key", "author.key"]);
    minisign(&["-V", "-p", "author.pub", "-m", "stamp.wasm"]);
    // Theirs by our key and by theirs, by us.
    fs::remove_file(here.join("stamp.wasm.minisig")).unwrap();
    minisign(&["-S", "-s", "author.key", "-m", "stamp.wasm"]);
    fine(here, &["verify", "stamp.wasm", "--key", "author.pub"]);
    minisign(&["-G", "-W", "-p", "theirs.pub", "-s", "theirs.key"]);
    minisign(&["-S", "-s", "theirs.key", "-m", "stamp.wasm", "-t", "for the hospital"]);
    let said = fine(here, &["verify", "stamp.wasm", "--key", "theirs.pub"]);
    assert!(said.contains("for the hospital"), "{said}");
    fine(here, &["sign", "stamp.wasm", "--key", "theirs.key"]);
    minisign(&["-V", "-p", "theirs.pub", "-m", "stamp.wasm"]);
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A registry that others made, with this of its configuration, and this of the part `http`; `None`: it is not installed.
fn registry(here: &Path, more: &str, http: &str) -> Option<(Running, SocketAddr)> {
    let unpacked = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tools/registry/usr/bin/docker-registry");
    let mut programs = ["docker-registry".into(), unpacked].into_iter();
    let Some(program) = programs.find(|program| Command::new(program).arg("--version").output().is_ok()) else {
        eprintln!("skipped: there is no docker-registry; `.ci/setup registry` unpacks one");
        return None;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let config = format!(
        "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {:?} }} }}\n\
         {more}http: {{ addr: {address}{http} }}\n",
        here.join("registry")
    );
    fs::write(here.join("registry.yml"), config).unwrap();
    let child = Command::new(program)
        .args(["serve", "registry.yml"])
        .current_dir(here)
        .spawn();
    let running = Running(child.unwrap());
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < until, "docker-registry does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some((running, address))
}

#[test]
fn a_registry_of_others_keeps_plugins() {
    let folder = workshop();
    let here = folder.path();
    let Some((_running, address)) = registry(here, "", "") else {
        return;
    };

    fine(here, &["sign", "stamp.wasm", "--key", "author.key"]);
    let tag = format!("{address}/team/stamp:0.1.0");
    let said = fine(here, &["push", &tag, "stamp.wasm"]);
    let digest = said
        .lines()
        .find_map(|line| line.strip_prefix("artifact "))
        .unwrap()
        .to_owned();
    let pinned = format!("{address}/team/stamp@{digest}");
    for reference in [&tag, &pinned] {
        let site = tempfile::tempdir().unwrap();
        let key = here.join("author.pub").display().to_string();
        fine(site.path(), &["pull", reference, "--key", &key]);
        assert_eq!(
            fs::read(site.path().join("stamp.wasm")).unwrap(),
            fs::read(here.join("stamp.wasm")).unwrap()
        );
    }
    // From the registry into a folder, as for a site without a network, and again.
    fine(here, &["pull", &tag, "--to", "again"]);
    fine(here, &["push", "dir:stick", "again/stamp.wasm"]);
    fine(here, &["pull", "dir:stick", "--to", "site", "--key", "author.pub"]);
    fine(here, &["push", &tag, "stamp.wasm"]);
    let said = refused(here, &["pull", &format!("{address}/team/stamp:9")]);
    assert!(said.contains("there is no team/stamp:9 in the registry"), "{said}");
}

/// As registries usually are: over TLS, by the name of who asks.
#[test]
fn a_registry_is_asked_over_tls_and_told_who_asks() {
    let folder = workshop();
    let here = folder.path();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    // This machine by an address that is not taken for it, because there TLS is not asked for.
    let names = vec!["0.0.0.0".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(here.join("ca.pem"), issuer.pem()).unwrap();
    fs::write(here.join("certificate.pem"), certificate.pem()).unwrap();
    fs::write(here.join("key.pem"), key.serialize_pem()).unwrap();
    // The user `author` with the password `a password`, by bcrypt.
    let user = "author:$2y$05$abcdefghijklmnopqrstuu2sM.EEHj4jPcCa5rwqJGg1PNBllkZXy\n";
    fs::write(here.join("users"), user).unwrap();
    let Some((_running, address)) = registry(
        here,
        "auth: { htpasswd: { realm: plugins, path: users } }\n",
        ", tls: { certificate: certificate.pem, key: key.pem }",
    ) else {
        return;
    };
    let tag = format!("0.0.0.0:{}/team/stamp:0.1.0", address.port());
    let asked = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(here, words);
        command.envs(variables.iter().copied());
        door::said(&mut command)
    };
    let ca = here.join("ca.pem").display().to_string();
    let trusted = ("SSL_CERT_FILE", ca.as_str());
    let user = ("ISOCENTER_REGISTRY_USER", "author");

    let push = ["push", tag.as_str(), "stamp.wasm"];
    let (well, said) = asked(&push, &[]);
    assert!(!well && said.contains("SSL_CERT_FILE"), "{said}");
    let (well, said) = asked(&push, &[trusted]);
    assert!(!well && said.contains("it wants a name and a password"), "{said}");
    let (well, said) = asked(&push, &[trusted, user, ("ISOCENTER_REGISTRY_PASSWORD", "another")]);
    assert!(
        !well && said.contains("the password are not enough") && !said.contains("another"),
        "{said}"
    );
    let all = [trusted, user, ("ISOCENTER_REGISTRY_PASSWORD", "a password")];
    let (well, said) = asked(&push, &all);
    assert!(well, "{said}");
    let (well, said) = asked(&["pull", &tag, "--to", "pulled"], &all);
    assert!(well, "{said}");
    assert_eq!(
        fs::read(here.join("pulled/stamp.wasm")).unwrap(),
        fs::read(here.join("stamp.wasm")).unwrap()
    );
}

#[test]
fn a_key_with_a_passphrase_signs_for_who_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::copy(door::plugin("stamp"), here.join("stamp.wasm")).unwrap();
    let with =
        |words: &[&str], passphrase: &str| door::said(command(here, words).env("ISOCENTER_KEY_PASSPHRASE", passphrase));
    let (well, said) = with(&["keygen", "author"], "a passphrase");
    assert!(well, "{said}");
    let sign = ["sign", "stamp.wasm", "--key", "author.key"];
    let (well, said) = with(&sign, "another");
    assert!(
        !well && said.contains("the secret key author.key cannot be used") && !said.contains("another"),
        "{said}"
    );
    assert!(!here.join("stamp.wasm.minisig").exists());
    let (well, said) = with(&sign, "a passphrase");
    assert!(well, "{said}");
    fine(here, &["verify", "stamp.wasm", "--key", "author.pub"]);
}

#[test]
fn what_goes_wrong_on_the_way_says_what_to_do_next() {
    let folder = workshop();
    let here = folder.path();
    fs::write(here.join("text.wasm"), "text").unwrap();
    fs::copy(door::plugin("test/guest"), here.join("plain.wasm")).unwrap();
    fs::create_dir(here.join("empty")).unwrap();
    fine(here, &["pack", "stamp.wasm", "--to", "stamp.tar"]);
    let mut report = String::new();
    for arguments in [
        &["keygen", "--unprotected", "author"][..],
        &["sign", "--key", "author.key"],
        &["sign", "nothing.wasm", "--key", "author.key"],
        &["sign", "text.wasm", "--key", "author.key"],
        &["sign", "stamp.wasm", "--key", "author.pub"],
        &["sign", "stamp.wasm", "--key", "nobody.key"],
        &["verify", "stamp.wasm"],
        &["verify", "stamp.wasm", "--key", "author.key"],
        &["verify", "stamp.wasm", "--key", "author.pub"],
        &["verify", "stamp.wasm", "--digest", "md5:1"],
        &["pack", "stamp.tar"],
        &["push", "stamp:1", "stamp.wasm"],
        &["pull", "localhost:1/stamp"],
        &["pull", "localhost:1/stamp:1"],
        &["pull", "dir:empty"],
        &["pull", "file:text.wasm"],
        &["pull", "file:nothing.tar"],
        &["inspect", "plain.wasm", "--schema"],
    ] {
        let said = refused(here, arguments);
        let said: String = said
            .lines()
            .next()
            .unwrap_or_default()
            .replace(&here.display().to_string(), "HERE");
        report.push_str(&format!("{}: {said}\n", arguments.join(" ")));
    }
    expect_test::expect![[r#"
        keygen --unprotected author: isocenter: author.key is there already; choose another name, or remove it
        sign --key author.key: isocenter: . is no plugin project: there is no Cargo.toml with a [lib] of crate-type "cdylib"; `isocenter plugin new` makes one
        sign nothing.wasm --key author.key: isocenter: nothing.wasm is not there; `isocenter plugin build` makes a project's component, or name another file
        sign text.wasm --key author.key: isocenter: the plugin `text` does not load: text.wasm is something else, not a WebAssembly component; give the one that `isocenter plugin build` wrote
        sign stamp.wasm --key author.pub: isocenter: author.pub is no secret key of minisign; `isocenter plugin keygen` makes a pair of keys
        sign stamp.wasm --key nobody.key: isocenter: nobody.key: No such file or directory (os error 2); look at the path and its rights
        verify stamp.wasm: error: the following required arguments were not provided:
        verify stamp.wasm --key author.key: isocenter: author.key is a secret key, which is its holder's alone; name the public key, the other file of the pair (*.pub)
        verify stamp.wasm --key author.pub: isocenter: by the key author.pub it is not known to be what its author made: there is no signature of this kind (.minisig); `isocenter plugin sign --key FILE.key` makes one
        verify stamp.wasm --digest md5:1: isocenter: stamp.wasm: `md5` is not a digest that is known here; a digest is written `blake3:` or `sha256:` and 64 hex digits; fetch it again, or ask its author which digest it has
        pack stamp.tar: isocenter: stamp.tar is a packed plugin already; `isocenter plugin push` takes it as it is
        push stamp:1 stamp.wasm: error: invalid value 'stamp:1' for '<WHERE>': `stamp:1` names no registry; write HOST[:PORT]/NAME:TAG or HOST[:PORT]/NAME@sha256:…, dir:FOLDER[#NAME:TAG], or file:FILE
        pull localhost:1/stamp: isocenter: `localhost:1/stamp` does not say which version; write HOST[:PORT]/NAME:TAG or HOST[:PORT]/NAME@sha256:…, dir:FOLDER[#NAME:TAG], or file:FILE
        pull localhost:1/stamp:1: isocenter: the registry localhost:1 cannot be reached: io: Connection refused (os error 111). Check its name and port; a proxy is taken from HTTPS_PROXY, and a certificate authority of your own from SSL_CERT_FILE
        pull dir:empty: isocenter: empty is no packed plugin: there is no index.json in it; name a file that `isocenter plugin pack` wrote, or a folder that holds packed plugins or nothing
        pull file:text.wasm: isocenter: text.wasm is no packed plugin: it is no tar archive (failed to read entire block); name a file that `isocenter plugin pack` wrote, or a folder that holds packed plugins or nothing
        pull file:nothing.tar: isocenter: nothing.tar: No such file or directory (os error 2); look at the path and its rights
        inspect plain.wasm --schema: isocenter: plain.wasm has no schema of its configuration; derive `schemars::JsonSchema` beside `Deserialize`, add schemars to the dependencies, and build again
    "#]].assert_eq(&report);
}
