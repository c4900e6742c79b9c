//! What a peer is offered, and what it then gets: an object in the transfer syntax in which it is stored, or uncompressed, or
//! compressed without loss.
//!
//! Separate because deliveries, C-GET and C-MOVE must not differ in this: whatever one of them can send, all can.

use std::collections::BTreeSet;

use isocenter_archive::index::Located;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_pixels::{encodable, is_decodable};

use crate::Pipeline;
use crate::destination::Destination;
use crate::egress::{self, NotSent, Outgoing, Ready};
use crate::peer::PLAIN;

/// Presentation contexts of one association (PS3.8 §9.3.2.2).
const MOST_CONTEXTS: usize = 128;

/// SOP classes with the transfer syntaxes in which objects of them are stored.
pub type Kinds = BTreeSet<(String, String)>;

/// Each kind as it is stored, then each class as nearly every peer takes it, then as it can be compressed, as long as there
/// are contexts.
pub(crate) fn contexts(kinds: &Kinds) -> Vec<(&str, &str)> {
    let stored = kinds.iter().map(|(class, syntax)| (class.as_str(), syntax.as_str()));
    let classes: BTreeSet<&str> = kinds.iter().map(|(class, _)| class.as_str()).collect();
    let made = made().flat_map(|syntax| classes.iter().map(move |class| (*class, syntax)));
    let mut proposed: Vec<(&str, &str)> = Vec::new();
    for context in stored.chain(made) {
        if !proposed.contains(&context) && proposed.len() < MOST_CONTEXTS {
            proposed.push(context);
        }
    }
    proposed
}

/// Whether what is stored in one transfer syntax can be made into one that `takes` says yes to, as far as that can be told
/// without its frames.
pub fn convertible(stored: &str, takes: impl Fn(&str) -> bool) -> bool {
    let known = TransferSyntax::lookup(stored);
    let read = known.is_some_and(|syntax| is_decodable(&syntax) && !syntax.is_big_endian());
    read && made().any(takes)
}

/// Whether objects that are stored in other transfer syntaxes can be sent in this one.
pub fn is_made(syntax: &str) -> bool {
    made().any(|made| made == syntax)
}

fn made() -> impl Iterator<Item = &'static str> {
    PLAIN.into_iter().chain(encodable())
}

/// An object for a peer, in the first of these that `takes` says yes to: the syntax that it is stored in, explicit and
/// implicit VR little endian, a compressed syntax that it can be encoded in without loss. `to`: whose filters it passes.
///
/// # Errors
/// Why it is not sent, without a value of its header.
pub(crate) async fn prepare(
    pipeline: &Pipeline,
    to: Option<&Destination>,
    located: &Located,
    takes: impl Fn(&str, &str) -> bool + Send,
) -> Result<Outgoing, NotSent> {
    if to.is_none() && takes(located.identity.sop_class.as_str(), located.syntax.as_str()) {
        return egress::as_stored(pipeline, located);
    }
    let ready: Ready = match to {
        Some(destination) => egress::pass(pipeline, destination, located).await,
        None => egress::unfiltered(pipeline, located).await,
    }?;
    let class = ready.identity.sop_class.as_str();
    if takes(class, ready.syntax.uid().as_str()) {
        return ready.open(pipeline).await;
    }
    if let Some(plain) = PLAIN.into_iter().find(|plain| takes(class, plain)) {
        let plain = TransferSyntax::lookup(plain).unwrap_or_else(TransferSyntax::implicit_le);
        return ready.convert(pipeline, &plain).await;
    }
    let compressed = encodable().filter(|syntax| takes(class, syntax));
    let compressed: Vec<TransferSyntax> = compressed.filter_map(TransferSyntax::lookup).collect();
    if compressed.is_empty() {
        return Err(NotSent::Dead(format!(
            "the peer takes {class} neither in transfer syntax {} nor in one that it can be converted to",
            ready.syntax.uid()
        )));
    }
    ready.compress(pipeline, compressed).await
}

#[cfg(test)]
mod tests;
