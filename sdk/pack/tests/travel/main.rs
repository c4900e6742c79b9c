//! Plugins that travel: through files, folders and a registry, whole and damaged, to whom one trusts and to others.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

mod files;
mod registry;
mod server;

use isocenter_pack::{About, Packed};

/// A component with a signature; neither is looked at here.
fn plugin() -> Packed {
    Packed {
        about: About {
            name: "edge".into(),
            version: "0.1.0".into(),
            description: "Refuses bright edges".into(),
            license: "MIT".into(),
        },
        component: b"\0asm\x0d\0\x01\0 and more".to_vec(),
        signatures: [("minisig".to_owned(), "untrusted comment: x\n".to_owned())].into(),
    }
}
