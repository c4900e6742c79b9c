//! DNS and the internet as a test says. A public address leads to the same port of this machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt as _};
use isocenter_outbound::{Connection, Network};
use tokio::net::TcpStream;

/// A public address of this machine itself.
pub(crate) const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(5, 5, 5, 5));

/// One where nothing listens.
pub(crate) const CLOSED: IpAddr = IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9));

/// The addresses of a host when it is asked for the nth time.
type Zone = dyn Fn(&str, usize) -> Vec<IpAddr> + Send + Sync;

pub(crate) struct Faked {
    zone: Box<Zone>,
    resolved: Mutex<Vec<String>>,
    dialled: Mutex<Vec<SocketAddr>>,
}

impl Faked {
    pub(crate) fn new(zone: impl Fn(&str, usize) -> Vec<IpAddr> + Send + Sync + 'static) -> Arc<Faked> {
        Arc::new(Faked {
            zone: Box::new(zone),
            resolved: Mutex::default(),
            dialled: Mutex::default(),
        })
    }

    /// Every name has these addresses.
    pub(crate) fn always(addresses: &str) -> Arc<Faked> {
        let addresses: Vec<IpAddr> = addresses.split_whitespace().map(|text| text.parse().unwrap()).collect();
        Faked::new(move |_, _| addresses.clone())
    }

    pub(crate) fn resolved(&self) -> Vec<String> {
        self.resolved.lock().unwrap().clone()
    }

    pub(crate) fn dialled(&self) -> Vec<String> {
        self.dialled
            .lock()
            .unwrap()
            .iter()
            .map(|address| address.ip().to_string())
            .collect()
    }
}

impl Network for Faked {
    fn resolve(&self, host: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut resolved = self.resolved.lock().unwrap();
        resolved.push(host.to_owned());
        let nth = resolved.iter().filter(|name| *name == host).count();
        let found = (self.zone)(host, nth);
        async move {
            if found.is_empty() {
                return Err(io::Error::other("no such name"));
            }
            Ok(found)
        }
        .boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Connection>> {
        self.dialled.lock().unwrap().push(address);
        let itself = address.ip() == OWN;
        let refuses = address.ip() == CLOSED;
        async move {
            if refuses {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).await?;
            Ok(Connection {
                stream,
                local: if itself {
                    address.ip()
                } else {
                    Ipv4Addr::LOCALHOST.into()
                },
            })
        }
        .boxed()
    }
}
