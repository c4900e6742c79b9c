//! The page's only style sheet and the policy that lets it, and nothing else, in.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::PreEscaped;
use sha2::{Digest, Sha256};

const SHEET: &str = include_str!("style.css");

/// The style sheet; it holds nothing that would need escaping.
pub(super) fn sheet() -> PreEscaped<&'static str> {
    PreEscaped(SHEET)
}

/// The Content-Security-Policy of the page: its style sheet by digest, its form to itself, and no more.
pub(super) fn policy() -> HeaderValue {
    static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
        let digest = STANDARD.encode(Sha256::digest(SHEET));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        HeaderValue::from_str(&policy).ok()
    });
    // Base64 is always a header value; without it the page would merely be plain.
    POLICY.clone().unwrap_or(HeaderValue::from_static(
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    ))
}
