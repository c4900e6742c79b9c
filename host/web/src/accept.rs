//! What a client accepts, matched against what this host can give (PS3.18 §8.7).
//!
//! Reads media types, decides a representation or says in one sentence what is on offer. Where the standard's
//! default would be a conversion (an `application/dicom` without `transfer-syntax` means Explicit VR Little Endian),
//! the object is given as it is stored: every client reads the syntax from the file. Who names syntaxes gets one of them.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;

use crate::media::MediaType;

/// DICOM JSON, PS3.18 Annex F.
pub(crate) const DICOM_JSON: &str = "application/dicom+json";
/// The same bytes for clients that know nothing of DICOM.
pub(crate) const JSON: &str = "application/json";
/// A Part 10 file.
pub(crate) const DICOM: &str = "application/dicom";
/// What holds several Part 10 files.
pub(crate) const RELATED: &str = "multipart/related";

/// Nothing on offer is accepted; the sentence says what is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotAcceptable(pub(crate) &'static str);

/// The media types that a request accepts, the most wanted first; empty when it does not say. The query parameter
/// `accept` (PS3.18 §8.3.3.1) outranks the header.
fn accepted(headers: &HeaderMap, parameter: Option<&str>) -> Vec<MediaType> {
    // `+` in a query means a blank, but nobody means one in `application/dicom+json`.
    let parameter = parameter.map(|text| text.trim().replace("dicom ", "dicom+"));
    let mut accepted: Vec<MediaType> = match parameter {
        Some(text) if !text.is_empty() => MediaType::list(&text),
        _ => headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(MediaType::list)
            .collect(),
    };
    accepted.retain(|media| media.weight() > 0);
    // Stable: equal weights keep the client's order.
    accepted.sort_by_key(|media| std::cmp::Reverse(media.weight()));
    accepted
}

/// The media types that a request accepts, for handlers to take.
pub(crate) struct Accepted(pub(crate) Vec<MediaType>);

impl<S: Sync> FromRequestParts<S> for Accepted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let pairs =
            Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
        let parameter = pairs.iter().find(|(name, _)| name == "accept");
        Ok(Self(accepted(
            &parts.headers,
            parameter.map(|(_, value)| value.as_str()),
        )))
    }
}

/// The content type of a DICOM JSON answer.
///
/// # Errors
/// [`NotAcceptable`] when neither spelling of JSON is accepted.
pub(crate) fn json(accepted: &[MediaType]) -> Result<&'static str, NotAcceptable> {
    if accepted.is_empty() {
        return Ok(DICOM_JSON);
    }
    accepted
        .iter()
        .find_map(|media| match media.essence() {
            DICOM_JSON | "*/*" | "application/*" => Some(DICOM_JSON),
            JSON => Some(JSON),
            _ => None,
        })
        .ok_or(NotAcceptable(
            "this resource is given as application/dicom+json (or application/json); XML is not offered",
        ))
}

/// How Part 10 files are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `multipart/related; type="application/dicom"`.
    Multipart,
    /// One file as the whole body.
    Single,
}

/// How many objects the resource may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// A study or a series.
    Many,
    /// One object.
    One,
}

/// Which transfer syntaxes are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Syntaxes {
    /// The stored one, whatever it is.
    Any,
    /// One of these UIDs.
    OneOf(Vec<String>),
}

impl Syntaxes {
    /// Whether an object may be sent in `syntax`.
    pub(crate) fn allow(&self, syntax: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(known) => known.iter().any(|one| one == syntax),
        }
    }
}

/// How the objects of a resource are to be sent.
///
/// # Errors
/// [`NotAcceptable`] when the client accepts neither shape of `application/dicom`.
pub(crate) fn objects(accepted: &[MediaType], resource: Resource) -> Result<(Shape, Syntaxes), NotAcceptable> {
    let shaped: Vec<(Shape, &MediaType)> = accepted
        .iter()
        .filter_map(|media| shape(media, resource).map(|shape| (shape, media)))
        .collect();
    let Some((shape, _)) = shaped.first().copied() else {
        return if accepted.is_empty() {
            Ok((Shape::Multipart, Syntaxes::Any))
        } else {
            Err(NotAcceptable(match resource {
                Resource::Many => "objects are given as multipart/related; type=\"application/dicom\"",
                Resource::One => {
                    "an object is given as multipart/related; type=\"application/dicom\", or as application/dicom"
                }
            }))
        };
    };
    let mut wanted = Vec::new();
    for (_, media) in shaped.iter().filter(|(other, _)| *other == shape) {
        match media.parameter("transfer-syntax") {
            None | Some("*" | "") => return Ok((shape, Syntaxes::Any)),
            Some(uid) => wanted.push(uid.to_owned()),
        }
    }
    Ok((shape, Syntaxes::OneOf(wanted)))
}

fn shape(media: &MediaType, resource: Resource) -> Option<Shape> {
    match media.essence() {
        RELATED => match media.parameter("type").map(str::to_ascii_lowercase).as_deref() {
            None | Some(DICOM | "*/*" | "application/*" | "") => Some(Shape::Multipart),
            Some(_) => None,
        },
        "*/*" | "multipart/*" => Some(Shape::Multipart),
        DICOM | "application/*" if resource == Resource::One => Some(Shape::Single),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
