//! The roles beside filter and router.

use isocenter::{
    Access, Admission, Analyzer, Association, Authenticator, Authorizer, Credentials, Decision, Draft, DraftKind,
    Error, Event, Gate, Identity, Limit, Next, Plan, Rejection, Request, Response, Result, Results, Route, Sink, Study,
    StudyRouter, Value, Worker, archive, host, tags,
};

use crate::acts::{act, mebibytes};
use crate::{Config, Probe, everywhere, told};

/// Says it in the log, where the role has no other place.
fn say(said: &str) {
    if !said.is_empty() {
        host::log(host::Level::Info, said, &[]);
    }
}

/// What a study says: its first member.
fn told_by(study: &mut Study<'_>) -> String {
    study.members().next().map_or_else(String::new, |object| told(&object))
}

/// What every role that is given a study can do with it.
fn study_act(what: &str, study: &mut Study<'_>, config: &Config) -> Result<String> {
    match what {
        "members" => {
            let series: Vec<String> = study
                .series()
                .into_iter()
                .map(|series| format!("{series}: {}", study.members_of(&series).count()))
                .collect();
            Ok(format!("{} of {}; {}", study.count(), study.id(), series.join(", ")))
        }
        "objects" => {
            let mut open = Vec::new();
            loop {
                open.extend(study.members());
            }
        }
        what => act(what, config),
    }
}

impl StudyRouter for Probe {
    type Config = Config;

    fn route_study(study: &mut Study<'_>, plan: &mut Plan<'_>, config: &Config) -> Result<()> {
        match config.act(|| told_by(study)).as_str() {
            "everywhere" => everywhere(plan),
            what => study_act(what, study, config).map(|said| say(&said)),
        }
    }
}

impl Analyzer for Probe {
    type Config = Config;

    fn start(study: &mut Study<'_>, results: &mut Results<'_>, config: &Config) -> Result<Next> {
        let what = config.act(|| told_by(study));
        analyze(&what, study, results, config)
    }

    fn resume(token: &[u8], study: &mut Study<'_>, results: &mut Results<'_>, config: &Config) -> Result<Next> {
        let what = config.act(|| String::from_utf8_lossy(token).into_owned());
        // Once is enough: a second `wait` would be resumed for ever.
        let what = if what == "wait" { "draft".to_owned() } else { what };
        analyze(&what, study, results, config)
    }
}

fn analyze(what: &str, study: &mut Study<'_>, results: &mut Results<'_>, config: &Config) -> Result<Next> {
    let mut draft = || {
        let source = study.members().next();
        let source = source.ok_or_else(|| Error::never("the study is empty"))?;
        let mut draft = Draft::new(DraftKind::SecondaryCapture, &source);
        draft.set(tags::ROWS, Value::Unsigned(vec![2]));
        draft.set(tags::COLUMNS, Value::Unsigned(vec![2]));
        draft.append_pixels(&[0, 85, 170, 255]);
        Ok::<_, Error>(draft)
    };
    match what {
        "wait" => return Ok(Next::wait("draft", 1)),
        "huge-token" => return Ok(Next::wait(mebibytes(config), 1)),
        "draft" => results.add(draft()?),
        "draft-and-wait" => {
            results.add(draft()?);
            return Ok(Next::wait("draft", 1));
        }
        "drafts" => {
            let mut open = Vec::new();
            loop {
                open.push(draft()?);
            }
        }
        "draft-values" => {
            let mut draft = draft()?;
            let value = Value::Text(vec!["x".repeat(1 << 20)]);
            loop {
                draft.set(tags::IMAGE_COMMENTS, value.clone());
            }
        }
        "draft-pixels" => {
            let mut draft = draft()?;
            let bytes = vec![1; 4 << 20];
            loop {
                draft.append_pixels(&bytes);
            }
        }
        what => {
            let said = study_act(what, study, config)?;
            results.progress(100, &said);
        }
    }
    Ok(Next::Done)
}

impl Authenticator for Probe {
    type Config = Config;

    fn authenticate(credentials: &Credentials<'_>, config: &Config) -> Result<Option<Identity>> {
        let what = config.act(|| credentials.bearer().unwrap_or_else(|| "nobody".into()));
        match what.as_str() {
            "nobody" => Ok(None),
            "nameless" => Ok(Some(Identity::new("", "probe"))),
            "many-claims" => {
                let mut identity = Identity::new("probe", "probe");
                identity.claims = vec![("claim".into(), "value".into()); 10_000];
                Ok(Some(identity))
            }
            what => act(what, config).map(|said| Some(identity(&said))),
        }
    }
}

fn identity(said: &str) -> Identity {
    Identity::new(if said.is_empty() { "probe" } else { said }, "probe")
}

impl Authorizer for Probe {
    type Config = Config;

    fn authorize(who: &Identity, access: &Access<'_>, config: &Config) -> Result<Decision> {
        let what = config.act(|| access.attribute("path").unwrap_or_default());
        match what.as_str() {
            "within" => Ok(Decision::within(tags::PATIENT_ID, [who.subject.as_str()])),
            "within-nothing" => Ok(Decision::Within(Vec::new())),
            "many-limits" => {
                let limit = Limit {
                    tag: tags::PATIENT_ID,
                    one_of: vec!["P1".into()],
                };
                Ok(Decision::Within(vec![limit; 1000]))
            }
            "deny" => Ok(Decision::deny("the probe\ndenies")),
            what => match act(what, config)? {
                said if said.is_empty() => Ok(Decision::Allow),
                said => Ok(Decision::deny(said)),
            },
        }
    }
}

impl Gate for Probe {
    type Config = Config;

    fn admit(association: &Association<'_>, config: &Config) -> Result<Admission> {
        let what = config.act(|| association.calling_ae().to_lowercase());
        match what.as_str() {
            "reject" => Ok(Admission::Reject(Rejection::CallingAeUnknown)),
            "nameless" => Ok(Admission::Admit(Identity::new("", "probe"))),
            what => act(what, config).map(|said| Admission::Admit(identity(&said))),
        }
    }
}

impl Sink for Probe {
    type Config = Config;

    fn deliver(batch: &[Event], config: &Config) -> Result<()> {
        for event in batch {
            let said = act(&config.act(|| event.kind.clone()), config)?;
            say(&said);
        }
        Ok(())
    }
}

impl Route for Probe {
    type Config = Config;

    fn handle(request: &Request<'_>, response: &mut Response<'_>, config: &Config) -> Result<()> {
        let path = request.path();
        let what = config.act(|| path.trim_start_matches('/').to_owned());
        let query = |name| request.query(name).concat();
        match what.as_str() {
            "page" => {
                response.text("text/html; charset=utf-8", "<h1>probe</h1>");
            }
            "echo" => {
                let body = request.body(1 << 20)?;
                let line = format!("{} {path} {} ", request.method(), request.subject());
                response.status(201).write(line.as_bytes()).write(&body);
            }
            "object" => match archive::open(&query("uid")) {
                Some(object) => {
                    response.header("content-type", "application/dicom").object(&object);
                }
                None => {
                    response.status(404);
                }
            },
            "study" => match archive::open_study(&query("uid")) {
                Some(mut study) => {
                    let said = study_act("members", &mut study, config)?;
                    response.text("text/plain", &said);
                }
                None => {
                    response.status(404);
                }
            },
            "search" => {
                let found = archive::search("studies", &[("PatientID", &query("patient"))])?;
                let studies: Vec<String> = found
                    .iter()
                    .map(|study| study.first(tags::STUDY_INSTANCE_UID))
                    .collect();
                response.text("text/plain", &studies.join(" "));
            }
            "status-99" => {
                response.status(99);
            }
            "split-header" => {
                response.header("x-probe", "a\r\nset-cookie: stolen=1");
            }
            "write-flood" => loop {
                response.write(&[b'x'; 1 << 16]);
            },
            what => {
                let said = act(what, config)?;
                response.text("text/plain", &said);
            }
        }
        Ok(())
    }
}

impl Worker for Probe {
    type Config = Config;

    fn run(_queue: &str, payload: &[u8], config: &Config) -> Result<()> {
        let what = config.act(|| String::from_utf8_lossy(payload).into_owned());
        act(&what, config).map(|said| say(&said))
    }
}
