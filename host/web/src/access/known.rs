//! Callers who were named a moment ago: what an authenticator said may be used again until it expires.
//!
//! Kept under a keyed hash of all that the authenticators were shown, header lines and address: whoever shows anything
//! else is asked about anew, and no credential stays in memory. Forgotten as a whole when a reload exchanges the set.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use isocenter_pipeline::Set;
use isocenter_role::{Credentials, Identity};

use crate::random;

/// Callers kept at most.
const MOST: usize = 4096;
/// How long an answer is used at most, so that one who is locked out does not stay for hours.
const LONGEST: Duration = Duration::from_secs(300);

/// What somebody showed, unreadable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shown([u8; 32]);

struct Entry {
    who: Arc<Identity>,
    until: SystemTime,
    used: u64,
}

#[derive(Default)]
struct Entries {
    /// The set whose authenticators said so.
    set: Weak<Set>,
    of: HashMap<Shown, Entry>,
    uses: u64,
}

/// Callers who were named a moment ago.
pub(crate) struct Known {
    key: [u8; 32],
    entries: Mutex<Entries>,
}

impl Known {
    pub(crate) fn new() -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("isocenter 2026-11 callers who are known");
        for _ in 0..4 {
            hasher.update(random::token().as_bytes());
        }
        Self {
            key: *hasher.finalize().as_bytes(),
            entries: Mutex::default(),
        }
    }

    /// What `credentials` are kept under.
    pub(super) fn shown(&self, credentials: &Credentials) -> Shown {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        let mut part = |bytes: &[u8]| {
            // With its length, so that two parts are never taken for two others.
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for (name, value) in &credentials.headers {
            part(name.as_bytes());
            part(value.as_bytes());
        }
        part(
            credentials
                .peer
                .map(|peer| peer.to_string())
                .unwrap_or_default()
                .as_bytes(),
        );
        part(
            credentials
                .certificate_subject
                .as_deref()
                .unwrap_or_default()
                .as_bytes(),
        );
        Shown(*hasher.finalize().as_bytes())
    }

    /// Who it is, if they were named and that has not expired.
    pub(super) fn find(&self, set: &Arc<Set>, shown: Shown, now: SystemTime) -> Option<Arc<Identity>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::ptr::eq(entries.set.as_ptr(), Arc::as_ptr(set)) {
            return None;
        }
        entries.uses += 1;
        let uses = entries.uses;
        let entry = entries.of.get_mut(&shown)?;
        entry.used = uses;
        (now < entry.until).then(|| Arc::clone(&entry.who))
    }

    /// Keeps who it is until that expires.
    pub(super) fn keep(&self, set: &Arc<Set>, shown: Shown, who: &Arc<Identity>, now: SystemTime) {
        let Some(expires) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(who.expires)) else {
            return;
        };
        let until = expires.min(now + LONGEST);
        if until <= now {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::ptr::eq(entries.set.as_ptr(), Arc::as_ptr(set)) {
            entries.of.clear();
            entries.set = Arc::downgrade(set);
        }
        if entries.of.len() >= MOST {
            entries.make_room(now);
        }
        entries.uses += 1;
        let used = entries.uses;
        let who = Arc::clone(who);
        entries.of.insert(shown, Entry { who, until, used });
    }
}

impl Entries {
    /// Forgets what expired; if that is not enough, the quarter that was not used for longest.
    fn make_room(&mut self, now: SystemTime) {
        self.of.retain(|_, entry| now < entry.until);
        if self.of.len() < MOST {
            return;
        }
        let mut uses: Vec<u64> = self.of.values().map(|entry| entry.used).collect();
        uses.sort_unstable();
        let oldest = uses.get(MOST / 4).copied().unwrap_or(u64::MAX);
        self.of.retain(|_, entry| entry.used > oldest);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use isocenter_pipeline::Set;
    use isocenter_role::{Credentials, Identity};

    use super::{Known, LONGEST, MOST};

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn until(expires: u64) -> Arc<Identity> {
        Arc::new(Identity {
            subject: "ann".to_owned(),
            expires,
            ..Identity::default()
        })
    }

    fn token(text: &str) -> Credentials {
        Credentials {
            headers: vec![("authorization".to_owned(), text.to_owned())],
            ..Credentials::default()
        }
    }

    #[test]
    fn an_answer_is_used_until_it_expires_and_never_for_long() {
        let (known, set) = (Known::new(), Arc::new(Set::default()));
        let shown = known.shown(&token("Bearer a"));
        assert!(known.find(&set, shown, at(1000)).is_none());
        known.keep(&set, shown, &until(1010), at(1000));
        assert!(known.find(&set, shown, at(1009)).is_some());
        assert!(known.find(&set, shown, at(1010)).is_none());
        known.keep(&set, shown, &until(u64::MAX / 4), at(2000));
        assert!(known.find(&set, shown, at(2000) + LONGEST).is_none());
        known.keep(&set, shown, &until(0), at(3000));
        assert!(known.find(&set, shown, at(3000)).is_none());
    }

    #[test]
    fn whoever_shows_anything_else_is_not_known() {
        let known = Known::new();
        let mine = known.shown(&token("Bearer a"));
        assert!(mine == known.shown(&token("Bearer a")));
        assert!(mine != known.shown(&token("Bearer b")));
        let elsewhere = Credentials {
            peer: Some(std::net::IpAddr::from([10, 0, 0, 1])),
            ..token("Bearer a")
        };
        assert!(mine != known.shown(&elsewhere));
        assert!(mine != Known::new().shown(&token("Bearer a")));
    }

    #[test]
    fn another_set_knows_nobody() {
        let (known, set) = (Known::new(), Arc::new(Set::default()));
        let shown = known.shown(&token("Bearer a"));
        known.keep(&set, shown, &until(1010), at(1000));
        let other = Arc::new(Set::default());
        assert!(known.find(&other, shown, at(1001)).is_none());
        known.keep(&other, known.shown(&token("x")), &until(1010), at(1000));
        assert!(known.find(&other, shown, at(1001)).is_none());
    }

    #[test]
    fn the_number_of_callers_is_bounded() {
        let (known, set) = (Known::new(), Arc::new(Set::default()));
        for number in 0..2 * MOST {
            let shown = known.shown(&token(&number.to_string()));
            known.keep(&set, shown, &until(1010), at(1000));
        }
        assert!(known.entries.lock().unwrap().of.len() <= MOST);
        let last = known.shown(&token(&(2 * MOST - 1).to_string()));
        assert!(known.find(&set, last, at(1001)).is_some());
    }
}
