//! WADO-RS metadata: headers as DICOM JSON (PS3.18 §10.4.1.1.2), an array with an element for each object.
//!
//! Headers are read from the packs and parsed again; a few at a time, in order. Pixel data is left out as a BulkDataURI
//! that points at the object, which is where its bytes can be had.

use axum::extract::State;
use axum::response::Response;
use futures::stream::StreamExt;
use isocenter_archive::index::Located;
use isocenter_dicom::header::Header;
use isocenter_dicom::syntax::TransferSyntax;
use isocenter_dicom::{Tag, Value, tags};
use serde_json::json;

use super::Scope;
use super::json_array::{self, DataSet};
use super::objects::Objects;
use crate::accept::{self, Accepted};
use crate::access::Visitor;
use crate::app::AppState;
use crate::attribute::digits;
use crate::base_url::BaseUrl;
use crate::error::RouteError;

/// Headers read at a time.
const AT_ONCE: usize = 4;

/// The scope of the path decides whose metadata it is.
pub(super) async fn answer(
    State(state): State<AppState>,
    visitor: Visitor,
    scope: Scope,
    base: BaseUrl,
    Accepted(accepted): Accepted,
) -> Result<Response, RouteError> {
    let content_type = accept::json(&accepted)?;
    let objects = Objects::find(&state, scope, visitor.within()).await?;
    let elements = objects
        .stream()
        .map(move |at| {
            let (state, base) = (state.clone(), base.clone());
            async move {
                let at = at?;
                let header = state.archive().read_header(&at).await?;
                Ok(data_set(&header, &at, &base))
            }
        })
        .buffered(AT_ONCE);
    Ok(json_array::response(content_type, elements))
}

fn data_set(header: &Header, at: &Located, base: &BaseUrl) -> DataSet {
    let mut data_set = header.to_json();
    let identity = &at.identity;
    if has_pixels(header, at) {
        let (tag, vr) = pixel_element(header);
        let uri = base.object(&identity.study, &identity.series, &identity.sop_instance);
        data_set.insert(digits(tag), json!({ "vr": vr, "BulkDataURI": uri }));
    }
    data_set.insert(
        digits(tags::AVAILABLE_TRANSFER_SYNTAX_UID),
        json!({ "vr": "UI", "Value": [at.syntax.as_str()] }),
    );
    data_set
}

/// Whether something follows the header. Of a deflated object the place does not say; its image module does.
fn has_pixels(header: &Header, at: &Located) -> bool {
    let deflated = TransferSyntax::lookup(at.syntax.as_str()).is_some_and(|syntax| syntax.is_deflated());
    if deflated {
        header.element(&tags::BITS_ALLOCATED.into()).is_some()
    } else {
        at.place.length > u64::from(at.place.header_length)
    }
}

/// Which pixel element it is and its VR, as far as the header tells (PS3.5 §8, PS3.3 §C.7.6.24): float pixels have 32 or
/// 64 bits and no Pixel Representation.
fn pixel_element(header: &Header) -> (Tag, &'static str) {
    let bits = match header.value(&tags::BITS_ALLOCATED.into()) {
        Some(Value::Unsigned(bits)) => bits.first().copied(),
        _ => None,
    };
    let float = header.element(&tags::PIXEL_REPRESENTATION.into()).is_none();
    match bits {
        Some(32) if float => (tags::FLOAT_PIXEL_DATA, "OF"),
        Some(64) if float => (tags::DOUBLE_FLOAT_PIXEL_DATA, "OD"),
        Some(1..=8) => (tags::PIXEL_DATA, "OB"),
        _ if header.syntax().is_encapsulated() => (tags::PIXEL_DATA, "OB"),
        _ => (tags::PIXEL_DATA, "OW"),
    }
}
