//! Turns the core module that rustc makes of a plugin into a component.
//!
//! Separate from the SDK because it runs on the developer's machine, in process, so that building a plugin needs no
//! tool beside cargo. The contract travels inside the module, in custom sections that the SDK's bindings wrote.

use wit_component::ComponentEncoder;

/// Why a module does not become a component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It is no core module.
    #[error("this is no core WebAssembly module; build the plugin with --target wasm32-unknown-unknown")]
    NotAModule,
    /// It is one already.
    #[error("this is a component already")]
    AlreadyAComponent,
    /// The module and the contract in it do not fit.
    #[error("the module does not become a component: {0}")]
    Encode(String),
}

/// Makes the component: adapts the module to the contract that it carries, and validates the result.
///
/// # Errors
/// When this is no core module, or it does not fit the contract.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    match module {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {}
        [0, b'a', b's', b'm', 0x0D, 0, 1, 0, ..] => return Err(BuildError::AlreadyAComponent),
        _ => return Err(BuildError::NotAModule),
    }
    let encode = |error| BuildError::Encode(format!("{error:#}"));
    ComponentEncoder::default()
        .module(module)
        .map_err(encode)?
        .validate(true)
        .encode()
        .map_err(encode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_named() {
        for (bytes, expected) in [
            (
                &b""[..],
                "this is no core WebAssembly module; build the plugin with --target wasm32-unknown-unknown",
            ),
            (
                b"\x7fELF",
                "this is no core WebAssembly module; build the plugin with --target wasm32-unknown-unknown",
            ),
            (b"\0asm\x0d\0\x01\0", "this is a component already"),
        ] {
            assert_eq!(componentize(bytes).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_module_without_a_contract_is_an_empty_component() {
        assert!(componentize(b"\0asm\x01\0\0\0").is_ok());
    }
}
