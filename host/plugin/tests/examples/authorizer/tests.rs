use isocenter::fake;

use super::*;

#[test]
fn claims() {
    let reader = Identity::new("bob", "test").with_claim("role", "reader");
    let within = |values: &[&str]| Decision::within(tags::INSTITUTION_NAME, values.iter().copied());
    for (who, action, expected) in [
        (reader.clone(), "search", within(&[])),
        (
            reader
                .clone()
                .with_claim("institution", "A")
                .with_claim("institution", "B"),
            "retrieve",
            within(&["A", "B"]),
        ),
        (reader.clone(), "store", Decision::deny("`bob` has no claim to store")),
        (reader.clone(), "admin", Decision::deny("`bob` has no claim to admin")),
        (
            reader,
            "new-in-2030",
            Decision::deny("`bob` has no claim to new-in-2030"),
        ),
        (
            Identity::new("ct", "test").with_claim("role", "modality"),
            "store",
            Decision::Allow,
        ),
        (
            Identity::new("ct", "test").with_claim("role", "modality"),
            "search",
            Decision::deny("`ct` has no claim to search"),
        ),
        (
            Identity::new("eve", "test"),
            "search",
            Decision::deny("`eve` has no claim to search"),
        ),
        (
            Identity::new("ada", "test").with_claim("role", "admin"),
            "admin",
            Decision::Allow,
        ),
    ] {
        let access = fake::Access::to(action);
        let decision = Claims::authorize(&who, &access.access(), &Config::default()).unwrap();
        assert_eq!(decision, expected, "{} {action}", who.subject);
    }
}
