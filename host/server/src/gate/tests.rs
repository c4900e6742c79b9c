//! Gates built into the test: to whoever asks they are the same as plugins.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use isocenter_dimse::{AeTitle, ProposedContext, Rejection, Request, UserIdentity, UserIdentityKind};
use isocenter_role::{Applicant, Call, Cost, Failure, Gate, GateRejection, Identity, Outcome, Part, State};

use super::{Peer, admit};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));

fn peer() -> Peer {
    Peer {
        address: PEER,
        over_tls: true,
        certificate_subject: Some("CN=ct1".into()),
    }
}

/// Always gives the same answer, and remembers whom it was asked about.
struct Fixed {
    answer: Result<Result<Identity, GateRejection>, Failure>,
    asked: Mutex<Vec<Applicant>>,
}

impl Part for Fixed {
    fn name(&self) -> &str {
        "fixed"
    }

    fn digest(&self) -> &str {
        ""
    }

    fn state(&self) -> State {
        State::Ready
    }
}

impl Gate for Fixed {
    fn admit(self: Arc<Self>, applicant: Arc<Applicant>) -> Call<'static, Result<Identity, GateRejection>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push((*applicant).clone());
            Outcome {
                result: self.answer.clone(),
                cost: Cost::default(),
            }
        })
    }
}

fn fixed(answer: Result<Result<Identity, GateRejection>, Failure>) -> Arc<Fixed> {
    Arc::new(Fixed {
        answer,
        asked: Mutex::new(Vec::new()),
    })
}

fn named(subject: &str) -> Result<Result<Identity, GateRejection>, Failure> {
    Ok(Ok(Identity {
        subject: subject.to_owned(),
        ..Identity::default()
    }))
}

fn request(user_identity: Option<UserIdentity>) -> Request {
    Request {
        calling_ae: AeTitle::parse("CT-7").unwrap(),
        called_ae: AeTitle::parse("ISOCENTER").unwrap(),
        contexts: vec![ProposedContext {
            id: 1,
            abstract_syntax: "1.2.840.10008.1.1".to_owned(),
            transfer_syntaxes: vec!["1.2.840.10008.1.2".to_owned()],
        }],
        max_pdu: 0,
        implementation_class_uid: String::new(),
        implementation_version: None,
        window: None,
        roles: Vec::new(),
        extended: Vec::new(),
        user_identity,
    }
}

fn identity(kind: UserIdentityKind, primary: &'static [u8], secondary: &'static [u8]) -> UserIdentity {
    UserIdentity {
        kind,
        primary: Bytes::from_static(primary),
        secondary: Bytes::from_static(secondary),
        response_requested: false,
    }
}

async fn asked(gates: &[Arc<Fixed>], request: &Request) -> Result<Option<Identity>, Rejection> {
    let gates: Vec<Arc<dyn Gate>> = gates.iter().map(|gate| Arc::clone(gate) as Arc<dyn Gate>).collect();
    admit(&gates, request, &peer(), &|_, _| {}).await
}

#[tokio::test]
async fn without_gates_nobody_is_asked_or_named() {
    assert_eq!(asked(&[], &request(None)).await, Ok(None));
}

#[tokio::test]
async fn all_must_admit_and_the_first_names_the_caller() {
    let (first, second) = (fixed(named("mri")), fixed(named("other")));
    let admitted = asked(&[first, Arc::clone(&second)], &request(None)).await.unwrap();
    assert_eq!(admitted.unwrap().subject, "mri");
    assert_eq!(second.asked.lock().unwrap().len(), 1);
    let gates = [fixed(named("mri")), fixed(Ok(Err(GateRejection::NoReason)))];
    assert_eq!(asked(&gates, &request(None)).await, Err(Rejection::NO_REASON));
}

#[tokio::test]
async fn every_answer_is_told_in_words_without_what_was_shown() {
    let gates: Vec<Arc<dyn Gate>> = vec![
        fixed(named("mri")),
        fixed(Ok(Err(GateRejection::CallingAeUnknown))),
        fixed(named("never asked")),
    ];
    let words = Mutex::new(Vec::new());
    let shown = request(Some(identity(UserIdentityKind::UsernamePasscode, b"ann", b"pw")));
    let told = |gate: &dyn Gate, answer: &super::Answer| {
        let answered = super::answered(answer.result.as_ref().unwrap());
        let said = (gate.name().to_owned(), answered.word, answered.reason);
        words.lock().unwrap().push(said);
    };
    assert!(admit(&gates, &shown, &peer(), &told).await.is_err());
    let reason = Some("calling AE title not recognized".to_owned());
    let expected = [
        ("fixed".to_owned(), "admitted", None),
        ("fixed".to_owned(), "rejected", reason),
    ];
    assert_eq!(words.into_inner().unwrap(), expected);
}

#[tokio::test]
async fn a_rejection_is_told_as_the_standard_words_it() {
    for (rejection, told) in [
        (GateRejection::CallingAeUnknown, Rejection::CALLING_AE),
        (GateRejection::CalledAeUnknown, Rejection::CALLED_AE),
        (GateRejection::NotNow, Rejection::CONGESTION),
        (GateRejection::NoReason, Rejection::NO_REASON),
    ] {
        let later = fixed(named("never asked"));
        let gates = [fixed(Ok(Err(rejection))), Arc::clone(&later)];
        assert_eq!(asked(&gates, &request(None)).await, Err(told));
        assert!(later.asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_gate_that_fails_lets_nobody_in() {
    let permanent = [
        Failure::Trap("unreachable".to_owned()),
        Failure::Never("no".to_owned()),
        Failure::Memory { limit: 1 },
        Failure::Deadline {
            clock: isocenter_role::Clock::Wall,
            limit: Duration::from_millis(500),
        },
    ];
    for failure in permanent {
        let gates = [fixed(named("mri")), fixed(Err(failure))];
        assert_eq!(asked(&gates, &request(None)).await, Err(Rejection::NO_REASON));
    }
    let passing = [
        Failure::Overloaded,
        Failure::After {
            seconds: 3,
            reason: "starting".to_owned(),
        },
        Failure::Tripped {
            retry_after: Duration::from_secs(2),
            failures: 5,
        },
    ];
    for failure in passing {
        assert_eq!(
            asked(&[fixed(Err(failure))], &request(None)).await,
            Err(Rejection::CONGESTION)
        );
    }
}

#[tokio::test]
async fn gates_see_who_asks_and_for_what() {
    use UserIdentityKind::{Jwt, Other, Username, UsernamePasscode};
    for (shown, username, passcode) in [
        (None, None, None),
        (Some(identity(Username, b"ann", b"")), Some("ann"), None),
        (
            Some(identity(UsernamePasscode, b"ann", b"pw")),
            Some("ann"),
            Some(&b"pw"[..]),
        ),
        (Some(identity(Jwt, b"a.b.c", b"")), None, Some(&b"a.b.c"[..])),
        (Some(identity(Other(9), b"x", b"y")), None, None),
    ] {
        let gate = fixed(named("ann"));
        asked(&[Arc::clone(&gate)], &request(shown)).await.unwrap();
        let applicant = gate.asked.lock().unwrap().pop().unwrap();
        assert_eq!(applicant.username.as_deref(), username);
        assert_eq!(applicant.passcode.as_deref(), passcode);
        assert_eq!((&*applicant.calling_ae, &*applicant.called_ae), ("CT-7", "ISOCENTER"));
        assert_eq!(applicant.peer, Some(PEER));
        assert_eq!(applicant.abstract_syntaxes, ["1.2.840.10008.1.1"]);
    }
}

#[tokio::test]
async fn a_name_that_is_no_text_is_rejected_unasked() {
    let gate = fixed(named("ann"));
    let garbled = request(Some(identity(UserIdentityKind::Username, b"\xff\xfe", b"")));
    assert_eq!(asked(&[Arc::clone(&gate)], &garbled).await, Err(Rejection::NO_REASON));
    assert!(gate.asked.lock().unwrap().is_empty());
}
