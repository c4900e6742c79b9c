//! The contract as the guest sees it, generated from `plugin-api/wit`.
//!
//! Separate, and not for plugin authors: the modules beside this one wrap it. One world per role, so that a plugin
//! exports the roles it plays and no other; what it imports is what it calls.

#[expect(missing_docs, reason = "generated")]
pub mod filter {
    wit_bindgen::generate!({
        path: "../plugin-api/wit",
        world: "isocenter:filter/object-filter",
        generate_all,
        runtime_path: "::isocenter_sdk::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_filter",
        default_bindings_module: "::isocenter_sdk::bindings::filter",
        additional_derives: [PartialEq],
    });
}

#[expect(missing_docs, reason = "generated")]
pub mod router {
    wit_bindgen::generate!({
        path: "../plugin-api/wit",
        world: "isocenter:routing/object-routing",
        with: {
            "isocenter:host/failure@0.1.1": crate::bindings::filter::isocenter::host::failure,
            "isocenter:host/log@0.1.1": crate::bindings::filter::isocenter::host::log,
            "isocenter:host/metrics@0.1.1": crate::bindings::filter::isocenter::host::metrics,
            "isocenter:host/config@0.1.1": crate::bindings::filter::isocenter::host::config,
            "isocenter:host/clock@0.1.1": crate::bindings::filter::isocenter::host::clock,
            "isocenter:host/random@0.1.1": crate::bindings::filter::isocenter::host::random,
            "isocenter:dicom/types@0.1.1": crate::bindings::filter::isocenter::dicom::types,
            "isocenter:dicom/objects@0.1.1": crate::bindings::filter::isocenter::dicom::objects,
        },
        generate_all,
        runtime_path: "::isocenter_sdk::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_router",
        default_bindings_module: "::isocenter_sdk::bindings::router",
    });
}

#[expect(missing_docs, reason = "generated")]
pub mod lifecycle {
    wit_bindgen::generate!({
        path: "../plugin-api/wit",
        world: "isocenter:plugin/checked",
        runtime_path: "::isocenter_sdk::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_lifecycle",
        default_bindings_module: "::isocenter_sdk::bindings::lifecycle",
    });
}
