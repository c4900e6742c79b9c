use super::{held, object, uid, with};
use crate::{
    cluster::tests::fresh_index,
    index::{Duplicates, Indexed, Standing, Within},
};
use serde_json::json;

#[tokio::test]
async fn a_study_is_read_in_order_page_by_page() {
    let fresh = fresh_index().await;
    let index = &fresh.index;
    let unnumbered = with(1, 2, 77, "x", json!({"00200013": {"vr": "IS", "Value": ["none"]}}));
    let mut batch = vec![
        object(1, 2, 9, "x"),
        object(1, 2, 10, "x"),
        object(1, 1, 3, "x"),
        object(1, 1, 2, "x"),
        unnumbered,
    ];
    batch.push(object(2, 1, 1, "x"));
    batch.push(held(object(1, 1, 50, "x"), "why"));
    index.commit(&batch, Duplicates::KeepFirst).await.unwrap();

    let expected = ["1.1.1.2", "1.1.1.3", "1.1.2.9", "1.1.2.10", "1.1.2.77"];
    for limit in [1, 2, 3, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = index
                .locate(&uid("1.1"), None, None, after.as_ref(), limit, &Within::everything())
                .await
                .unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.cursor());
            found.extend(
                page.into_iter()
                    .map(|located| located.identity.sop_instance.to_string()),
            );
        }
        assert_eq!(found, expected, "by {limit}");
    }
    let series = index
        .locate(&uid("1.1"), Some(&uid("1.1.2")), None, None, 2, &Within::everything())
        .await
        .unwrap();
    assert_eq!(series.len(), 2);
    let rest = index
        .locate(
            &uid("1.1"),
            Some(&uid("1.1.2")),
            None,
            Some(&series[1].cursor()),
            9,
            &Within::everything(),
        )
        .await
        .unwrap();
    assert_eq!(
        rest.iter().map(|located| located.instance_number).collect::<Vec<_>>(),
        [None]
    );
    let located = &series[0];
    assert_eq!((located.place, located.instance_number), (batch[0].place, Some(9)));
    assert_eq!(
        (&located.source, &located.syntax, &located.identity),
        (&batch[0].source, &batch[0].syntax, &batch[0].identity)
    );
    for (series, expected) in [(Some("1.1.1"), 1), (Some("1.1.2"), 0), (None, 1)] {
        let found = index
            .locate(
                &uid("1.1"),
                series.map(uid).as_ref(),
                Some(&uid("1.1.1.3")),
                None,
                5,
                &Within::everything(),
            )
            .await
            .unwrap();
        assert_eq!(found.len(), expected, "{series:?}");
    }
    assert!(
        index
            .locate(&uid("1.3"), None, None, None, 5, &Within::everything())
            .await
            .unwrap()
            .is_empty()
    );

    // Who sent it, and how far it came, goes with the object that takes the place of another.
    let mut other = object(2, 1, 1, "y");
    other.source.subject = Some("https://issuer.example#alice".into());
    other.source.hops = 4;
    assert_eq!(
        index.commit(&[other.clone()], Duplicates::Replace).await.unwrap(),
        [Indexed::Replaced]
    );
    let found = index
        .locate(&uid("1.2"), None, None, None, 5, &Within::everything())
        .await
        .unwrap();
    assert_eq!((found.len(), &found[0].source), (1, &other.source));
    index.commit(&[batch[5].clone()], Duplicates::Replace).await.unwrap();
    let found = index
        .locate(&uid("1.2"), None, None, None, 5, &Within::everything())
        .await
        .unwrap();
    assert_eq!(found[0].source, batch[5].source);

    for standing in [
        Standing::Served,
        Standing::Held,
        Standing::Superseded,
        Standing::Resolved,
    ] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = index.rows(standing, after.as_ref(), 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            found.extend(page);
        }
        let expected = batch.iter().filter(|object| match standing {
            Standing::Served => object.held.is_none(),
            Standing::Held => object.held.is_some(),
            Standing::Superseded | Standing::Resolved => false,
        });
        let expected = if standing == Standing::Superseded {
            2
        } else {
            expected.count()
        };
        assert_eq!(found.len(), expected, "{standing:?}");
        assert!(found.iter().all(|known| known.standing == standing));
    }
}
