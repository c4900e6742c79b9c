//! The contract (`plugin-api/wit`) as Rust types, generated.
//!
//! Separate because it is the one place that says how the contract maps to the host: every import may trap, every
//! export is called asynchronously, and each resource is one of the types below.

wasmtime::component::bindgen!({
    path: "../../plugin-api/wit",
    world: "isocenter:plugin/everything",
    imports: { default: trappable },
    exports: { default: async },
    require_store_data_send: true,
    with: {
        "isocenter:dicom/objects.object": crate::host::object::Object,
        "isocenter:dicom/edits.edits": crate::host::edits::Edits,
        "isocenter:filter/passage.passage": crate::answer::Passage,
        "isocenter:routing/plan.plan": crate::host::plan::Plan,
    },
});
