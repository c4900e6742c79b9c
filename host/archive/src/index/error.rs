//! What can go wrong in the index. Separate because every module of the index answers with it, and because one rule is
//! kept here: what the database says about a row may quote the row, so only its error code and names of ours get out.

use isocenter_dicom::Tag;

/// Why the index could not answer. Never carries a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The database cannot be reached, is starting or stopping, or all connections stayed busy. It may pass.
    #[error("the database is unavailable: {0}")]
    Unavailable(&'static str),
    /// The database refused a statement.
    #[error("the database refused a statement (SQLSTATE {code}{})", .on.as_ref().map(|on| format!(", {on}")).unwrap_or_default())]
    Refused {
        /// SQLSTATE.
        code: String,
        /// The table or constraint, where the database named one.
        on: Option<String>,
    },
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// A plugin has too many jobs.
    #[error("the queues of plugin `{plugin}` are full: {most} jobs wait or were given up")]
    QueueFull {
        /// The plugin.
        plugin: String,
        /// How many it may have.
        most: u32,
    },
    /// Something is longer than it may be.
    #[error("{what} is longer than {most} bytes")]
    TooLong {
        /// What.
        what: &'static str,
        /// How long it may be.
        most: usize,
    },
    /// A text holds a NUL character, which the database has no room for.
    #[error("{what} has a NUL character in it")]
    Nul {
        /// Which text.
        what: &'static str,
    },
    /// A job cannot be enqueued so.
    #[error("a job cannot be enqueued: {0}")]
    Misplaced(&'static str),
    /// A row does not hold what this version writes.
    #[error("the index holds {what} that cannot be read")]
    Unreadable {
        /// Which part of a row.
        what: &'static str,
    },
}

impl IndexError {
    /// Whether the same call may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// SQLSTATE classes and codes after which the same statement may succeed: lost connections (08), no room for another
/// connection or memory (53), starting, stopping or killed (57).
fn passes(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("53") || (code.starts_with("57") && code != "57014")
}

impl From<sqlx::Error> for IndexError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                if passes(&code) {
                    return Self::Unavailable("it is starting, stopping or full");
                }
                Self::Refused {
                    code,
                    on: error.constraint().or(error.table()).map(str::to_owned),
                }
            }
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => {
                Self::Unavailable("the connection was lost")
            }
            sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => {
                Self::Unavailable("the connection could not be made")
            }
            sqlx::Error::PoolTimedOut => Self::Unavailable("all connections are busy or none could be made"),
            sqlx::Error::PoolClosed => Self::Unavailable("the host is stopping"),
            sqlx::Error::Migrate(error) => Self::Migration(*error),
            _ => Self::Unreadable { what: "a row" },
        }
    }
}

/// Why a search could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// This attribute cannot be matched at this level; [`Query::unsupported`](super::Query::unsupported) lists them all.
    #[error("({:04X},{:04X}) cannot be matched at the {level} level", .tag.group(), .tag.element())]
    Unsupported {
        /// The attribute.
        tag: Tag,
        /// The level of the query.
        level: super::Level,
    },
    /// A value is not of the form that its attribute needs.
    #[error("({:04X},{:04X}) must be {expected}", .tag.group(), .tag.element())]
    BadValue {
        /// The attribute.
        tag: Tag,
        /// What would be right.
        expected: &'static str,
    },
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
}
