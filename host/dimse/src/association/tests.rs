mod dcmtk;
mod hostile;
mod meanwhile;
mod pair;

use std::time::Duration;

use super::*;
use crate::command::CommandField;
use crate::negotiation::{Admission, ContextRefusal, Proposal};
use crate::{AeTitle, sop, status};

const CT: &str = sop::CT_IMAGE;
const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
const IMPLICIT_LE: &str = "1.2.840.10008.1.2";

/// Times that a test can wait for.
fn options() -> Options {
    let time = Duration::from_millis(250);
    Options {
        artim: time,
        pdu_time: time,
        idle: time,
        response_time: time,
        write_time: time,
        ..Options::default()
    }
}

/// Times that no test reaches.
fn patient() -> Options {
    let time = Duration::from_secs(20);
    Options {
        artim: time,
        pdu_time: time,
        idle: time,
        response_time: time,
        write_time: time,
        ..Options::default()
    }
}

fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).unwrap()
}

/// Verification as 1, CT as 3 in two syntaxes, worklist as 5.
fn proposal() -> Proposal {
    let mut proposal = Proposal::new(title("USER"), title("PROVIDER"));
    assert_eq!(proposal.add_context(sop::VERIFICATION, &[IMPLICIT_LE]), Ok(1));
    assert_eq!(proposal.add_context(CT, &[EXPLICIT_LE, IMPLICIT_LE]), Ok(3));
    assert_eq!(proposal.add_context(sop::WORKLIST_FIND, &[IMPLICIT_LE]), Ok(5));
    proposal
}

/// Accepts storage and verification with the first syntax.
fn admit(request: &Request) -> Admission {
    let answer = |context: &crate::ProposedContext| {
        let known = context.abstract_syntax == sop::VERIFICATION || sop::is_storage(&context.abstract_syntax);
        match context.transfer_syntaxes.first() {
            Some(syntax) if known => context.accept(syntax),
            _ => context.refuse(ContextRefusal::AbstractSyntax),
        }
    };
    request.contexts.iter().map(answer).collect::<Vec<_>>().into()
}

/// What a provider took, and how it ended.
#[derive(Debug)]
struct Taken {
    objects: Vec<(String, Vec<u8>)>,
    echoes: usize,
    end: Result<(), AssociationError>,
}

/// A storage provider that keeps everything.
async fn provide<S: AsyncRead + AsyncWrite + Unpin + Send>(stream: S, options: Options) -> Taken {
    let mut taken = Taken {
        objects: Vec::new(),
        echoes: 0,
        end: Ok(()),
    };
    taken.end = async {
        let mut association = crate::accept(stream, &options, async |request: &Request| admit(request)).await?;
        while let Incoming::Message(message) = association.next().await? {
            match message.command.field() {
                CommandField::C_ECHO_RQ => taken.echoes += 1,
                CommandField::C_STORE_RQ => {
                    assert!(message.has_data);
                    let mut object = Vec::new();
                    while let Some(fragment) = association.data().await? {
                        assert!(!fragment.is_empty());
                        object.extend_from_slice(&fragment);
                    }
                    assert_eq!(association.data().await?, None);
                    taken
                        .objects
                        .push((message.command.sop_instance().unwrap_or("").into(), object));
                }
                field => panic!("{field}"),
            }
            association
                .send(message.context, &message.command.response(status::SUCCESS), None)
                .await?;
        }
        Ok(())
    }
    .await;
    taken
}

/// Bytes that tell where they were.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31) >> 3) as u8).collect()
}

/// A data set in fragments of that size.
fn fragments(data: &[u8], size: usize) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let chunks: Vec<_> = data
        .chunks(size)
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    futures::stream::iter(chunks)
}
