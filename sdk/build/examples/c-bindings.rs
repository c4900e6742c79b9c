//! `c-bindings WIT WORLD FOLDER`: what a plugin in C is compiled with, made from the contract.
//!
//! An example, so that only who builds plugins in C compiles the generator.
#![allow(missing_docs, clippy::allow_attributes, reason = "an example has no interface")]

use std::path::Path;
use std::process::ExitCode;

use wit_bindgen_c::{Enabled, Opts};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [wit, world, folder] = arguments.as_slice() else {
        eprintln!("usage: c-bindings WIT WORLD FOLDER");
        return ExitCode::from(2);
    };
    match write(Path::new(wit), world, Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{wit}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes WORLD.h, WORLD.c and an object file with the type of the component.
fn write(wit: &Path, world: &str, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let options = Opts {
        // Exports drop what they borrowed when they return; the host traps a call that keeps a borrowed handle.
        autodrop_borrows: Enabled::Yes,
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    for (name, content) in files.iter() {
        std::fs::write(folder.join(name), content)?;
    }
    Ok(())
}
