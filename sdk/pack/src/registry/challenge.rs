//! `WWW-Authenticate`: how a registry wants to be told who asks (RFC 9110 §11, RFC 6750, and the token protocol of the
//! distribution specification).

use std::collections::BTreeMap;

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token from somebody else.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// Of one header line.
    pub(crate) fn parse(line: &str) -> Option<Challenge> {
        let (scheme, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut said = parameters(rest);
        Some(Challenge::Bearer {
            realm: said.remove("realm")?,
            service: said.remove("service"),
            scope: said.remove("scope"),
        })
    }
}

/// `key="value", key=value`, keys in lower case.
fn parameters(mut rest: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => until_quote(quoted),
            None => {
                let (value, next) = after.split_once(',').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        found.insert(key, value);
        rest = next;
    }
    found
}

/// A quoted text without its escapes, and what follows it.
fn until_quote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    (value, chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.map(Into::into),
                scope: scope.map(Into::into),
            })
        };
        for (line, expected) in [
            ("Basic realm=\"Registry\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://auth.example/token\",service=\"a, \\\"b\\\"\",scope=\"repository:x:pull,push\"",
                bearer(
                    "https://auth.example/token",
                    Some("a, \"b\""),
                    Some("repository:x:pull,push"),
                ),
            ),
            (
                "Bearer Realm=https://a.example/t , service=s",
                bearer("https://a.example/t", Some("s"), None),
            ),
            ("Bearer service=\"s\"", None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(Challenge::parse(line), expected, "{line}");
        }
    }
}
