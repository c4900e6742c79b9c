//! What a peer may search, have and send on: the authorizers of `dicom.authorize` say it of the identity that the gates gave
//! its association. Separate from the services, which only hear within which limits they find anything.

use std::net::IpAddr;
use std::sync::Arc;

use isocenter_archive::index::{Find, FindLevel, Within};
use isocenter_dicom::{Tag, tags};
use isocenter_dimse::{Message, Request, element, status};
use isocenter_pipeline::Pipeline;
use isocenter_pipeline::permission::{self, Denied};
use isocenter_role::{Access, Action, Identity};

use super::identifier::Unfit;

/// Who asks, for as long as its association lasts.
#[derive(Debug, Default)]
pub(super) struct Who {
    /// As the gates said; without gates, nobody in particular.
    pub(super) identity: Arc<Identity>,
    /// What is known of the association, as authorizers are told.
    known: Vec<(String, String)>,
}

impl Who {
    /// The requestor of an association.
    pub(super) fn new(identity: Option<Identity>, request: &Request, address: IpAddr) -> Self {
        let known = [
            ("calling-ae", request.calling_ae.to_string()),
            ("called-ae", request.called_ae.to_string()),
            ("peer", address.to_string()),
        ];
        Self {
            identity: Arc::new(identity.unwrap_or_default()),
            known: known.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    /// Its name, where a gate gave one.
    pub(super) fn subject(&self) -> Option<String> {
        Some(self.identity.subject.clone()).filter(|subject| !subject.is_empty())
    }

    /// Within which limits it may perform this query or retrieval.
    ///
    /// # Errors
    /// "Not authorized" (0124H), or "out of resources" where an authorizer may answer later.
    pub(super) async fn may(
        &self,
        pipeline: &Pipeline,
        action: Action,
        message: &Message,
        find: &Find,
    ) -> Result<Within, Unfit> {
        let mut attributes = vec![("level".to_owned(), level(find.level).to_owned())];
        if let Some(destination) = message.command.text(element::MOVE_DESTINATION) {
            attributes.push(("destination".to_owned(), destination.trim().to_owned()));
        }
        let mut study = None;
        for (tag, value) in &find.matching {
            let one = !value.contains(['\\', '*', '?']);
            match *tag {
                tags::STUDY_INSTANCE_UID if one => study = Some(value.clone()),
                tags::SERIES_INSTANCE_UID if one => attributes.push(("series".to_owned(), value.clone())),
                tags::SOP_INSTANCE_UID if one => attributes.push(("object".to_owned(), value.clone())),
                _ => {}
            }
            if action == Action::Search {
                attributes.push((keyword(*tag), value.clone()));
            }
        }
        self.ask(pipeline, action, message, study, attributes).await
    }

    /// Makes sure that it may perform a request which limits cannot narrow.
    ///
    /// # Errors
    /// [`Self::may`]; also where there are limits.
    pub(super) async fn may_entirely(
        &self,
        pipeline: &Pipeline,
        action: Action,
        message: &Message,
    ) -> Result<(), Unfit> {
        let within = self.ask(pipeline, action, message, None, Vec::new()).await?;
        if within.is_everything() {
            return Ok(());
        }
        tracing::warn!(action = action.as_str(), "an access is denied: it cannot be limited");
        Err(denied())
    }

    async fn ask(
        &self,
        pipeline: &Pipeline,
        action: Action,
        message: &Message,
        study: Option<String>,
        mut attributes: Vec<(String, String)>,
    ) -> Result<Within, Unfit> {
        let set = pipeline.set();
        if set.peer_authorizers.is_empty() {
            return Ok(Within::everything());
        }
        let service = message.command.field().to_string();
        attributes.push(("service".to_owned(), service.trim_end_matches("-RQ").to_owned()));
        attributes.extend(self.known.iter().cloned());
        let access = Access {
            action,
            study,
            attributes,
        };
        let limits = match pipeline.permit(&set.peer_authorizers, &self.identity, &access).await {
            Ok(limits) => limits,
            Err(Denied::Now) => return Err(denied()),
            Err(Denied::For { seconds }) => {
                let comment = format!("ask again in {seconds} s");
                return Err(Unfit::new(status::OUT_OF_RESOURCES, comment));
            }
        };
        permission::rows(&limits).map_err(|error| {
            tracing::warn!(%error, "an access is denied: its limits cannot be kept");
            denied()
        })
    }
}

/// The peer is not told why; the log and the outcomes say it.
fn denied() -> Unfit {
    Unfit::new(status::NOT_AUTHORIZED, "the caller may not")
}

fn level(level: FindLevel) -> &'static str {
    match level {
        FindLevel::Patient => "PATIENT",
        FindLevel::Study => "STUDY",
        FindLevel::Series => "SERIES",
        FindLevel::Object => "IMAGE",
    }
}

fn keyword(tag: Tag) -> String {
    use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
    dicom_dictionary_std::StandardDataDictionary.by_tag(tag).map_or_else(
        || format!("{:04X}{:04X}", tag.group(), tag.element()),
        |entry| entry.alias().to_owned(),
    )
}
