//! Asking the running host: the commands that speak to the socket in its data folder, where it serves the operator.
//!
//! Separate from the commands that work without a host. One request for each question, over HTTP/1 on a Unix socket; what
//! comes back is the API's JSON, which [`show`] turns into lines for people.

mod elsewhere;
mod show;

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::cli::{Held, OutcomesOf, Performed, Scheduled, Waiting};

/// The socket's name in the data folder.
pub const SOCKET: &str = "control.sock";
/// The longest answer.
const LONGEST: usize = 64 << 20;

/// Why the running host did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Nobody listens.
    #[error("no host runs on {}: there is no {SOCKET} to speak to; start it with `isocenter serve`", .0.display())]
    NoHost(PathBuf),
    /// Somebody else's.
    #[error("{} is not yours to open: run this as the user that runs the host", .0.display())]
    NotYours(PathBuf),
    /// The connection.
    #[error("the host does not answer: {0}; look at its log, and ask again")]
    Broken(String),
    /// A file of the command line.
    #[error("{}: {}; look at the path and its rights", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// The host says no.
    #[error("{}", .0.join("\n"))]
    Refused(Vec<String>),
}

/// The running host, as its operator sees it.
pub struct Operator {
    data: PathBuf,
}

impl Operator {
    /// Of the host that runs on this data folder.
    pub fn of(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// Has the configuration read again.
    pub async fn reload(&self) -> Result<bool, OperatorError> {
        let answer = self.post("/api/reload", Bytes::new()).await?;
        println!("reloaded: {}", show::text(&answer, "said"));
        Ok(true)
    }

    /// Of objects that are held.
    pub async fn held(&self, ask: &Held) -> Result<bool, OperatorError> {
        match ask {
            Held::List { limit } => self.list("quarantine", *limit, "nothing waits").await,
            Held::Decided { limit } => self.list("quarantine/decided", *limit, "nothing was decided").await,
            Held::Release { ids, reason } => self.decide("quarantine", "release", ids, reason.as_deref()).await,
            Held::Retry { ids, reason } => self.decide("quarantine", "retry", ids, reason.as_deref()).await,
            Held::Discard { ids, reason } => self.decide("quarantine", "discard", ids, reason.as_deref()).await,
        }
    }

    /// Of work or events that wait for a person: `dead-letters` or `parked`.
    pub async fn waiting(&self, kind: &str, ask: &Waiting) -> Result<bool, OperatorError> {
        match ask {
            Waiting::List { limit } => self.list(kind, *limit, "nothing waits").await,
            Waiting::Retry { ids } => self.decide(kind, "retry", ids, None).await,
            Waiting::Discard { ids } => self.decide(kind, "discard", ids, None).await,
        }
    }

    async fn list(&self, kind: &str, limit: u32, none: &str) -> Result<bool, OperatorError> {
        let listed = self.get(&format!("/api/{kind}?limit={limit}")).await?;
        for line in show::list(&listed, none) {
            println!("{line}");
        }
        Ok(true)
    }

    /// Decides about each. `false` when one was not there any more; the others are decided.
    async fn decide(&self, kind: &str, what: &str, ids: &[i64], reason: Option<&str>) -> Result<bool, OperatorError> {
        let why = reason.map_or_else(String::new, |reason| format!("?reason={}", encoded(reason)));
        let mut all = true;
        for id in ids {
            match self.post(&format!("/api/{kind}/{id}/{what}{why}"), Bytes::new()).await {
                Ok(answer) => match show::text(&answer, "became") {
                    became if became.is_empty() => println!("{id}: {what}"),
                    became => println!("{id}: {what}: {became}"),
                },
                Err(OperatorError::Refused(why)) => {
                    all = false;
                    eprintln!("{id}: {}", why.join("; "));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// What a chain would do to files. `false` when it could not be tried with one of them.
    pub async fn attempt(&self, chain: &str, files: &[PathBuf]) -> Result<bool, OperatorError> {
        let mut all = true;
        for path in files {
            let file = tokio::fs::read(path).await;
            let file = file.map_err(|error| OperatorError::File(path.clone(), error))?;
            let tried = self
                .post(&format!("/api/try?chain={}", encoded(chain)), file.into())
                .await;
            match tried {
                Ok(rehearsal) => {
                    println!("{}", path.display());
                    for line in show::rehearsal(&rehearsal) {
                        println!("{line}");
                    }
                }
                Err(OperatorError::Refused(why)) => {
                    all = false;
                    eprintln!("{}: {}", path.display(), why.join("; "));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Of the modality worklist. `false` when an entry that was to be removed is not there.
    pub async fn worklist(&self, ask: &Scheduled) -> Result<bool, OperatorError> {
        match ask {
            Scheduled::List { matching, limit, json } => {
                let keys = matching
                    .iter()
                    .map(|(key, value)| format!("&{}={}", encoded(key), encoded(value)));
                let listed = self
                    .get(&format!("/api/worklist?limit={limit}{}", keys.collect::<String>()))
                    .await?;
                if *json {
                    let entries: Vec<&Value> = listed.as_array().into_iter().flatten().collect();
                    let entries: Vec<&Value> = entries.iter().filter_map(|entry| entry.get("data_set")).collect();
                    println!("{}", serde_json::json!(entries));
                    return Ok(true);
                }
                for line in show::scheduled(&listed) {
                    println!("{line}");
                }
                Ok(true)
            }
            Scheduled::Add { files } => {
                for path in files {
                    let broken = |error| OperatorError::File(path.clone(), error);
                    let text = if path.as_os_str() == "-" {
                        io::read_to_string(io::stdin())
                            .map(String::into_bytes)
                            .map_err(broken)?
                    } else {
                        tokio::fs::read(path).await.map_err(broken)?
                    };
                    let kept = self.post("/api/worklist", text.into()).await?;
                    for entry in kept.as_array().into_iter().flatten() {
                        let [study, step, done] = ["study", "step", "done"].map(|name| show::text(entry, name));
                        println!("{done}  {study}  {step}");
                    }
                }
                Ok(true)
            }
            Scheduled::Remove { study, step } => {
                let path = format!("/api/worklist/{}/{}", encoded(study), encoded(step));
                match self.ask(Method::DELETE, &path, Bytes::new()).await {
                    Ok(_) => println!("removed  {study}  {step}"),
                    Err(OperatorError::Refused(why)) => {
                        eprintln!("{}", why.join("; "));
                        return Ok(false);
                    }
                    Err(error) => return Err(error),
                }
                Ok(true)
            }
        }
    }

    /// Of performed procedure steps.
    pub async fn performed(&self, ask: &Performed) -> Result<bool, OperatorError> {
        let Performed::List { study, limit } = ask;
        let study = study.as_deref().map(|uid| format!("&study={}", encoded(uid)));
        let listed = self
            .get(&format!("/api/mpps?limit={limit}{}", study.unwrap_or_default()))
            .await?;
        for line in show::performed(&listed) {
            println!("{line}");
        }
        Ok(true)
    }

    /// What plugins did.
    pub async fn outcomes(&self, of: &OutcomesOf) -> Result<bool, OperatorError> {
        let mut query = format!("limit={}", of.limit);
        for (name, value) in [("object", &of.object), ("study", &of.study), ("plugin", &of.plugin)] {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        if of.failed {
            query.push_str("&failed");
        }
        let outcomes = self.get(&format!("/api/outcomes?{query}")).await?;
        for outcome in outcomes.as_array().into_iter().flatten() {
            println!("{}", show::outcome(outcome));
            if let Some(list) = outcome.get("edit_list").and_then(Value::as_str).filter(|_| of.edits) {
                let edits = self.get(&format!("/api/edits/{list}")).await?;
                for line in show::items(&edits, "edits").filter_map(Value::as_str) {
                    println!("    {line}");
                }
            }
        }
        Ok(true)
    }

    async fn get(&self, path: &str) -> Result<Value, OperatorError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    async fn post(&self, path: &str, body: Bytes) -> Result<Value, OperatorError> {
        self.ask(Method::POST, path, body).await
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Value, OperatorError> {
        let Answer {
            status,
            body,
            _connection,
        } = self.send(method, path, body).await?;
        let answer = whole(body).await?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(refused(&answer))
    }

    /// Asks, and answers before all has come.
    async fn begin(&self, method: Method, path: &str) -> Result<Answer, OperatorError> {
        let answer = self.send(method, path, Bytes::new()).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(refused(&whole(answer.body).await?))
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, OperatorError> {
        let broken = |error: &dyn std::fmt::Display| OperatorError::Broken(error.to_string());
        let stream = self.connect().await?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .body(Full::new(body))
            .map_err(|error| broken(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error))?;
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
        Ok(Answer {
            status: answer.status(),
            body: answer.into_body(),
            _connection: connections,
        })
    }

    async fn connect(&self) -> Result<UnixStream, OperatorError> {
        let path = self.data.join(SOCKET);
        UnixStream::connect(&path).await.map_err(|error| match error.kind() {
            // A file that a host left when it was killed refuses.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => OperatorError::NoHost(self.data.clone()),
            io::ErrorKind::PermissionDenied => OperatorError::NotYours(path),
            _ => OperatorError::Broken(error.to_string()),
        })
    }
}

/// What the host answers, as it comes. The connection lasts as long.
struct Answer {
    status: StatusCode,
    body: Incoming,
    _connection: JoinSet<Result<(), hyper::Error>>,
}

/// All that is answered.
async fn whole(body: Incoming) -> Result<Value, OperatorError> {
    let broken = |error: &dyn std::fmt::Display| OperatorError::Broken(error.to_string());
    let body = Limited::new(body, LONGEST).collect().await;
    let bytes = body.map_err(|error| broken(&error))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| broken(&error))
}

/// Why the host says no.
fn refused(answer: &Value) -> OperatorError {
    let problems = show::items(answer, "problems");
    let said = answer
        .get("error")
        .into_iter()
        .chain(problems)
        .filter_map(Value::as_str);
    OperatorError::Refused(said.map(str::to_owned).collect())
}

/// Everything but unreserved characters (RFC 3986 §2.3), percent-encoded.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
