//! Settings: the types of single values, each parsed once from its text.
//!
//! They stand apart from the sections because the same parse serves the file and the environment, and because every
//! message "must be …" is said here, once per type.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use isocenter_dimse::AeTitle;
use toml::de::DeValue;

use super::{Duplicates, OnFailure, UnknownCallers};

/// A type that a value of the configuration can have.
pub(super) trait Setting: Sized {
    /// What a value must be, to follow "must be".
    const WANTED: &'static str;

    /// The value, if `text` is one.
    fn parse(text: &str) -> Option<Self>;

    /// The value, if this TOML value is one; by default a string that parses.
    fn of(value: &DeValue<'_>) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

impl Setting for bool {
    const WANTED: &'static str = "true or false";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn of(value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
}

impl Setting for u32 {
    const WANTED: &'static str = "a whole number";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn of(value: &DeValue<'_>) -> Option<Self> {
        let number = value.as_integer()?;
        u32::from_str_radix(number.as_str(), number.radix()).ok()
    }
}

impl Setting for String {
    const WANTED: &'static str = "a text";

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// A part of a whole, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Ratio {
    /// All of it.
    pub const WHOLE: Self = Self(1.0);

    /// 0 to 1.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Setting for Ratio {
    const WANTED: &'static str = "a number from 0 to 1";

    fn parse(text: &str) -> Option<Self> {
        let number: f64 = text.parse().ok()?;
        (0.0..=1.0).contains(&number).then_some(Self(number))
    }

    fn of(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::Integer(number) if number.radix() == 10 => Self::parse(number.as_str()),
            DeValue::Float(number) => Self::parse(number.as_str()),
            _ => None,
        }
    }
}

/// The digest that a file must have: `blake3:` or `sha256:` and 64 hexadecimal digits. The default is none that a file has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    /// With its prefix, the digits in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for Digest {
    const WANTED: &'static str = "\"blake3:\" or \"sha256:\" followed by 64 hexadecimal digits";

    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("blake3:").or_else(|| text.strip_prefix("sha256:"))?;
        let right = digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit());
        right.then(|| Self(text.to_ascii_lowercase()))
    }
}

/// One text or a list of texts.
impl Setting for Vec<String> {
    const WANTED: &'static str = "a text or a list of texts";

    fn parse(text: &str) -> Option<Self> {
        Some(vec![text.to_owned()])
    }

    fn of(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::String(text) => Some(vec![text.to_string()]),
            DeValue::Array(items) => items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect(),
            _ => None,
        }
    }
}

impl Setting for SocketAddr {
    const WANTED: &'static str = "an IP address with a port, such as \"127.0.0.1:11112\"";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for Duplicates {
    const WANTED: &'static str = "\"keep-first\", \"replace\" or \"keep-both\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "keep-first" => Some(Self::KeepFirst),
            "replace" => Some(Self::Replace),
            "keep-both" => Some(Self::KeepBoth),
            _ => None,
        }
    }
}

impl Setting for OnFailure {
    const WANTED: &'static str = "\"quarantine\" or \"refuse\"";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "quarantine" => Some(Self::Quarantine),
            "refuse" => Some(Self::Refuse),
            _ => None,
        }
    }
}

impl UnknownCallers {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Accept => "accept",
            Self::Refuse => "refuse",
        }
    }
}

impl Setting for UnknownCallers {
    const WANTED: &'static str = "\"local\", \"accept\" or \"refuse\"";

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Local, Self::Accept, Self::Refuse];
        all.into_iter().find(|known| known.as_str() == text)
    }
}

/// A duration above zero and of at most a year.
impl Setting for Duration {
    const WANTED: &'static str =
        "a duration above zero with a unit (ms, s, min, h or d), such as \"500 ms\" or \"2 s\"";

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let total = number.checked_mul(milliseconds)?;
        (1..=365 * 86_400_000)
            .contains(&total)
            .then(|| Duration::from_millis(total))
    }
}

/// An amount of bytes above zero, written "128 MiB".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// So many times 1,048,576 bytes.
    pub const fn mebibytes(count: u32) -> Self {
        Self(count as u64 * 1_048_576)
    }

    /// As a number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut number, mut unit) = (self.0, "B");
        for larger in ["KiB", "MiB", "GiB"] {
            if number % 1024 != 0 {
                break;
            }
            (number, unit) = (number / 1024, larger);
        }
        write!(f, "{number} {unit}")
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Setting for ByteSize {
    const WANTED: &'static str = "a size above zero with a unit (B, KiB, MiB, GiB; KB, MB, GB), such as \"128 MiB\"";

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let factor = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return None,
        };
        number.checked_mul(factor).filter(|bytes| *bytes > 0).map(Self)
    }
}

/// "500 ms" → (500, "ms"); spaces between are optional.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

/// An application entity's title (PS3.5 §6.2, VR AE).
impl Setting for AeTitle {
    const WANTED: &'static str = "an AE title: 1 to 16 printable ASCII characters without a backslash";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

/// A host and a port to connect to: `10.0.0.7:104`, `[fd00::7]:104` or `pacs.example:104`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    host: String,
    port: u16,
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }
}

impl FromStr for PeerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| format!("must be {}", Self::WANTED))
    }
}

impl PeerAddress {
    /// Where a program of this machine reaches a service that listens there; `None` when the port is any free one.
    pub fn reaching(listen: SocketAddr) -> Option<Self> {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        (listen.port() != 0).then(|| SocketAddr::new(ip, listen.port()).into())
    }

    /// An IP address without brackets, or a name to resolve.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// 1 to 65535.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Setting for PeerAddress {
    const WANTED: &'static str =
        "a host and a port, such as \"10.0.0.7:104\", \"[fd00::7]:104\" or \"pacs.example:104\"";

    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.parse::<SocketAddr>() {
            Ok(address) => (address.ip().to_string(), address.port()),
            Err(_) => {
                let (host, port) = text.rsplit_once(':')?;
                let is_name = !host.is_empty()
                    && host.len() <= 253
                    && host
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
                (is_name.then(|| host.to_owned())?, port.parse().ok()?)
            }
        };
        (port > 0).then_some(Self { host, port })
    }
}

/// An absolute `http` or `https` URL without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// As written, without the slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for HttpUrl {
    const WANTED: &'static str = "an http or https URL, such as \"https://pacs.example\"";

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
        let has_host = rest
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '[');
        let printable = rest.chars().all(|c| c.is_ascii_graphic());
        (has_host && printable).then(|| Self(text.trim_end_matches('/').to_owned()))
    }
}

/// Where a collector of traces is: plain HTTP, with its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorUrl {
    address: PeerAddress,
    path: String,
}

impl CollectorUrl {
    /// Its host and port, resolved whenever traces are sent.
    pub fn address(&self) -> &PeerAddress {
        &self.address
    }

    /// The path that traces are sent to.
    pub fn path(&self) -> String {
        format!("{}/v1/traces", self.path)
    }
}

impl fmt::Display for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.address, self.path)
    }
}

impl Setting for CollectorUrl {
    const WANTED: &'static str = "the http URL of a collector with its port, such as \"http://127.0.0.1:4318\"";

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("http://")?;
        let (address, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix("/v1/traces").unwrap_or(path);
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        path.chars().all(plain).then_some(Self {
            address: PeerAddress::parse(address)?,
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
