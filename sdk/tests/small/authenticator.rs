use isocenter::{Authenticator, Credentials, Identity, Result};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    proxy: String,
}

struct Proxy;

impl Authenticator for Proxy {
    type Config = Config;

    /// The proxy before the host has looked at the password; whoever else says the same is nobody.
    fn authenticate(credentials: &Credentials, config: &Config) -> Result<Option<Identity>> {
        if credentials.peer() != config.proxy {
            return Ok(None);
        }
        let user = credentials.header("x-remote-user");
        Ok(user.map(|user| Identity::new(user, "proxy")))
    }
}

isocenter::plugin!(Proxy: authenticator);
