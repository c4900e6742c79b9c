//! The contract as the guest sees it, generated from `plugin-api/wit`.
//!
//! Separate, and not for plugin authors: the modules beside this one wrap it. One module for all that a plugin may
//! import, and one for each role that it may export, so that a plugin exports the roles it plays and no other. What a
//! component imports is what its code calls: the rest is dropped when the component is made.

/// Every capability and every resource of the contract.
#[expect(missing_docs, reason = "generated")]
pub mod imports {
    wit_bindgen::generate!({
        path: "../plugin-api/wit",
        inline: "
            package isocenter:sdk;
            world imports {
                import isocenter:host/failure@0.1.1;
                import isocenter:host/log@0.1.1;
                import isocenter:host/metrics@0.1.1;
                import isocenter:host/config@0.1.1;
                import isocenter:host/clock@0.1.1;
                import isocenter:host/random@0.1.1;
                import isocenter:host/secrets@0.1.1;
                import isocenter:host/state@0.1.1;
                import isocenter:host/http@0.1.1;
                import isocenter:host/jobs@0.1.1;
                import isocenter:dicom/types@0.1.1;
                import isocenter:dicom/objects@0.1.1;
                import isocenter:dicom/edits@0.1.1;
                import isocenter:dicom/pixels@0.1.1;
                import isocenter:dicom/studies@0.1.1;
                import isocenter:dicom/drafts@0.1.1;
                import isocenter:filter/passage@0.1.1;
                import isocenter:routing/plan@0.1.1;
                import isocenter:inference/models@0.1.0;
                import isocenter:inference/results@0.1.0;
                import isocenter:auth/identity@0.1.0;
                import isocenter:auth/evidence@0.1.0;
                import isocenter:http-ext/exchange@0.1.0;
                import isocenter:http-ext/archive@0.1.0;
            }",
        generate_all,
        runtime_path: "::isocenter::wit_bindgen::rt",
        additional_derives: [PartialEq],
    });
}

/// The module of one role: its name, its world, and what of the imports its functions mention.
macro_rules! role {
    ($role:ident, $world:tt, { $($interface:tt : $package:ident :: $module:ident),* $(,)? }) => {
        #[expect(missing_docs, reason = "generated")]
        pub mod $role {
            wit_bindgen::generate!({
                path: "../plugin-api/wit",
                inline: $world,
                with: { $($interface: crate::bindings::imports::isocenter::$package::$module),* },
                generate_all,
                runtime_path: "::isocenter::wit_bindgen::rt",
                pub_export_macro: true,
                export_macro_name: "export",
            });
        }
    };
}

role!(
    lifecycle,
    "package isocenter:sdk; world lifecycle { export isocenter:plugin/lifecycle@0.1.1; }",
    {}
);

role!(
    filter,
    "package isocenter:sdk; world filter { export isocenter:filter/filter@0.1.1; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
        "isocenter:dicom/types@0.1.1": dicom::types,
        "isocenter:dicom/objects@0.1.1": dicom::objects,
        "isocenter:dicom/edits@0.1.1": dicom::edits,
        "isocenter:filter/passage@0.1.1": filter::passage,
    }
);

role!(
    router,
    "package isocenter:sdk; world router { export isocenter:routing/router@0.1.1; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
        "isocenter:dicom/types@0.1.1": dicom::types,
        "isocenter:dicom/objects@0.1.1": dicom::objects,
        "isocenter:routing/plan@0.1.1": routing::plan,
    }
);

role!(
    study_router,
    "package isocenter:sdk; world study-router { export isocenter:routing/study-router@0.1.1; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
        "isocenter:dicom/types@0.1.1": dicom::types,
        "isocenter:dicom/objects@0.1.1": dicom::objects,
        "isocenter:dicom/studies@0.1.1": dicom::studies,
        "isocenter:routing/plan@0.1.1": routing::plan,
    }
);

role!(
    analyzer,
    "package isocenter:sdk; world analyzer { export isocenter:inference/analyzer@0.1.0; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
        "isocenter:dicom/types@0.1.1": dicom::types,
        "isocenter:dicom/objects@0.1.1": dicom::objects,
        "isocenter:dicom/studies@0.1.1": dicom::studies,
        "isocenter:dicom/drafts@0.1.1": dicom::drafts,
        "isocenter:inference/results@0.1.0": inference::results,
    }
);

role!(
    authenticator,
    "package isocenter:sdk; world authenticator { export isocenter:auth/authenticator@0.1.0; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
        "isocenter:auth/identity@0.1.0": auth::identity,
        "isocenter:auth/evidence@0.1.0": auth::evidence,
    }
);

role!(
    authorizer,
    "package isocenter:sdk; world authorizer { export isocenter:auth/authorizer@0.1.0; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
        "isocenter:auth/identity@0.1.0": auth::identity,
        "isocenter:auth/evidence@0.1.0": auth::evidence,
    }
);

role!(
    gate,
    "package isocenter:sdk; world gate { export isocenter:auth/gate@0.1.0; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
        "isocenter:auth/identity@0.1.0": auth::identity,
        "isocenter:auth/evidence@0.1.0": auth::evidence,
    }
);

role!(
    sink,
    "package isocenter:sdk; world sink { export isocenter:events/sink@0.1.0; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
    }
);

role!(
    route,
    "package isocenter:sdk; world route { export isocenter:http-ext/route@0.1.0; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
        "isocenter:dicom/types@0.1.1": dicom::types,
        "isocenter:dicom/objects@0.1.1": dicom::objects,
        "isocenter:http-ext/exchange@0.1.0": http_ext::exchange,
    }
);

role!(
    worker,
    "package isocenter:sdk; world worker { export isocenter:jobs/worker@0.1.0; }",
    {
        "isocenter:host/failure@0.1.1": host::failure,
    }
);
