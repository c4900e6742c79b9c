//! `[input]` of a case, for the roles that are not asked about objects.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use isocenter_role::{Access, Action, Applicant, Credentials, Event, Identity, Request, RequestBody, Visible};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::HarnessError;

fn read<T: DeserializeOwned>(input: &Value) -> Result<T, HarnessError> {
    let input = if input.is_null() {
        serde_json::json!({})
    } else {
        input.clone()
    };
    serde_json::from_value(input).map_err(|error| HarnessError::Input(error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CredentialsOf {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    certificate_subject: Option<String>,
    peer: Option<IpAddr>,
}

pub(super) fn credentials(input: &Value) -> Result<Credentials, HarnessError> {
    let of: CredentialsOf = read(input)?;
    Ok(Credentials {
        headers: of.headers.into_iter().collect(),
        certificate_subject: of.certificate_subject,
        peer: of.peer,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AccessOf {
    subject: String,
    #[serde(default)]
    claims: BTreeMap<String, Vec<String>>,
    action: String,
    study: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

pub(super) fn access(input: &Value) -> Result<(Identity, Access), HarnessError> {
    let of: AccessOf = read(input)?;
    let actions = [
        Action::Search,
        Action::Retrieve,
        Action::Store,
        Action::Delete,
        Action::Move,
        Action::Admin,
        Action::Plugin,
    ];
    let action = actions.into_iter().find(|action| action.as_str() == of.action);
    let action = action.ok_or_else(|| {
        let known: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
        HarnessError::Input(format!(
            "there is no action `{}`; there are {}",
            of.action,
            known.join(", ")
        ))
    })?;
    let claims = of.claims.into_iter();
    let who = Identity {
        subject: of.subject,
        claims: claims
            .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
            .collect(),
        ..Identity::default()
    };
    let access = Access {
        action,
        study: of.study,
        attributes: of.attributes.into_iter().collect(),
    };
    Ok((who, access))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ApplicantOf {
    calling_ae: String,
    called_ae: String,
    peer: Option<IpAddr>,
    certificate_subject: Option<String>,
    username: Option<String>,
    passcode: Option<String>,
    #[serde(default)]
    abstract_syntaxes: Vec<String>,
}

pub(super) fn applicant(input: &Value) -> Result<Applicant, HarnessError> {
    let of: ApplicantOf = read(input)?;
    Ok(Applicant {
        calling_ae: of.calling_ae,
        called_ae: of.called_ae,
        peer: of.peer,
        certificate_subject: of.certificate_subject,
        username: of.username,
        passcode: of.passcode.map(String::into_bytes),
        abstract_syntaxes: of.abstract_syntaxes,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsOf {
    events: Vec<EventOf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventOf {
    kind: String,
    #[serde(default)]
    data: Value,
}

pub(super) fn events(input: &Value) -> Result<Vec<Event>, HarnessError> {
    let of: EventsOf = read(input)?;
    let numbered = (1..).zip(of.events);
    Ok(numbered
        .map(|(cursor, event)| Event {
            cursor,
            unix_millis: 1_700_000_000_000 + cursor,
            kind: event.kind,
            data: event.data,
        })
        .collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestOf {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    body: String,
}

fn get() -> String {
    "GET".into()
}

pub(super) fn request(input: &Value, archive: Arc<dyn Visible>) -> Result<Request, HarnessError> {
    let of: RequestOf = read(input)?;
    Ok(Request {
        method: of.method,
        path: of.path,
        query: of.query.into_iter().collect(),
        headers: of.headers.into_iter().collect(),
        subject: of.subject,
        body: Box::new(Whole(of.body.into())),
        archive,
    })
}

/// A body that comes at once.
struct Whole(Bytes);

impl RequestBody for Whole {
    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, String>> {
        std::future::ready(Ok(std::mem::take(&mut self.0))).boxed()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobOf {
    queue: String,
    payload: Value,
}

pub(super) fn job(input: &Value) -> Result<(String, Vec<u8>), HarnessError> {
    let of: JobOf = read(input)?;
    let payload = match of.payload {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok((of.queue, payload.into_bytes()))
}
