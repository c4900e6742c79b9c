//! The outline: a configuration in a few lines, for `isocenter check`.
//!
//! Apart from the reader because it says what was understood, in the operator's words, and never what a secret is.

use super::{Chain, Config, Sink, Target, UnknownCallers};

impl Config {
    /// What serves whom, where objects go and what is told to others; a line each.
    pub fn outline(&self) -> Vec<String> {
        let mut lines = vec![self.dicom_line(), self.http_line()];
        if let Some(hl7) = &self.hl7 {
            lines.push(format!(
                "hl7: orders on {}, {} networks of callers",
                hl7.listen,
                hl7.callers.len()
            ));
        }
        lines.push(format!("data: {}", self.storage.data.display()));
        for (name, engine) in &self.engines {
            let (source, digest) = (engine.source.display(), engine.digest.as_str());
            lines.push(format!(
                "engine {name}: {source} ({digest}), trusted with all rights of the host"
            ));
        }
        for (name, model) in &self.models {
            lines.push(format!(
                "model {name}: {} by engine {}",
                model.file.display(),
                model.engine
            ));
        }
        lines.extend(self.chains.iter().map(chain));
        for (name, destination) in &self.destinations {
            let target = match &destination.target {
                Target::Dicom(peer) => {
                    let over = if peer.tls.is_some() { " over TLS" } else { "" };
                    let committed = match peer.commit_within {
                        Some(_) => ", which is to answer for what it was sent",
                        None => "",
                    };
                    format!("{} at {}{over}{committed}", peer.ae_title, peer.address)
                }
                Target::Folder(folder) => folder.display().to_string(),
            };
            lines.push(format!(
                "destination {name}: {target}{}",
                then("egress", &destination.egress)
            ));
        }
        lines.extend(self.sinks.iter().map(sink));
        if let Some(telemetry) = &self.telemetry {
            lines.push(format!(
                "telemetry: {} of all traces to {}",
                telemetry.sample, telemetry.otlp
            ));
        }
        if let Some(authorities) = &self.outbound.ca {
            lines.push(format!("outbound: trusts {}", authorities.display()));
        }
        lines
    }

    fn dicom_line(&self) -> String {
        let dicom = &self.dicom;
        let tls = dicom.tls.as_ref();
        let tls = tls.map(|tls| match &tls.client_ca {
            Some(_) => format!(", over TLS with certificates of callers on {}", tls.listen),
            None => format!(", over TLS on {}", tls.listen),
        });
        let callers = match (dicom.callers.len(), dicom.unknown_callers) {
            (0, UnknownCallers::Local | UnknownCallers::Accept) => String::new(),
            (entries, unknown) => format!(", {entries} entries of callers, unknown ones: {}", unknown.as_str()),
        };
        format!(
            "dicom: {} on {}{}{callers}{}{}",
            dicom.ae_title,
            dicom.listen,
            tls.unwrap_or_default(),
            then("gate", &dicom.gate),
            then("authorize", &dicom.authorize)
        )
    }

    fn http_line(&self) -> String {
        let http = &self.http;
        let steps = [
            then("authenticate", &http.authenticate),
            then("authorize", &http.authorize),
            then("routes", &http.routes),
        ];
        format!("http: {}{}", http.listen, steps.concat())
    }
}

fn chain(chain: &Chain) -> String {
    let hooks = [
        ("ingest", &chain.ingest),
        ("route", &chain.route),
        ("study-route", &chain.study_route),
        ("analyze", &chain.analyze),
    ];
    let steps: Vec<String> = hooks
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(hook, names)| format!("{hook} {}", names.join(" → ")))
        .collect();
    let waits = !chain.study_route.is_empty() || !chain.analyze.is_empty();
    let quiet = if waits {
        format!(", once quiet for {} s", chain.quiet.as_secs_f64())
    } else {
        String::new()
    };
    let shadow = if chain.shadow { " (shadow: changes nothing)" } else { "" };
    format!("chain {}{shadow}: {}{quiet}", chain.name, steps.join(", "))
}

fn sink(sink: &Sink) -> String {
    let kinds = if sink.kinds.is_empty() {
        "every event".to_owned()
    } else {
        sink.kinds.join(", ")
    };
    format!("sink {}: {kinds}, at most {} at a time", sink.plugin, sink.batch)
}

/// ", `what` a → b", or nothing.
fn then(what: &str, names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(", {what} {}", names.join(" → "))
    }
}
