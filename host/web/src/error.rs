//! Why a request was not answered as asked, and its HTTP status: one type, one match.
//!
//! Every message says what was wrong and what would be right, and none holds patient data: names of parameters,
//! keywords and UIDs may appear, values of other parameters never. Trouble inside the host is logged with its cause and
//! answered without it.

use axum::Json;
use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use isocenter_archive::ArchiveError;
use isocenter_archive::index::IndexError;
use isocenter_pipeline::held::HeldError;
use isocenter_pipeline::peer::PeerError;
use isocenter_pipeline::rehearse::RehearsalError;
use serde_json::json;

use crate::accept::NotAcceptable;
use crate::attribute::UnknownAttribute;
use crate::multipart::BadMultipart;

/// A request that was not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RouteError {
    /// A UID in the path is none.
    #[error("the {level} UID in the path is not a UID: digits and dots, at most 64 characters")]
    BadUid {
        /// study, series or instance.
        level: &'static str,
    },
    /// A query parameter cannot be read.
    #[error("parameter {name}: {reason}")]
    BadParameter {
        /// As the client wrote it, shortened.
        name: String,
        /// What would be right.
        reason: String,
    },
    /// A name that is no attribute.
    #[error(transparent)]
    UnknownAttribute(#[from] UnknownAttribute),
    /// Nothing is stored under these UIDs.
    #[error("no {what} is stored here")]
    NothingStored {
        /// E.g. `study 1.2.3`.
        what: String,
    },
    /// There is nothing to decide about.
    #[error("there is no {what}")]
    NotWaiting {
        /// E.g. `dead letter 12`.
        what: String,
    },
    /// Entries of the worklist that cannot be taken; none was.
    #[error("nothing was scheduled: {}", .problems.first().map(String::as_str).unwrap_or_default())]
    BadEntries {
        /// A sentence for each thing that is wrong.
        problems: Vec<String>,
    },
    /// A browser was sent here by another site.
    #[error("this comes from another site: {0}")]
    OtherSite(&'static str),
    /// No route has this path.
    #[error("there is nothing at this path; {hint}")]
    NoRoute {
        /// Where the nearest area is.
        hint: &'static str,
    },
    /// The path is known, the method is not.
    #[error("this path answers to {allowed} only")]
    Method {
        /// As for the `Allow` header.
        allowed: &'static str,
    },
    /// Part of the standard that this host does not have.
    #[error("{what} is not offered by this host yet; {instead}")]
    NotOffered {
        /// The transaction.
        what: &'static str,
        /// What is.
        instead: &'static str,
    },
    /// Nothing on offer is accepted.
    #[error(transparent)]
    NotAcceptable(#[from] NotAcceptable),
    /// An object cannot be given in the syntaxes that the client accepts.
    #[error(
        "object {object} is stored in transfer syntax {stored}, which the request does not accept, and cannot be converted to one that it does: ask for transfer-syntax=* or {stored}"
    )]
    Syntax {
        /// SOP Instance UID.
        object: String,
        /// UID of the stored syntax.
        stored: String,
    },
    /// The same, of an object that was tried.
    #[error("object {object} cannot be given in a transfer syntax that the request accepts: {why}")]
    Unconverted {
        /// SOP Instance UID.
        object: String,
        /// Why, without a value of its header.
        why: String,
    },
    /// The content of the request is of a type that this resource does not take.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The body is not well-formed.
    #[error(transparent)]
    BadMultipart(#[from] BadMultipart),
    /// The body holds nothing to store.
    #[error("the request holds no object: send at least one part of type application/dicom")]
    NoObjects,
    /// The body is larger than allowed.
    #[error("the body is larger than {limit} bytes: send the objects in several requests")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// The body stopped arriving.
    #[error("the body did not go on for {seconds} s")]
    SlowBody {
        /// The time allowed.
        seconds: u64,
    },
    /// The body could not be read.
    #[error("the body could not be read to its end")]
    BrokenBody,
    /// No authenticator knows the sender.
    #[error("say who you are: this host answers only those whom its authenticators know")]
    Unauthenticated,
    /// Not for this caller. Why, only the operator learns.
    #[error("this is not allowed")]
    Denied,
    /// Whoever decides about access cannot do so now.
    #[error("access cannot be decided now: try again in {seconds} s")]
    NotNow {
        /// From now.
        seconds: u64,
    },
    /// A plugin's page failed. Why, only the operator learns.
    #[error("the plugin did not give an answer: its operator finds the cause in the log")]
    PluginFailed,
    /// A plugin's page took longer than it may.
    #[error("the plugin did not answer in time")]
    PluginLate,
    /// A plugin's page cannot be had now.
    #[error("the plugin cannot answer now: try again in {seconds} s")]
    PluginNotNow {
        /// From now.
        seconds: u64,
    },
    /// Nothing was decided about an object that is held.
    #[error(transparent)]
    Held(#[from] HeldError),
    /// Work that was begun ended early.
    #[error("this was not done: the operator finds the cause in the log")]
    Interrupted,
    /// A destination was not asked, or did not do as asked.
    #[error("{destination}: {error}")]
    Peer {
        /// Its name in the configuration.
        destination: String,
        /// What went wrong.
        #[source]
        error: PeerError,
    },
    /// No destination has this name.
    #[error("there is no destination of that name; there are: {known}")]
    NoDestination {
        /// All names.
        known: String,
    },
    /// What a chain would do cannot be tried.
    #[error(transparent)]
    Rehearsal(#[from] RehearsalError),
    /// All permits are taken.
    #[error("{limit} requests are in progress, which is as many as this host takes: try again in a moment")]
    Busy {
        /// Requests at once.
        limit: usize,
    },
    /// The index did not answer.
    #[error("the index cannot be asked now: try again in a moment")]
    Index(#[source] IndexError),
    /// An object could not be read.
    #[error("an object of this resource cannot be read from the archive: its operator finds the cause in the log")]
    Archive(#[source] ArchiveError),
}

impl RouteError {
    /// The status of each case; the one place that knows.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadUid { .. }
            | Self::BadParameter { .. }
            | Self::UnknownAttribute(_)
            | Self::BadMultipart(_)
            | Self::BadEntries { .. }
            | Self::NoObjects
            | Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Denied | Self::OtherSite(_) => StatusCode::FORBIDDEN,
            Self::NothingStored { .. } | Self::NotWaiting { .. } | Self::NoRoute { .. } => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable(_) | Self::Syntax { .. } | Self::Unconverted { .. } => StatusCode::NOT_ACCEPTABLE,
            Self::SlowBody { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotOffered { .. } => StatusCode::NOT_IMPLEMENTED,
            Self::Held(HeldError::NoSuch(_)) => StatusCode::NOT_FOUND,
            Self::Held(HeldError::Refused(_)) => StatusCode::CONFLICT,
            Self::Held(_) | Self::Interrupted => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Rehearsal(RehearsalError::NoSuchChain(..)) => StatusCode::NOT_FOUND,
            Self::Rehearsal(RehearsalError::Unreadable(_)) => StatusCode::BAD_REQUEST,
            Self::NoDestination { .. } => StatusCode::NOT_FOUND,
            Self::Peer {
                error: PeerError::NotDicom,
                ..
            } => StatusCode::CONFLICT,
            Self::Peer { .. } | Self::PluginFailed => StatusCode::BAD_GATEWAY,
            Self::PluginLate => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy { .. } | Self::NotNow { .. } | Self::PluginNotNow { .. } | Self::Index(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Archive(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl RouteError {
    /// Whether it was logged where it arose, or is nothing to be logged.
    fn is_expected(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::NotNow { .. }
                | Self::Peer { .. }
                | Self::NotOffered { .. }
                | Self::PluginFailed
                | Self::PluginLate
                | Self::PluginNotNow { .. }
        )
    }
}

impl From<IndexError> for RouteError {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<ArchiveError> for RouteError {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

impl IntoResponse for RouteError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() && !self.is_expected() {
            tracing::error!(error = ?self, "a request failed inside the host");
        }
        let mut said = json!({ "error": self.to_string() });
        if let (Self::BadEntries { problems }, Some(said)) = (&self, said.as_object_mut()) {
            said.insert("error".to_owned(), "nothing was scheduled".into());
            said.insert("problems".to_owned(), problems.clone().into());
        }
        let mut response = (status, Json(said)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = match self {
                Self::NotNow { seconds } | Self::PluginNotNow { seconds } => seconds,
                _ => 5,
            };
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        match self {
            Self::Method { allowed } => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Self::Unauthenticated => {
                // Which of them an authenticator reads only it knows; a browser can answer the second.
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Isocenter\""));
                let basic = "Basic realm=\"Isocenter\", charset=\"UTF-8\"";
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(basic));
            }
            _ => {}
        }
        response
    }
}
