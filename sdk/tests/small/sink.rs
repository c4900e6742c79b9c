use isocenter::{Event, Result, Sink, http};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    url: String,
}

struct Post;

impl Sink for Post {
    type Config = Config;

    fn deliver(batch: &[Event], config: &Config) -> Result<()> {
        for event in batch {
            let key = event.cursor.to_string();
            let post = http::post(&config.url).header("idempotency-key", &key);
            post.body(event.data.as_bytes()).send()?.success()?;
        }
        Ok(())
    }
}

isocenter::plugin!(Post: sink);
