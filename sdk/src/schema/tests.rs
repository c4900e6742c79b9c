//! One schema of the configurations of all roles.

use serde_json::{Value, json};

use super::*;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Place {
    name: String,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct OfFilter {
    place: Place,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct OfSink {
    places: Vec<Place>,
    url: String,
}

/// Says nothing of itself.
struct Silent;

macro_rules! schema_of {
    ($($config:ty),*) => {
        together(|_generator| vec![$((&Of::<$config>::TYPE).schema(_generator)),*])
    };
}

/// The names of the types that a schema of several refers to, in their order.
fn referred(schema: &Value) -> Vec<&str> {
    let all = schema["allOf"].as_array().unwrap().iter();
    all.map(|one| one["$ref"].as_str().unwrap()).collect()
}

#[test]
fn a_configuration_fits_what_each_role_reads() {
    let schema = schema_of!(OfFilter, Silent, OfSink).unwrap();
    assert_eq!(referred(&schema), ["#/$defs/OfFilter", "#/$defs/OfSink"]);
    // What both refer to is there once, and everything that is referred to is there.
    let definitions: Vec<&String> = schema["$defs"].as_object().unwrap().keys().collect();
    assert_eq!(definitions, ["OfFilter", "OfSink", "Place"]);
    assert_eq!(schema["$defs"]["OfFilter"]["required"], json!(["place"]));
    assert_eq!(schema["$defs"]["OfSink"]["required"], json!(["places", "url"]));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn what_several_roles_read_alike_is_there_once() {
    let schema = schema_of!(OfFilter, OfFilter).unwrap();
    assert_eq!(schema["$ref"], "#/$defs/OfFilter");
    assert_eq!(schema.get("allOf"), None);
    let one_of_two = schema_of!(Silent, OfFilter).unwrap();
    assert_eq!(one_of_two, schema);
}

#[test]
fn without_a_description_there_is_none() {
    assert_eq!(schema_of!(), None);
    assert_eq!(schema_of!(Silent, Silent), None);
}
