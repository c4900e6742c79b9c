//! `isocenter plugin keygen|sign|verify|pack|push|pull`: how a component gets from its author to a host.

use std::path::{Path, PathBuf};

use isocenter_tool::{Passphrase, Project, Pulled, ToolError, keygen, pack, pull, push, sign, verify};

use crate::cli::{Author, Made};

/// Opens a secret key where nobody sits at a terminal.
const PASSPHRASE: &str = "ISOCENTER_KEY_PASSPHRASE";

pub(super) fn answer(ask: &Author) -> Result<(), ToolError> {
    match ask {
        Author::Keygen { name, unprotected } => {
            let passphrase = if *unprotected {
                Passphrase::Without
            } else {
                passphrase()
            };
            let (secret, public) = keygen(name, passphrase)?;
            println!("{}: keep it to yourself, and a copy in a safe place", secret.display());
            println!("{}: who runs a host puts it there, as `public-key`", public.display());
        }
        Author::Sign { what, key } => {
            let component = component(what)?;
            println!("{}", sign(&component, key, passphrase())?.display());
        }
        Author::Verify { what, key, digest } => {
            for line in verify(&component(what)?, key, digest)? {
                println!("{line}");
            }
        }
        Author::Pack { what, to } => {
            let (path, digest) = pack(&component(what)?, to.as_deref())?;
            println!("{}\nartifact {digest}", path.display());
        }
        Author::Push { to, what, plain_http } => {
            let digest = push(&component(what)?, to, *plain_http)?;
            println!("{to}\nartifact {digest}");
        }
        Author::Pull {
            from,
            to,
            key,
            plain_http,
        } => configure(&pull(from, to, key, *plain_http)?, key),
        _ => {}
    }
    Ok(())
}

fn passphrase() -> Passphrase {
    std::env::var(PASSPHRASE).map_or(Passphrase::Ask, Passphrase::Given)
}

/// The file that is meant. A project is not built for it: what travels is what was tested.
fn component(what: &Made) -> Result<PathBuf, ToolError> {
    match &what.component {
        Some(path) => Ok(path.clone()),
        None => Ok(Project::open(&what.project.project)?.component()),
    }
}

/// What was fetched, in the lines of a configuration.
fn configure(pulled: &Pulled, keys: &[PathBuf]) {
    let text = |path: &Path| format!("{:?}", std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    println!("{} {}", pulled.about.name, pulled.about.version);
    for line in &pulled.signed {
        println!("{line}");
    }
    if pulled.signed.is_empty() {
        println!(
            "{}",
            if pulled.signatures {
                "it is signed; `--key FILE.pub` says whether by somebody whom you trust"
            } else {
                "it is not signed: only its digest says that it is what was sent"
            }
        );
    }
    println!("\n[plugins.{}]", pulled.about.name);
    println!("source = {}", text(&pulled.component));
    println!("digest = \"blake3:{}\"", pulled.digest);
    if let Some(key) = keys.first() {
        println!("public-key = {}", text(key));
    }
    println!(
        "# `isocenter plugin inspect {}` says which grant it needs",
        pulled.component.display()
    );
}
