//! The page, the API, and what watches over the host.

use axum::http::StatusCode;

use crate::host::Host;
use crate::object::Object;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lists_finds_and_turns() {
    let host = Host::start().await;
    assert!(host.get("/").await.text().contains("Nothing is stored yet"));
    let mut objects: Vec<Object> = (1..=30).map(|study| Object::of(study, 1, 1)).collect();
    objects.push(Object {
        name: "<script>alert(1)</script>^\"><img src=x>",
        patient: "X-1",
        ..Object::of(31, 1, 1)
    });
    host.store(&objects).await;
    let answer = host.get("/").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.header("content-security-policy").contains("style-src 'sha256-"));
    assert!(answer.text().contains("Older"), "{}", answer.text());
    let last = host.get("/?page=2").await.text();
    assert!(last.contains("Newer") && !last.contains("Older"), "{last}");
    let found = host.get("/?id=X-1").await.text();
    assert!(found.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{found}");
    assert!(!found.contains("<script") && !found.contains("<img"), "{found}");
    assert!(!found.contains("DOE"), "{found}");
    assert!(host.get("/?name=jane").await.text().contains("DOE, JANE"));
    assert!(host.get("/?name=nobody").await.text().contains("No study matches"));
    assert_eq!(
        host.get("/?page=%3Cscript%3E&name=%22%3E%3Cscript%3E").await.status,
        StatusCode::OK
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_api() {
    let host = Host::start().await;
    assert_eq!(host.get("/healthz").await.status, StatusCode::OK);
    let ready = host.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text());
    assert_eq!(host.get("/metrics").await.text(), "isocenter_up 1\n");
    assert_eq!(host.get("/api/about").await.json()["ae_title"], "TEST");
    assert_eq!(host.get("/api/quarantine").await.json(), serde_json::json!([]));
    assert_eq!(
        host.get("/api/dead-letters?limit=5").await.json(),
        serde_json::json!([])
    );
    assert_eq!(
        host.get("/api/dead-letters?limit=0").await.status,
        StatusCode::BAD_REQUEST
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(ready.header(name), value);
    }
    host.draining.cancel();
    let drained = host.get("/readyz").await;
    assert_eq!(drained.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(drained.json()["draining"]["ok"], false);
    assert_eq!(host.get("/healthz").await.status, StatusCode::OK);
    host.stop().await;
}
