//! An authenticator of signed tokens, `NAME.EXPIRES.SIGNATURE`: the signature is HMAC-SHA-256 of `NAME.EXPIRES` under
//! a secret that this plugin uses and never sees. Who guesses too often is not listened to for a while.

use isocenter::{Authenticator, Credentials, Identity, Result, host, same_secret, state};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Config {
    /// The granted secret.
    secret: String,
    /// Wrong tokens from one address before it is locked out.
    tries: u32,
    /// For how long.
    lockout_seconds: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            secret: "token-key".into(),
            tries: 5,
            lockout_seconds: 300,
        }
    }
}

struct Tokens;

impl Authenticator for Tokens {
    type Config = Config;

    fn check(config: &Config) -> Result<()> {
        host::hmac_sha256(&config.secret, b"check").map(|_| ())
    }

    fn authenticate(credentials: &Credentials<'_>, config: &Config) -> Result<Option<Identity>> {
        let Some(token) = credentials.bearer() else {
            return Ok(None);
        };
        let Some((signed, signature)) = token.rsplit_once('.') else {
            return Ok(None);
        };
        let Some((name, expires)) = signed.rsplit_once('.') else {
            return Ok(None);
        };
        let failures = format!("failures/{}", credentials.peer());
        if state::read::<u32>(&failures)?.unwrap_or(0) >= config.tries {
            host::count("locked_out", 1);
            return Ok(None);
        }
        let expected = host::hmac_sha256(&config.secret, signed.as_bytes())?;
        let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
        if !same_secret(signature.as_bytes(), expected.as_bytes()) {
            // Two requests at once count as two: others write the same value only in between.
            let count = |failed: Option<u32>| Ok(failed.unwrap_or(0) + 1);
            state::update(&failures, Some(config.lockout_seconds), count)?;
            return Ok(None);
        }
        let expires: u64 = expires.parse()?;
        if host::unix_millis() / 1000 >= expires {
            return Ok(None);
        }
        Ok(Some(Identity::new(name, "tokens")))
    }
}

isocenter::plugin!(Tokens: authenticator);

#[cfg(test)]
mod tests;
