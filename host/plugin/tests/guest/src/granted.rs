//! What every role can do with a grant: state, HTTP, jobs, models.

use isocenter::jobs::Job;
use isocenter::{Error, Object, Result, Tensor, http, models, state, tags};

use crate::Config;
use crate::acts::{gib_string, mebibytes};

/// The largest value of the contract.
const VALUE: usize = 64 << 10;

/// Does it; answers what to say.
pub(crate) fn act(what: &str, config: &Config) -> Result<String> {
    match what {
        "state" => versions(),
        "state-flood" => {
            for key in 0_u64.. {
                if let Err(full) = state::put(&format!("flood/{key:08}"), &[1; VALUE], None) {
                    return Ok(format!("{key} values, then: {}", full.reason()));
                }
            }
            Ok(String::new())
        }
        "huge-key" => state::put(&mebibytes(config), b"", None).map(|()| "kept".into()),
        "huge-value" => state::put("huge", mebibytes(config).as_bytes(), None).map(|()| "kept".into()),
        "gib-key" => state::put(&gib_string(), b"", None).map(|()| "kept".into()),

        "fetch" => fetch(http::get(&config.url)),
        "fetch-secret" => fetch(http::get(&config.url).header_from_secret("authorization", "Bearer ", "site-key")?),
        "requests" => {
            let mut open = Vec::new();
            loop {
                open.push(http::get(&config.url));
            }
        }
        "responses" => {
            let mut open = Vec::new();
            loop {
                open.push(http::get(&config.url).send()?);
            }
        }
        "huge-body" => fetch(http::post(&config.url).body(mebibytes(config).as_bytes())),
        "huge-header" => fetch(http::get(&config.url).header("x-huge", &mebibytes(config))),
        "gib-header" => fetch(http::get(&config.url).header("x-huge", &gib_string())),
        "gib-url" => fetch(http::get(&gib_string())),

        "enqueue" => {
            let job = || Job::new(&config.queue, config.job.as_str()).key("one");
            let (first, second) = (job().enqueue()?, job().enqueue()?);
            Ok(format!("the second is the first: {}", first == second))
        }
        "leave-job" => Job::new(&config.queue, config.job.as_str())
            .enqueue()
            .map(|_| String::new()),
        "enqueue-flood" => {
            for job in 0_u64.. {
                if let Err(full) = Job::new(&config.queue, config.job.as_str()).enqueue() {
                    return Ok(format!("{job} jobs, then: {}", full.reason()));
                }
            }
            Ok(String::new())
        }
        "huge-job" => Job::new(&config.queue, mebibytes(config))
            .enqueue()
            .map(|_| "enqueued".into()),

        "infer" => {
            let input = Tensor::of_f32(&[1, 3], &[1.0, 2.0, 3.0])?;
            let outputs = models::run(&config.model, &[("input", &input)])?;
            let shown: Result<Vec<String>> = outputs
                .into_iter()
                .map(|(name, tensor)| Ok(format!("{name} {:?} {:?}", tensor.shape(), tensor.to_f32()?)))
                .collect();
            Ok(shown?.join(", "))
        }
        "tensors" => {
            let mut open = Vec::new();
            loop {
                open.push(Tensor::of_u8(&[1], &[1])?);
            }
        }
        "huge-tensor" => {
            let mut open = Vec::new();
            let bytes = vec![1; 4 << 20];
            let one = Tensor::of_u8(&[4, 1 << 20], &bytes)?;
            loop {
                // Each shares the numbers with the first, and counts.
                open.push(one.reshape(&[1 << 20, 4])?);
            }
        }
        "wrong-tensor" => {
            let input = Tensor::of_u8(&[2], &[1, 2])?;
            models::run(&config.model, &[("no-such-input", &input)]).map_err(Error::from)?;
            Ok("it ran".into())
        }
        other => Err(Error::never(format!("no such act: {other}"))),
    }
}

/// Writes, reads, and meets the conflict of an old version.
fn versions() -> Result<String> {
    state::delete("versions")?;
    let new = state::put_new("versions", b"1", None)?;
    let again = state::put_new("versions", b"2", None)?;
    let entry = state::get("versions")?.ok_or_else(|| Error::never("what was written is not there"))?;
    let over = state::put_over("versions", b"3", entry.version, None)?;
    let stale = state::put_over("versions", b"4", entry.version, None)?;
    let sum = state::update::<u64>("sum", None, |sum| Ok(sum.unwrap_or(0) + 1))?;
    let keys = state::keys("").collect::<Result<Vec<_>>>()?;
    Ok(format!(
        "new {new}, again {again}, over {over}, stale {stale}, sum {sum}, keys {}",
        keys.join(" ")
    ))
}

fn fetch(request: http::Request) -> Result<String> {
    Ok(match request.send() {
        Ok(response) => match response.body(32 << 20) {
            Ok(body) => format!("status {}, {} bytes", response.status(), body.len()),
            Err(trouble) => format!("status {}, then: {trouble}", response.status()),
        },
        Err(trouble) => trouble.to_string(),
    })
}

/// Carries the patient's name out, as far as the host lets it.
pub(crate) fn exfiltrate(object: &Object<'_>, config: &Config) -> Result<String> {
    let name = object.first(tags::PATIENT_NAME).unwrap_or_default();
    let url = format!("{}?patient={name}", config.url);
    fetch(http::post(&url).header("x-patient", &name).body(name.as_bytes()))
}
