//! Patterns: what a value may look like.
//!
//! Apart from conditions because a pattern knows no object: it takes one text, in time linear in its length.

use std::fmt;

use regex::{Regex, RegexBuilder};

use super::range::Range;

/// One of the ways to say which values are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The whole value, with `*` and `?`.
    Glob(Glob),
    /// A regular expression, found anywhere in the value.
    Expression(Expression),
    /// A value between two others.
    Range(Range),
}

impl Pattern {
    /// Whether this value is meant.
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.matches(value),
            Self::Expression(expression) => expression.matches(value),
            Self::Range(range) => range.contains(value),
        }
    }
}

/// As the page shows it: a glob as it is, an expression between slashes, a range in words.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Glob(glob) => glob.fmt(f),
            Self::Expression(expression) => expression.fmt(f),
            Self::Range(range) => range.fmt(f),
        }
    }
}

/// A pattern in which `*` stands for any characters and `?` for one; case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Any text is a pattern.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Whether the whole of `text` fits. At worst it takes as many steps as the product of both lengths: one point of
    /// return suffices, because only the last `*` ever needs to take more.
    pub fn matches(&self, text: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.chars(), text.chars());
        // What stands behind the last `*`, and what it has not taken yet.
        let mut behind_star = None;
        loop {
            let (before_pattern, before_rest) = (pattern.clone(), rest.clone());
            match (pattern.next(), rest.next()) {
                (Some('*'), _) => {
                    behind_star = Some((pattern.clone(), before_rest.clone()));
                    rest = before_rest;
                }
                (Some('?'), Some(_)) => {}
                (Some(wanted), Some(there)) if wanted == there => {}
                (_, None) => return before_pattern.as_str().chars().all(|c| c == '*'),
                (_, Some(_)) => {
                    let Some((after, untaken)) = &mut behind_star else {
                        return false;
                    };
                    untaken.next();
                    (pattern, rest) = (after.clone(), untaken.clone());
                }
            }
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a compiled expression may take. A text is searched in time linear in its length and in this size.
const LARGEST_EXPRESSION: usize = 1024 * 1024;
/// Groups within groups.
const DEEPEST_EXPRESSION: u32 = 32;

/// A regular expression of the crate `regex`: no back-references, no look-around, linear time.
#[derive(Clone, Debug)]
pub struct Expression(Regex);

/// Why a text is no regular expression, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It cannot be read.
    #[error("is not a regular expression: {0}")]
    Syntax(String),
    /// It would take too much memory.
    #[error(
        "is a regular expression that takes more than {} KiB when it is compiled; smaller counts, or `(?-u:\\w)` for \
         ASCII alone, make it smaller",
        LARGEST_EXPRESSION / 1024
    )]
    TooLarge,
}

impl Expression {
    /// Compiles it.
    ///
    /// # Errors
    /// [`ExpressionError`]
    pub fn new(pattern: &str) -> Result<Self, ExpressionError> {
        let built = RegexBuilder::new(pattern)
            .size_limit(LARGEST_EXPRESSION)
            .dfa_size_limit(LARGEST_EXPRESSION)
            .nest_limit(DEEPEST_EXPRESSION)
            .build();
        match built {
            Ok(regex) => Ok(Self(regex)),
            Err(regex::Error::CompiledTooBig(_)) => Err(ExpressionError::TooLarge),
            Err(error) => {
                // Several lines, in which a caret points; the last says what is wrong.
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                let reason = last.trim().trim_start_matches("error: ");
                Err(ExpressionError::Syntax(reason.to_owned()))
            }
        }
    }

    /// Whether it is found anywhere in `text`; `^` and `$` tie it to the ends.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.as_str())
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Expression {}

#[cfg(test)]
mod tests;
