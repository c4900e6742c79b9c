//! An association with a peer that objects are sent to: by deliveries and by C-MOVE alike.

use std::time::Duration;

use isocenter_dimse::{AeTitle, Association, ClientTls, Options, Proposal, Stream, connect, reach};

/// How long a peer may take to accept a TCP connection, and to shake hands where TLS is spoken.
const DIAL: Duration = Duration::from_secs(10);

/// What is asked of a peer: each SOP class in a transfer syntax, in a presentation context of its own.
///
/// # Errors
/// Why it cannot be asked.
pub(crate) fn proposal<'a>(
    calling_ae: &AeTitle,
    called_ae: &AeTitle,
    contexts: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Proposal, String> {
    let mut proposal = Proposal::new(calling_ae.clone(), called_ae.clone());
    for (class, syntax) in contexts {
        proposal
            .add_context(class, &[syntax])
            .map_err(|error| error.to_string())?;
    }
    Ok(proposal)
}

/// Associates with the peer at `host:port`.
///
/// # Errors
/// Why there is no association.
pub(crate) async fn associate(
    address: &str,
    tls: Option<&ClientTls>,
    proposal: &Proposal,
) -> Result<Association<Stream>, String> {
    let stream = reach(address, tls, DIAL).await.map_err(|error| error.to_string())?;
    connect(stream, &Options::default(), proposal)
        .await
        .map_err(|error| error.to_string())
}
