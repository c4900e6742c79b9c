//! What every route needs. Whoever adds a route finds its name here, or the test fails.

use axum::http::Method;
use isocenter_role::Action;

use super::{Need, keys};
use crate::routes::doors;

#[test]
fn every_route_needs_what_it_should() {
    let (_, needs) = doors().open();
    let mut table: Vec<String> = needs
        .all()
        .map(|(path, method, need)| {
            let need = match need {
                Need::Nothing => "nothing",
                Need::Name => "a name",
                Need::May(action) => action.as_str(),
            };
            let path = path.replace("/dicom-web/studies/{study}", "STUDY");
            let path = path.replace("STUDY/series/{series}", "SERIES");
            let path = path.replace("SERIES/instances/{object}", "OBJECT");
            let method = method.map_or("*", Method::as_str);
            format!("{method} {path}: {need}")
        })
        .collect();
    table.sort();
    let expected = [
        "* /plugins/{name}/: plugin",
        "* /plugins/{name}/{*path}: plugin",
        "* /plugins/{name}: plugin",
        "DELETE /api/worklist/{study}/{step}: admin",
        "GET /: admin",
        "GET /api/about: admin",
        "GET /api/dead-letters: admin",
        "GET /api/destinations/{name}/query: admin",
        "GET /api/edits/{id}: admin",
        "GET /api/mpps/{uid}: admin",
        "GET /api/mpps: admin",
        "GET /api/outcomes: admin",
        "GET /api/parked: admin",
        "GET /api/plugins: admin",
        "GET /api/quarantine/decided: admin",
        "GET /api/quarantine: admin",
        "GET /api/worklist/{study}/{step}: admin",
        "GET /api/worklist: admin",
        "GET /dicom-web/instances: search",
        "GET /dicom-web/series: search",
        "GET /dicom-web/studies: search",
        "GET /healthz: nothing",
        "GET /metrics: admin",
        "GET /readyz: nothing",
        "GET OBJECT/bulkdata/{*path}: retrieve",
        "GET OBJECT/bulkdata: retrieve",
        "GET OBJECT/frames/{*frames}: retrieve",
        "GET OBJECT/metadata: retrieve",
        "GET OBJECT/pixeldata: retrieve",
        "GET OBJECT/rendered: retrieve",
        "GET OBJECT/thumbnail: retrieve",
        "GET OBJECT: retrieve",
        "GET SERIES/bulkdata: retrieve",
        "GET SERIES/instances: search",
        "GET SERIES/metadata: retrieve",
        "GET SERIES/pixeldata: retrieve",
        "GET SERIES/rendered: retrieve",
        "GET SERIES/thumbnail: retrieve",
        "GET SERIES: retrieve",
        "GET STUDY/bulkdata: retrieve",
        "GET STUDY/instances: search",
        "GET STUDY/metadata: retrieve",
        "GET STUDY/pixeldata: retrieve",
        "GET STUDY/rendered: retrieve",
        "GET STUDY/series: search",
        "GET STUDY/thumbnail: retrieve",
        "GET STUDY: retrieve",
        "POST /api/dead-letters/{id}/discard: admin",
        "POST /api/dead-letters/{id}/retry: admin",
        "POST /api/destinations/{name}/retrieve: admin",
        "POST /api/parked/{id}/discard: admin",
        "POST /api/parked/{id}/retry: admin",
        "POST /api/quarantine/{id}/discard: admin",
        "POST /api/quarantine/{id}/release: admin",
        "POST /api/quarantine/{id}/retry: admin",
        "POST /api/reload: admin",
        "POST /api/try: admin",
        "POST /api/worklist: admin",
        "POST /dicom-web/studies: store",
        "POST STUDY: store",
        "PUT /api/worklist/{study}/{step}: admin",
    ];
    assert_eq!(table, expected);
}

#[test]
fn a_route_that_nobody_knows_is_denied_and_a_head_is_a_get() {
    let (_, needs) = doors().open();
    assert_eq!(needs.of("/nowhere", &Method::GET), None);
    assert_eq!(needs.of("/metrics", &Method::HEAD), Some(Need::May(Action::Admin)));
    assert_eq!(needs.of("/metrics", &Method::DELETE), Some(Need::Name));
    assert_eq!(
        needs.of("/dicom-web/studies", &Method::POST),
        Some(Need::May(Action::Store))
    );
}

#[test]
fn keys_of_a_search_have_one_name_and_cannot_pose_as_ours() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let asked = [
        pair("00100020", "A"),
        pair("path", "/elsewhere"),
        pair("method", "GET"),
        pair("StudyDate", "2026"),
    ];
    let mut shown = Vec::new();
    keys(&asked, &mut shown).unwrap();
    assert_eq!(shown, [pair("PatientID", "A"), pair("StudyDate", "2026")]);
    let many = vec![pair("PatientID", "A"); 257];
    assert!(keys(&many, &mut Vec::new()).is_err());
}
