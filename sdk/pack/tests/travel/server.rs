//! A small registry: what it holds is in memory, and it can be told to misbehave. It keeps what it was asked, and with
//! which credentials.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What it does beside the protocol.
#[derive(Default)]
pub(crate) struct Ways {
    /// `WWW-Authenticate` for those who do not send `accepts`.
    pub(crate) challenge: Option<String>,
    pub(crate) accepts: String,
    /// Blobs are elsewhere.
    pub(crate) blobs_at: Option<String>,
    /// Uploads go elsewhere.
    pub(crate) uploads_at: Option<String>,
    /// A byte of each blob is another on its way out.
    pub(crate) spoils: bool,
    /// Bytes that are added to each blob on its way out.
    pub(crate) adds: usize,
}

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) ways: Ways,
    /// By path below `/v2/`.
    pub(crate) things: BTreeMap<String, Vec<u8>>,
    /// Method, path, and what came as `Authorization`.
    pub(crate) asked: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) kept: Arc<Mutex<Kept>>,
}

impl Server {
    pub(crate) fn start(ways: Ways) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Kept {
            ways,
            ..Kept::default()
        }));
        let shared = kept.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        Server { address, kept }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.kept.lock().unwrap().asked)
    }
}

/// One request on a connection.
fn answer(stream: TcpStream, kept: &Mutex<Kept>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (status, headers, content) = kept.lock().unwrap().serve(&method, &target, authorization, body);
    let mut head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n",
        content.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(b"\r\n").ok()?;
    if method != "HEAD" {
        stream.write_all(&content).ok()?;
    }
    Some(())
}

type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

impl Kept {
    fn serve(&mut self, method: &str, target: &str, authorization: String, body: Vec<u8>) -> Answer {
        self.asked
            .push(format!("{method} {target} {authorization}").trim_end().to_owned());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path == "/token" {
            return (200, vec![], br#"{"token":"let-me-in"}"#.to_vec());
        }
        if let Some(challenge) = &self.ways.challenge
            && authorization != self.ways.accepts
        {
            return (401, vec![("WWW-Authenticate", challenge.clone())], vec![]);
        }
        let digest = |query: &str| query.split("digest=").nth(1).map(|digest| digest.replace("%3A", ":"));
        match (method, path) {
            ("POST", _) => {
                let at = self.ways.uploads_at.clone().unwrap_or_default();
                (202, vec![("Location", format!("{at}{path}1?state=a"))], vec![])
            }
            ("PUT", _) if path.contains("/uploads/") => {
                let folder = path.split("/uploads/").next().unwrap();
                let Some(digest) = digest(query) else {
                    return (400, vec![], vec![]);
                };
                self.things.insert(format!("{folder}/{digest}"), body);
                (201, vec![], vec![])
            }
            ("PUT", _) => {
                self.things.insert(path.to_owned(), body);
                (201, vec![], vec![])
            }
            _ => match (self.things.get(path), &self.ways.blobs_at) {
                (Some(_), Some(at)) if path.contains("/blobs/") && method == "GET" => {
                    (307, vec![("Location", format!("{at}{path}"))], vec![])
                }
                (Some(found), _) => {
                    let mut found = found.clone();
                    if path.contains("/blobs/") {
                        if self.ways.spoils {
                            found[0] ^= 1;
                        }
                        found.extend(vec![0; self.ways.adds]);
                    }
                    (200, vec![], found)
                }
                (None, _) => {
                    let why = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such thing"}]}"#;
                    (404, vec![], why.into())
                }
            },
        }
    }
}
