//! A server that reads one request per connection, keeps it, and answers as a test says: bytes, so that it can lie.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

pub(crate) enum Answer {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then nothing, until the client ends it.
    Stall(Vec<u8>),
    /// These bytes, then the others again and again.
    Endless(Vec<u8>, Vec<u8>),
}

impl Answer {
    pub(crate) fn text(text: &str) -> Answer {
        Answer::Bytes(text.into())
    }

    /// Status 200 with a body.
    pub(crate) fn ok(body: &str) -> Answer {
        Answer::text(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Answer {
        Answer::text(&format!(
            "HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ))
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    ended: Arc<Mutex<usize>>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Server {
        Server::wrapped(answer, |stream| async { Ok(stream) }).await
    }

    /// The same with something around the connection, as TLS.
    pub(crate) async fn wrapped<S, F>(
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
        wrap: impl Fn(tokio::net::TcpStream) -> F + Send + Sync + 'static,
    ) -> Server
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        F: Future<Output = std::io::Result<S>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(Mutex::new(0));
        let answer = Arc::new(answer);
        let (kept, counted) = (requests.clone(), ended.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let wrapping = wrap(stream);
                let (kept, counted, answer) = (kept.clone(), counted.clone(), answer.clone());
                tokio::spawn(async move {
                    if let Ok(mut stream) = wrapping.await {
                        // The client may end whenever it likes.
                        let _ = serve(&mut stream, &kept, &*answer).await;
                    }
                    *counted.lock().unwrap() += 1;
                });
            }
        });
        Server {
            address,
            requests,
            ended,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// What a grant of this server says.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its own URL for a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// What arrived, each request whole.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until so many connections have ended.
    pub(crate) async fn ended(&self, count: usize) {
        while *self.ended.lock().unwrap() < count {
            tokio::task::yield_now().await;
        }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    kept: &Mutex<Vec<String>>,
    answer: &(dyn Fn(&str) -> Answer + Send + Sync),
) -> std::io::Result<()> {
    let request = request(stream).await?;
    kept.lock().unwrap().push(request.clone());
    match answer(&request) {
        Answer::Bytes(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Answer::Stall(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            while stream.read(&mut [0; 1024]).await? != 0 {}
            Ok(())
        }
        Answer::Endless(bytes, again) => {
            stream.write_all(&bytes).await?;
            loop {
                stream.write_all(&again).await?;
            }
        }
    }
}

async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Ok(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
