//! The `Warning` header of PS3.18 §8.3.4: `299 isocenter "sentence"`, for what was left out of an answer.

use axum::http::HeaderValue;

/// Characters of a sentence; longer ones are cut.
const LONGEST: usize = 500;

/// The header's value. What a quoted string cannot hold is left out.
pub(crate) fn value(sentence: &str) -> HeaderValue {
    let sentence: String = sentence
        .chars()
        .filter(|character| matches!(character, ' '..='~') && !matches!(character, '"' | '\\'))
        .take(LONGEST)
        .collect();
    HeaderValue::from_str(&format!("299 isocenter \"{sentence}\"")).unwrap_or(HeaderValue::from_static("299 isocenter"))
}
