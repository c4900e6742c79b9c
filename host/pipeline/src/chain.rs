//! Chains: which plugins an object passes, in which order, and what their failure means.
//!
//! Pure: a chain is matched against a header and a source, and says nothing about how its plugins run.
//!
//! **The rule for several chains.** Chains are tried in the order of the configuration, each against the object *as it
//! was received*; every chain that matches takes part. Their ingest filters run one after the other in that order, and
//! their routers likewise. A filter that drops, refuses or quarantines ends the passage at once.

use std::sync::Arc;
use std::time::Duration;

use isocenter_archive::index::Source;
use isocenter_dicom::Tag;
use isocenter_dicom::header::Header;
use isocenter_role::{Analyzer, Filter, Router, StudyRouter};

/// What happens to an object when one of a chain's ingest filters fails for good (trap, limit, `retry: never`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The original is held, unedited and unrouted, for a person; the sender is answered success.
    #[default]
    Quarantine,
    /// Nothing is stored; the sender is answered a failure.
    Refuse,
}

/// Ordered plugins with a condition, as configured.
#[derive(Clone)]
pub struct Chain {
    /// Its name in logs and on the page.
    pub name: String,
    /// Which objects it is for.
    pub when: Condition,
    /// Filters that an arriving object passes, in order.
    pub ingest: Vec<Arc<dyn Filter>>,
    /// Routers that are asked once the object is stored, in order.
    pub route: Vec<Arc<dyn Router>>,
    /// Study-routers that are asked once the study is quiet, in order.
    pub study_route: Vec<Arc<dyn StudyRouter>>,
    /// Analyzers that are run once the study is quiet; each on its own.
    pub analyze: Vec<Arc<dyn Analyzer>>,
    /// For how long nothing may have arrived for a study to be quiet.
    pub quiet: Duration,
    /// Whether its plugins are run and recorded, and change nothing. Such plugins are dry
    /// ([`isocenter_role::Plugin::dry`]), and what they answer is ignored.
    pub shadow: bool,
    /// What a filter's failure means.
    pub on_failure: OnFailure,
}

/// Which objects a chain is for: every given key must match; a key matches when one of its globs does.
///
/// The default matches everything.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// The AE title of the sender. An object that came without one (STOW-RS, a file) never matches a given list.
    pub calling_ae: Vec<Glob>,
    /// The AE title that the sender called.
    pub called_ae: Vec<Glob>,
    /// Top-level elements of the header; any value of a multi-valued element may match.
    pub elements: Vec<(Tag, Vec<Glob>)>,
}

impl Condition {
    /// Whether an object with this header, from this source, is meant.
    pub fn matches(&self, header: &Header, source: &Source) -> bool {
        named(&self.calling_ae, source.calling_ae.as_deref())
            && named(&self.called_ae, source.called_ae.as_deref())
            && self.elements.iter().all(|(tag, globs)| {
                header
                    .text(*tag)
                    .unwrap_or_default()
                    .iter()
                    .any(|value| globs.iter().any(|glob| glob.matches(value)))
            })
    }
}

/// Whether `globs` is not given, or one of them matches a name that is there.
fn named(globs: &[Glob], name: Option<&str>) -> bool {
    globs.is_empty() || name.is_some_and(|name| globs.iter().any(|glob| glob.matches(name)))
}

/// A pattern in which `*` stands for any characters and `?` for one; case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl Glob {
    /// Any text is a pattern.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.chars().collect())
    }

    /// Whether the whole of `text` fits. Linear in memory, at worst quadratic in time: one point of return suffices,
    /// because only the last `*` ever needs to take more.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut in_text) = (0, 0);
        let mut last_star: Option<(usize, usize)> = None;
        while in_text < text.len() {
            match self.0.get(at) {
                Some('*') => {
                    last_star = Some((at, in_text));
                    at += 1;
                }
                Some(want) if *want == '?' || Some(want) == text.get(in_text) => {
                    at += 1;
                    in_text += 1;
                }
                _ => match last_star {
                    Some((star, taken)) => {
                        last_star = Some((star, taken + 1));
                        at = star + 1;
                        in_text = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        self.0.iter().skip(at).all(|rest| *rest == '*')
    }
}

/// The chains that an object passes, in order.
pub(crate) fn matching<'a>(chains: &'a [Chain], header: &Header, source: &Source) -> Vec<&'a Chain> {
    chains
        .iter()
        .filter(|chain| chain.when.matches(header, source))
        .collect()
}

#[cfg(test)]
mod tests;
