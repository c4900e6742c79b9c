//! The contract (`plugin-api/wit`) as Rust types, generated.
//!
//! Separate because it is the one place that says how the contract maps to the host: every import may trap, those that
//! wait for something outside the call are asynchronous, every export is called asynchronously, and each resource is
//! one of the types below.

wasmtime::component::bindgen!({
    path: "../../plugin-api/wit",
    world: "isocenter:plugin/everything",
    imports: {
        "isocenter:host/state": async | trappable,
        "isocenter:host/http.send": async | trappable,
        "isocenter:host/http.[method]response.read": async | trappable,
        "isocenter:host/jobs.enqueue": async | trappable,
        "isocenter:dicom/pixels.open": async | trappable,
        "isocenter:dicom/studies.[method]study.next": async | trappable,
        "isocenter:inference/models.run": async | trappable,
        "isocenter:inference/models.[static]tensor.of-series": async | trappable,
        "isocenter:http-ext/archive": async | trappable,
        "isocenter:http-ext/exchange.[method]request.read": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    require_store_data_send: true,
    with: {
        "isocenter:host/http.request": crate::host::http::Request,
        "isocenter:host/http.response": crate::host::http::Response,
        "isocenter:dicom/objects.object": crate::host::object::Object,
        "isocenter:dicom/edits.edits": crate::host::edits::Edits,
        "isocenter:dicom/pixels.frame": crate::host::pixels::Frame,
        "isocenter:dicom/studies.study": crate::host::studies::Study,
        "isocenter:dicom/drafts.draft": crate::host::drafts::Draft,
        "isocenter:filter/passage.passage": crate::host::passage::Passage,
        "isocenter:routing/plan.plan": crate::host::plan::Plan,
        "isocenter:auth/evidence.credentials": crate::host::evidence::Credentials,
        "isocenter:auth/evidence.association": crate::host::evidence::Association,
        "isocenter:auth/evidence.access": crate::host::evidence::Access,
        "isocenter:inference/results.results": crate::host::results::Results,
        "isocenter:inference/models.tensor": crate::host::models::Tensor,
        "isocenter:http-ext/exchange.request": crate::host::exchange::Request,
        "isocenter:http-ext/exchange.response": crate::host::exchange::Response,
    },
});
