//! Arrays, whole and broken off.

use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::{DataSet, PIECE, pieces};
use crate::error::RouteError;

fn element(number: usize) -> DataSet {
    match json!({ "00200013": { "vr": "IS", "Value": [number] }, "x": "y".repeat(1000) }) {
        Value::Object(map) => map,
        _ => DataSet::new(),
    }
}

#[tokio::test]
async fn any_number_of_elements() {
    for count in [0, 1, 2, 1000] {
        let elements = stream::iter((0..count).map(|number| Ok(element(number))));
        let pieces: Vec<_> = pieces(elements).map(Result::unwrap).collect().await;
        assert!(pieces.iter().all(|piece| piece.len() < PIECE + 2000));
        let read: Vec<DataSet> = serde_json::from_slice(&pieces.concat()).unwrap();
        assert_eq!(read, (0..count).map(element).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_element_that_cannot_be_had_breaks_the_array() {
    let elements = stream::iter([Ok(element(0)), Err(RouteError::BrokenBody)]);
    let pieces: Vec<_> = pieces(elements).collect().await;
    assert!(pieces.last().unwrap().is_err());
}
