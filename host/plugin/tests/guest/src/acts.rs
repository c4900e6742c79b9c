//! What every role can do, without a grant but for the secret.

use std::hint::black_box;

use isocenter::{Error, Result, host};

use crate::Config;

static mut CALLS: u32 = 0;

/// Does it; answers what to say.
#[expect(clippy::panic, reason = "the point of one of the acts")]
pub(crate) fn act(what: &str, config: &Config) -> Result<String> {
    match what {
        "" | "nothing" => {}
        "spin" => loop {
            black_box(());
        },
        "spin-in-host" => loop {
            black_box(host::monotonic_nanos());
        },
        "eat" => {
            let mut eaten: Vec<Vec<u8>> = Vec::new();
            loop {
                eaten.push(black_box(vec![1; 1 << 20]));
            }
        }
        "panic" => panic!("this guest panics on purpose"),
        #[cfg(target_arch = "wasm32")]
        "trap" => core::arch::wasm32::unreachable(),
        "recurse" => {
            black_box(recurse(black_box(1)));
        }
        "log-flood" => {
            for line in 0..10_000 {
                let fields = [("patient".into(), "Doe".into())];
                host::log(host::Level::Info, &format!("line {line}"), &fields);
            }
        }
        "log-field" => {
            let fields = [("patient".into(), "Secretname".into())];
            host::log(host::Level::Warn, "one line\nforged", &fields);
        }
        "huge-log" => host::log(host::Level::Info, &mebibytes(config), &[]),
        "gib-log" => host::log(host::Level::Info, &gib_string(), &[]),
        "gib-log-field" => host::log(host::Level::Info, "field", &[("patient".into(), gib_string())]),
        "random" => return Ok(format!("{} bytes", host::random(16).len())),
        "too-much-random" => {
            let _ = host::random(1 << 20);
        }
        "secret" => {
            let mac = host::hmac_sha256("site-key", b"message")?;
            return Ok(mac.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        "huge-secret" => return host::hmac_sha256(&mebibytes(config), b"").map(|_| "a secret".into()),
        "gib-secret" => return host::hmac_sha256("site-key", gib_string().as_bytes()).map(|_| "a secret".into()),
        "metrics" => {
            for name in 0..100 {
                host::count(&format!("counter_{name:03}"), 2);
            }
            host::count("bad name", 1);
            host::observe("counter_000", 1.0);
        }
        "metric-flood" => {
            for name in 0..2_000_000 {
                host::count(&format!("flood_{name}"), u64::MAX);
            }
        }
        "huge-metric" => host::count(&mebibytes(config), 1),
        "gib-metric" => host::count(&gib_string(), 1),
        "observe" => {
            host::observe("seconds", 1.5);
            host::observe("seconds", 0.5);
            host::observe("seconds", f64::NAN);
        }
        "clocks" => {
            for _ in 0..10_000 {
                black_box(host::monotonic_nanos());
            }
        }
        "busy" => busy(300),
        "clock" => return Ok(format!("{}", host::unix_millis() > 1_700_000_000_000)),
        "chance" => {
            let (first, second) = (host::monotonic_nanos(), host::monotonic_nanos());
            let drawn = [host::random(4), host::random(4)];
            return Ok(format!("{} {} {drawn:x?}", host::unix_millis(), second - first));
        }
        "never" => return Err(Error::never("this guest never can")),
        "later" => return Err(Error::after(7, "this guest can later")),
        "remember" => {
            // A fresh instance has a fresh memory: this is 1 in each call.
            #[expect(
                unsafe_code,
                reason = "the point is a global that would survive in a reused instance"
            )]
            // SAFETY: an instance has one thread.
            let calls = unsafe {
                CALLS += 1;
                CALLS
            };
            return Ok(format!("call {calls}"));
        }
        #[cfg(feature = "grants")]
        what => return crate::granted::act(what, config),
        #[cfg(not(feature = "grants"))]
        other => return Err(Error::never(format!("no such act: {other}"))),
    }
    Ok(String::new())
}

/// Computes for so long, and is content.
fn busy(milliseconds: u64) {
    let end = host::monotonic_nanos() + milliseconds * 1_000_000;
    while host::monotonic_nanos() < end {
        for turn in 0..10_000 {
            black_box(turn);
        }
    }
}

#[expect(unconditional_recursion, reason = "it overflows the stack on purpose")]
fn recurse(depth: u64) -> u64 {
    black_box([depth; 64]);
    recurse(black_box(depth + 1)) + 1
}

/// A string that is as large as the configuration says, and is there.
pub(crate) fn mebibytes(config: &Config) -> String {
    "x".repeat(config.mib << 20)
}

/// A string that says that it has 1 GiB, where no memory is. It is for the host to find out.
#[expect(
    unsafe_code,
    reason = "the point is a lie to the host, which the language would not let pass"
)]
pub(crate) fn gib_string() -> String {
    let length = black_box(1 << 30);
    let nowhere = black_box(std::ptr::without_provenance_mut(1 << 10));
    // SAFETY: none. Nobody in the guest reads it, and the call ends before it is dropped.
    unsafe { String::from_raw_parts(nowhere, length, length) }
}
