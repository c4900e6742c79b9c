//! Ranges: values between two others, both included.
//!
//! Apart from patterns on text because here a value is read as what it means. What cannot be read is in no range.

use std::fmt;

mod decimal;
mod moment;

use decimal::Decimal;
use moment::{Date, Time};

/// What a range is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Decimal numbers, compared exactly: DS, IS, US, FD …
    Number,
    /// Days: DA, and the day of a DT as it is written there.
    Date,
    /// Times of day: TM.
    Time,
}

impl Quantity {
    /// The quantity that a bound is written as: `2024-01-31` is a date, `08:30` a time, all else a number.
    pub fn of(bound: &str) -> Self {
        let digit_first = bound.starts_with(|c: char| c.is_ascii_digit());
        match bound.find(['-', ':']) {
            Some(2) if digit_first && bound.contains(':') => Self::Time,
            Some(4) if digit_first && bound.contains('-') => Self::Date,
            _ => Self::Number,
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Date => "a date, such as \"2024-01-31\" or \"20240131\"",
            Self::Time => "a time, such as \"08:30\" or \"083000\"",
        }
    }
}

/// Why two texts are no range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Both ends are missing.
    #[error("has neither `from` nor `to`")]
    Endless,
    /// An end is not of the quantity.
    #[error("has {text:?} as an end, which must be {}", .quantity.wanted())]
    Unreadable {
        /// The end.
        text: String,
        /// What it should be.
        quantity: Quantity,
    },
    /// The ends are the wrong way round.
    #[error("has a `from` after its `to`, so nothing could match")]
    Empty,
    /// The same for times, where midnight may lie between.
    #[error(
        "has a `from` after its `to`, so nothing could match; over midnight, give two ranges, one without `to` and one without `from`"
    )]
    OverMidnight,
}

/// Values between two others, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    from: Option<String>,
    to: Option<String>,
    ends: Ends,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ends {
    Numbers(Option<Decimal>, Option<Decimal>),
    Dates(Option<Date>, Option<Date>),
    Times(Option<Time>, Option<Time>),
}

impl Range {
    /// From one value to another; either may be missing.
    ///
    /// # Errors
    /// [`RangeError`]
    pub fn new(quantity: Quantity, from: Option<&str>, to: Option<&str>) -> Result<Self, RangeError> {
        if from.is_none() && to.is_none() {
            return Err(RangeError::Endless);
        }
        let ends = match quantity {
            Quantity::Number => {
                let (from, to) = (end(quantity, from, Decimal::parse)?, end(quantity, to, Decimal::parse)?);
                in_order(&from, &to, RangeError::Empty)?;
                Ends::Numbers(from, to)
            }
            Quantity::Date => {
                let (from, to) = (end(quantity, from, Date::of_bound)?, end(quantity, to, Date::of_bound)?);
                in_order(&from, &to, RangeError::Empty)?;
                Ends::Dates(from, to)
            }
            Quantity::Time => {
                let (from, to) = (end(quantity, from, Time::first)?, end(quantity, to, Time::last)?);
                in_order(&from, &to, RangeError::OverMidnight)?;
                Ends::Times(from, to)
            }
        };
        Ok(Self {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            ends,
        })
    }

    /// Whether a value lies between the ends. What cannot be read as the quantity does not.
    pub fn contains(&self, value: &str) -> bool {
        match &self.ends {
            Ends::Numbers(from, to) => between(from, to, Decimal::parse(value)),
            Ends::Dates(from, to) => between(from, to, Date::of_value(value)),
            Ends::Times(from, to) => between(from, to, Time::first(value)),
        }
    }
}

fn end<T>(quantity: Quantity, text: Option<&str>, parse: fn(&str) -> Option<T>) -> Result<Option<T>, RangeError> {
    let Some(text) = text else { return Ok(None) };
    match parse(text) {
        Some(end) => Ok(Some(end)),
        None => Err(RangeError::Unreadable {
            // A configuration may hold anything; this is enough to find it.
            text: text.chars().take(40).collect(),
            quantity,
        }),
    }
}

fn in_order<T: Ord>(from: &Option<T>, to: &Option<T>, otherwise: RangeError) -> Result<(), RangeError> {
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err(otherwise),
        _ => Ok(()),
    }
}

fn between<T: Ord>(from: &Option<T>, to: &Option<T>, value: Option<T>) -> bool {
    value.is_some_and(|value| {
        from.as_ref().is_none_or(|from| *from <= value) && to.as_ref().is_none_or(|to| value <= *to)
    })
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "{from} to {to}"),
            (Some(from), None) => write!(f, "from {from}"),
            (None, Some(to)) => write!(f, "up to {to}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
