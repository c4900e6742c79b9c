//! Person names as DICOM writes them (PS3.5 §6.2, PN): component groups and components.
//!
//! Separate because a name is one value with a structure of its own.

use std::fmt;

/// A person's name in up to three scripts. As text it is a PN: `Yamada^Tarou=山田^太郎=やまだ^たろう`.
///
/// ```
/// use isocenter::PersonName;
///
/// let name = PersonName::parse("Yamada^Tarou=山田^太郎");
/// assert_eq!((&*name.alphabetic.family, &*name.ideographic.given), ("Yamada", "太郎"));
/// assert_eq!(name.to_string(), "Yamada^Tarou=山田^太郎");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the component groups of a name")]
pub struct PersonName {
    pub alphabetic: NameParts,
    pub ideographic: NameParts,
    pub phonetic: NameParts,
}

/// The components of a name in one script; those of a veterinary patient are the responsible family and the animal's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the components of a name")]
pub struct NameParts {
    pub family: String,
    pub given: String,
    pub middle: String,
    pub prefix: String,
    pub suffix: String,
}

impl PersonName {
    /// Reads a PN. What is beyond three groups, or five components of one, is left out; spaces around a component do not
    /// count.
    #[must_use]
    pub fn parse(text: &str) -> PersonName {
        let mut groups = text.split('=').map(NameParts::parse);
        let mut next = || groups.next().unwrap_or_default();
        PersonName {
            alphabetic: next(),
            ideographic: next(),
            phonetic: next(),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == PersonName::default()
    }
}

impl NameParts {
    fn parse(text: &str) -> NameParts {
        let mut parts = text.split('^').map(|part| part.trim().to_owned());
        let mut next = || parts.next().unwrap_or_default();
        NameParts {
            family: next(),
            given: next(),
            middle: next(),
            prefix: next(),
            suffix: next(),
        }
    }
}

impl fmt::Display for NameParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.family, &self.given, &self.middle, &self.prefix, &self.suffix];
        f.write_str(parts.map(String::as_str).join("^").trim_end_matches('^'))
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = [&self.alphabetic, &self.ideographic, &self.phonetic].map(ToString::to_string);
        f.write_str(groups.join("=").trim_end_matches('='))
    }
}

#[cfg(test)]
mod tests;
