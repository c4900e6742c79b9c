use std::time::Duration;

use sqlx::Connection;

use crate::{
    cluster::tests::fresh_index,
    index::{NewEvent, Upkept},
};

#[tokio::test]
async fn what_is_done_with_is_deleted() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    index.want_events(true);
    assert_eq!(index.upkeep(Duration::ZERO).await.unwrap(), Upkept::default());
    let gone = Some(Duration::ZERO);
    index.state_put("p", "k", b"v", None, gone, 1000).await.unwrap();
    index.emit(&[NewEvent::new("study.quiet", "1.2".into())]).await.unwrap();
    let mut connection = sqlx::PgConnection::connect_with(&fresh.options).await.unwrap();
    sqlx::query("UPDATE events SET at = now() - interval '25 hours'")
        .execute(&mut connection)
        .await
        .unwrap();
    let upkept = index.upkeep(Duration::from_secs(3600)).await.unwrap();
    assert_eq!((upkept.state, upkept.outcomes, upkept.events), (1, 0, 1));
    assert_eq!(index.upkeep(Duration::ZERO).await.unwrap(), Upkept::default());
}
