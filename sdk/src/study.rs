//! A stored study, its members opened one at a time.
//!
//! Separate because a study may hold thousands of objects: what is not asked for is not read.

use crate::Object;
use crate::raw::{Handle, studies};

/// A study as it was when the call began.
pub struct Study<'a>(pub(crate) Handle<'a, studies::Study>);

impl<'a> Study<'a> {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn lent(study: &'a studies::Study) -> Study<'a> {
        Study(Handle::Lent(study))
    }

    /// Study Instance UID.
    #[must_use]
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// How many members it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count()
    }

    /// Series Instance UIDs.
    #[must_use]
    pub fn series(&self) -> Vec<String> {
        self.0.series()
    }

    /// All members from the first, in series and instance order. A member that cannot be read ends the call.
    pub fn members(&mut self) -> Members<'_> {
        self.0.rewind();
        Members {
            study: &self.0,
            series: None,
        }
    }

    /// The members of one series from the first, in instance order.
    pub fn members_of(&mut self, series: &str) -> Members<'_> {
        self.0.rewind();
        Members {
            study: &self.0,
            series: Some(series.to_owned()),
        }
    }
}

/// Members of a study, each opened when its turn comes.
pub struct Members<'s> {
    study: &'s studies::Study,
    series: Option<String>,
}

impl Iterator for Members<'_> {
    type Item = Object<'static>;

    fn next(&mut self) -> Option<Object<'static>> {
        self.study.next(self.series.as_deref()).map(Object::owned)
    }
}
