//! What the operator allows: origins, each with an optional path prefix, and how a URL is compared with them.
//!
//! Separate because it is pure: text against text, before any name is resolved.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::address;

/// The hosts that a plugin may talk to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    entries: Vec<Entry>,
}

/// An entry of a grant that says nothing that could be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` cannot be granted: {problem}")]
pub struct GrantError {
    /// The entry, without the user name, password or query that it may have.
    pub entry: String,
    /// What was wrong, and what would be right.
    pub problem: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    origin: Origin,
    /// Without the slash at its end; empty for every path.
    prefix: String,
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn text(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl Origin {
    /// The origin of a URL; `None` if it is not of HTTP.
    pub(crate) fn of(url: &Url) -> Option<Origin> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        Some(Origin {
            scheme,
            host: url.host()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// As the header Host has it: the port only where it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The same place, by address.
    pub(crate) fn at(&self, address: IpAddr) -> Origin {
        let host = match address {
            IpAddr::V4(address) => Host::Ipv4(address),
            IpAddr::V6(address) => Host::Ipv6(address),
        };
        Origin { host, ..self.clone() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.text(), self.authority())
    }
}

impl Grant {
    /// Reads the entries of a grant: `https://api.example.org`, `https://api.example.org:8443/prefix`,
    /// `http://10.0.0.5:8080`. Scheme, host and port must be equal; a prefix covers itself and what is below it.
    ///
    /// A host is one host: there are no wildcards, because a plugin could put data into the name that it asks for. An
    /// address that is not public must be named as such; a name that leads to it is then granted by a second entry:
    /// `["https://worklist.hospital.example", "https://10.0.0.5"]`. So `localhost` cannot be granted, `127.0.0.1` can.
    ///
    /// # Errors
    /// [`GrantError`] for the first entry that is not of this form.
    pub fn parse(entries: &[String]) -> Result<Grant, GrantError> {
        let entries = entries
            .iter()
            .map(|text| {
                entry(text).map_err(|problem| GrantError {
                    entry: shown(text),
                    problem,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Grant { entries })
    }

    /// Whether a request may be made, as far as its URL tells. Answers why not.
    pub(crate) fn judge(&self, origin: &Origin, path: &str) -> Result<(), String> {
        let mut prefixes = self
            .entries
            .iter()
            .filter(|entry| entry.origin == *origin)
            .map(|entry| entry.prefix.as_str())
            .peekable();
        if prefixes.peek().is_none() {
            return Err(format!(
                "its grant does not name {origin} (grant = {{ http = [\"{origin}\"] }})"
            ));
        }
        let granted: Vec<&str> = prefixes.collect();
        if granted.iter().any(|prefix| covers(prefix, path)) {
            return Ok(());
        }
        Err(format!(
            "its grant names {origin} only below {}, and the path is not plainly there",
            granted.join(" and ")
        ))
    }

    /// Whether a request that is granted by name may go to this address. Answers why not.
    pub(crate) fn judge_address(&self, origin: &Origin, path: &str, address: IpAddr) -> Result<(), String> {
        match address::reason(address) {
            None => Ok(()),
            Some(reason) => self.by_address(origin, path, address, reason),
        }
    }

    /// Allows an address, which is not fit for a reason, only where the grant would allow the same request to it.
    pub(crate) fn by_address(&self, origin: &Origin, path: &str, address: IpAddr, reason: &str) -> Result<(), String> {
        let by_address = origin.at(address);
        if address::not_a_host(address).is_none() && self.judge(&by_address, path).is_ok() {
            return Ok(());
        }
        Err(format!(
            "{} leads to {address}, {reason}, and its grant does not name {by_address} for this path",
            origin.host
        ))
    }
}

fn entry(text: &str) -> Result<Entry, String> {
    let form = "write https://HOST, https://HOST:PORT or https://HOST/PREFIX";
    if !text.contains("://") {
        return Err(format!("it has no scheme; {form}"));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("it contains a space or a control character; {form}"));
    }
    let url = Url::parse(text).map_err(|error| format!("{error}; {form}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "it contains a user name or password; {form}, and let the plugin send a secret as a header"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("a query or fragment is not part of a grant; {form}"));
    }
    let origin = Origin::of(&url).ok_or_else(|| format!("only http:// and https:// can be granted; {form}"))?;
    if origin.port == 0 {
        return Err("there is no port 0".into());
    }
    match &origin.host {
        Host::Domain(name) => named(&origin, name)?,
        Host::Ipv4(address) => addressed((*address).into())?,
        Host::Ipv6(address) => addressed((*address).into())?,
    }
    let path = url.path();
    let written = text
        .split_once("://")
        .and_then(|(_, rest)| rest.find(['/', '\\']).and_then(|start| rest.get(start..)))
        .unwrap_or("/");
    if written != path {
        return Err(format!("a prefix must be written in its normal form, {path}"));
    }
    let prefix = path.strip_suffix('/').unwrap_or(path);
    if !plain(prefix) || prefix.contains("//") || prefix.ends_with('/') {
        return Err("a prefix must be plain: no encoded characters, no empty parts".into());
    }
    Ok(Entry {
        origin,
        prefix: prefix.to_owned(),
    })
}

fn named(origin: &Origin, name: &str) -> Result<(), String> {
    if name.contains('*') {
        return Err("there are no wildcards; name each host".into());
    }
    if name == "localhost" || name.ends_with(".localhost") {
        let address = origin.at(IpAddr::from([127, 0, 0, 1]));
        return Err(format!("this machine must be named by its address, {address}"));
    }
    if name.ends_with('.') {
        return Err("write the host without the dot at its end".into());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err("its host is neither a host name nor an address".into());
    }
    Ok(())
}

fn addressed(address: IpAddr) -> Result<(), String> {
    match address::not_a_host(address) {
        Some(why) => Err(format!("{address} cannot be asked: {why}")),
        None => Ok(()),
    }
}

/// Whether a path, as the URL parser left it (no `.` or `..` as a whole part), is at or below a prefix.
fn covers(prefix: &str, path: &str) -> bool {
    if prefix.is_empty() {
        return true;
    }
    let below = path
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    below && plain(path)
}

/// Whether every server will read the path in the same way. Encoded slashes, dots, semicolons and percent signs, what is
/// not ASCII, and parts like `..;x` are read differently by different servers, and some would climb out of a prefix.
fn plain(path: &str) -> bool {
    path.split('/').all(|part| {
        let name = part.split(';').next().unwrap_or_default();
        name != "." && name != ".." && !part.contains('\\') && part.split('%').skip(1).all(harmless)
    })
}

/// Whether what follows a percent sign encodes a character that means nothing in a path.
fn harmless(encoded: &str) -> bool {
    let byte = encoded
        .get(..2)
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
    byte.is_some_and(|byte| (b' '..=b'~').contains(&byte) && !b"/\\.;%".contains(&byte))
}

/// An entry as an error may show it.
fn shown(text: &str) -> String {
    let text: String = text
        .chars()
        .take_while(|c| *c != '?' && *c != '#')
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text.as_str()),
    };
    let end = rest.find(['/', '\\']).unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}…{}", rest.get(at..).unwrap_or_default()),
        None => format!("{scheme}{rest}"),
    }
}

#[cfg(test)]
mod tests;
