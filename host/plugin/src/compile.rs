//! Compiling a component, in a process of its own where the host has one to start.
//!
//! Separate because the compiler is the one part that reads a whole foreign file before any limit of a call applies: a
//! component can be made that takes it hours or all memory. So it runs apart, under limits of the operating system, and
//! what it makes is taken over as the host's own work.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit};
use wasmtime::component::Component;

use crate::engine;
use crate::load::{MOST_BYTES, Reason};
use crate::runtime::Core;

/// The argument by which the host's binary is told to be the compiler.
const ARGUMENT: &str = "compile-plugin";
/// CPU time of the compiler; the largest plugin that ships takes less than a second of it.
pub(crate) const CPU: Duration = Duration::from_secs(60);
/// Address space of the compiler, in bytes.
pub(crate) const MEMORY: u64 = 4 << 30;
/// The largest compiled component, in bytes.
pub(crate) const MOST_COMPILED: u64 = 512 << 20;
/// How long the compiler may take in all.
const PATIENCE: Duration = Duration::from_secs(120);

/// Compiles a component and keeps the result in the cache.
pub(crate) fn compile(core: &Core, bytes: &[u8], digest: &str, path: &Path) -> Result<Component, Reason> {
    let compiled = match &core.compiler {
        Some(program) => apart(program, bytes, path)?,
        None => engine::precompile(&core.engine, bytes).map_err(|error| invalid(path, &error))?,
    };
    core.cache.put(&compiled, digest);
    core.cache
        .adopt(&core.engine, &compiled)
        .map_err(|error| Reason::Compiler {
            path: path.to_owned(),
            why: error.to_string(),
        })
}

fn invalid(path: &Path, error: &wasmtime::Error) -> Reason {
    Reason::Invalid {
        path: path.to_owned(),
        error: format!("{error:#}"),
    }
}

/// Has the other process compile.
fn apart(program: &Path, bytes: &[u8], path: &Path) -> Result<Vec<u8>, Reason> {
    let failed = |why: String| Reason::Compiler {
        path: path.to_owned(),
        why,
    };
    let mut child = Command::new(program)
        .arg(ARGUMENT)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("the compiler does not start: {error}")))?;
    let talked = talk(&mut child, bytes);
    if talked.is_err() {
        // It may have ended already; then there is nothing to kill.
        let _ = child.kill();
    }
    let status = child
        .wait()
        .map_err(|error| failed(format!("the compiler is lost: {error}")))?;
    let (compiled, said) = talked.map_err(failed)?;
    match status.code() {
        Some(0) => Ok(compiled),
        Some(REFUSED) => Err(Reason::Invalid {
            path: path.to_owned(),
            error: crate::call::reason(&said),
        }),
        _ => Err(failed(format!(
            "the compiler ended ({status}) within its limits of {} s and {} GiB",
            CPU.as_secs(),
            MEMORY >> 30
        ))),
    }
}

/// The status with which the compiler says that the component is at fault.
const REFUSED: i32 = 3;

/// Writes the component, reads what comes back and what is said of it; all bounded in size and time.
fn talk(child: &mut Child, bytes: &[u8]) -> Result<(Vec<u8>, String), String> {
    let (Some(mut input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err("the compiler has no pipes".into());
    };
    let (send, receive) = mpsc::sync_channel(2);
    let sender = send.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A compiler that ends early closes its side; why it did, its status says.
            let _ = input.write_all(bytes);
        });
        // These two outlive the scope only by the time that the killed process takes to close its pipes.
        std::thread::spawn(move || {
            let mut compiled = Vec::new();
            let read = output.take(MOST_COMPILED + 1).read_to_end(&mut compiled);
            let _ = sender.send((read.map(|_| compiled), true));
        });
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let read = errors.take(4096).read_to_end(&mut said);
            let _ = send.send((read.map(|_| said), false));
        });
        let mut compiled = None;
        let mut said = None;
        while compiled.is_none() || said.is_none() {
            let Ok((read, is_output)) = receive.recv_timeout(PATIENCE) else {
                let _ = child.kill();
                return Err(format!("the compiler took longer than {} s", PATIENCE.as_secs()));
            };
            let read = read.map_err(|error| format!("the compiler cannot be read: {error}"))?;
            if is_output {
                compiled = Some(read);
            } else {
                said = Some(String::from_utf8_lossy(&read).into_owned());
            }
        }
        match (compiled, said) {
            (Some(compiled), Some(said)) if compiled.len() as u64 <= MOST_COMPILED => Ok((compiled, said)),
            _ => Err("the compiled component is larger than 512 MiB".into()),
        }
    })
}

/// Is the compiler: reads a component from standard input, writes it compiled to standard output. Limits its own CPU
/// time and memory first. Answers the status with which the process should end.
#[must_use]
pub fn compile_plugin() -> u8 {
    let limit = |resource, most| {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        rustix::process::setrlimit(resource, limit)
    };
    let limited = limit(Resource::Cpu, CPU.as_secs())
        .and_then(|()| limit(Resource::As, MEMORY))
        .and_then(|()| limit(Resource::Core, 0));
    if limited.is_err() {
        eprintln!("the limits of the compiler cannot be set");
        return 1;
    }
    let mut bytes = Vec::new();
    if std::io::stdin().take(MOST_BYTES + 1).read_to_end(&mut bytes).is_err() {
        return 1;
    }
    match engine::for_compiling().and_then(|engine| engine::precompile(&engine, &bytes)) {
        Ok(compiled) => match std::io::stdout().write_all(&compiled) {
            Ok(()) => 0,
            Err(_) => 1,
        },
        Err(error) => {
            eprintln!("{error:#}");
            u8::try_from(REFUSED).unwrap_or(1)
        }
    }
}
