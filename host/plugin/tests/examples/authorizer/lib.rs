//! An authorizer by claims: users see objects of their institutions alone, and only those who are told to may run the
//! host.

use isocenter::{Access, Authorizer, Decision, Identity, Result, tags};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Config {
    /// The claim whose values are Institution Names (0008,0080).
    institution_claim: String,
    /// The claim that says what somebody is: `reader`, `modality` or `admin`.
    role_claim: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            institution_claim: "institution".into(),
            role_claim: "role".into(),
        }
    }
}

struct Claims;

impl Authorizer for Claims {
    type Config = Config;

    fn authorize(who: &Identity, access: &Access<'_>, config: &Config) -> Result<Decision> {
        let is = |role| who.claims(&config.role_claim).any(|claimed| claimed == role);
        if is("admin") {
            return Ok(Decision::Allow);
        }
        Ok(match access.action().as_str() {
            // The host puts it into the query. Without such a claim there is no value, and nothing is found.
            "search" | "retrieve" | "plugin" if is("reader") => {
                Decision::within(tags::INSTITUTION_NAME, who.claims(&config.institution_claim))
            }
            "store" if is("modality") => Decision::Allow,
            // Also what later versions may ask for.
            action => Decision::deny(format!("`{}` has no claim to {action}", who.subject)),
        })
    }
}

isocenter::plugin!(Claims: authorizer);

#[cfg(test)]
mod tests;
