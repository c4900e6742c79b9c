//! The parts of `host/CONFORMANCE.md` about what this crate knows: storage classes, and the ciphers of TLS.

use isocenter_contract::{page_says, repository, table};

use crate::{sop, tls};

fn says(part: &str, content: &str) {
    if let Err(difference) = page_says(repository().join("host/CONFORMANCE.md"), part, content) {
        panic!("{difference}");
    }
}

#[test]
fn storage_classes() {
    let rows: Vec<Vec<String>> = sop::storage_classes()
        .map(|(uid, name)| vec![name.to_owned(), uid])
        .collect();
    says("table: classes", &table(&["SOP class", "UID"], &rows));
}

#[test]
fn cipher_suites() {
    let rows: Vec<Vec<String>> = tls::provider()
        .cipher_suites
        .iter()
        .map(|suite| vec![format!("{:?}", suite.suite()), format!("{:?}", suite.version().version)])
        .collect();
    says("table: ciphers", &table(&["cipher suite", "of"], &rows));
}
