//! A gate that admits known senders from their own addresses, and in their hours.

use std::net::IpAddr;

use isocenter::{Admission, Association, Error, Gate, Identity, Rejection, Result, host};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where the hours are meant, as `Europe/Berlin`: summer time is known.
    zone: String,
    peers: Vec<Peer>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Peer {
    calling_ae: String,
    /// `10.0.0.7` or `10.0.0.0/24`.
    addresses: Vec<String>,
    /// Without any: always.
    #[serde(default)]
    hours: Vec<Hours>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Hours {
    /// `mon`, `tue` and so on: when they begin.
    days: Vec<String>,
    /// `22:00`
    from: String,
    /// `06:00`: that of the next day where it is not after `from`.
    to: String,
}

struct Door;

impl Gate for Door {
    type Config = Config;

    fn check(config: &Config) -> Result<()> {
        let now = local(config)?;
        for peer in &config.peers {
            if peer.addresses.is_empty() {
                return Err(Error::never(format!("{} has no addresses", peer.calling_ae)));
            }
            peer.addresses
                .iter()
                .try_for_each(|address| network(address).map(|_| ()))?;
            peer.hours
                .iter()
                .try_for_each(|hours| hours.include(&now).map(|_| ()))?;
        }
        Ok(())
    }

    fn admit(association: &Association<'_>, config: &Config) -> Result<Admission> {
        let (calling, now) = (association.calling_ae(), local(config)?);
        let from: IpAddr = association.peer().parse()?;
        let mut known = false;
        for peer in config.peers.iter().filter(|peer| peer.calling_ae == calling) {
            if !peer
                .addresses
                .iter()
                .any(|address| network(address).is_ok_and(|network| within(from, network)))
            {
                continue;
            }
            known = true;
            let mut open = peer.hours.is_empty();
            for hours in &peer.hours {
                open |= hours.include(&now)?;
            }
            if open {
                return Ok(Admission::Admit(Identity::new(calling, "hours")));
            }
        }
        // Who is unknown and who comes from elsewhere are told the same. Out of hours a modality keeps its images and
        // comes again, as after congestion.
        Ok(Admission::Reject(if known {
            Rejection::NotNow
        } else {
            Rejection::CallingAeUnknown
        }))
    }
}

fn local(config: &Config) -> Result<Zoned> {
    let zone = TimeZone::get(&config.zone)?;
    let now = i64::try_from(host::unix_millis())?;
    Ok(Timestamp::from_millisecond(now)?.to_zoned(zone))
}

impl Hours {
    /// What begins in the evening belongs to the day on which it began.
    fn include(&self, now: &Zoned) -> Result<bool> {
        let (from, to): (Time, Time) = (self.from.parse()?, self.to.parse()?);
        let days = self.days.iter().map(|day| weekday(day)).collect::<Result<Vec<_>>>()?;
        let (today, yesterday) = (days.contains(&now.weekday()), days.contains(&now.weekday().previous()));
        let time = now.time();
        Ok(match from < to {
            true => today && from <= time && time < to,
            false => (today && from <= time) || (yesterday && time < to),
        })
    }
}

fn weekday(name: &str) -> Result<Weekday> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut named = NAMES.into_iter().zip(Weekday::Monday.cycle_forward());
    let day = named.find(|(known, _)| *known == name);
    day.map(|(_, day)| day)
        .ok_or_else(|| Error::never(format!("`{name}` is no day; there are {}", NAMES.join(", "))))
}

/// An address and how many of its bits count.
fn network(text: &str) -> Result<(IpAddr, u32)> {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address
        .parse()
        .map_err(|_| Error::never(format!("`{text}` is no address")))?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Ok(all), str::parse).ok().filter(|bits| *bits <= all);
    bits.map(|bits| (address, bits))
        .ok_or_else(|| Error::never(format!("`{text}` has a length that is none")))
}

fn within(address: IpAddr, (network, bits): (IpAddr, u32)) -> bool {
    let numbers = match (address.to_canonical(), network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (address.to_bits().into(), network.to_bits().into(), 32),
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let (address, network, all): (u128, u128, u32) = numbers;
    (address ^ network).checked_shr(all - bits).unwrap_or(0) == 0
}

isocenter::plugin!(Door: gate);

#[cfg(test)]
mod tests;
