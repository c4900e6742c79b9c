//! What associations cost that rest: the memory of the host with and without a thousand of them.
//!
//! Separate from the idle host because here it has peers. Each has asked something before it rests, so that what is counted
//! is what an association keeps.

use std::error::Error;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::ask;
use crate::cpu;
use crate::generate::Generator;
use crate::host::Host;
use crate::load::Peer;
use crate::wire::Association;

/// Associations that are counted.
pub(crate) const NUMBER: usize = 1_000;
/// Opened before, so that what is made once is there.
const WARM_UP: usize = 20;
/// For what was freed to be given back.
const PAUSE: Duration = Duration::from_secs(3);

/// Resident kilobytes of one association.
///
/// # Errors
/// The host does not become ready or refuses an association.
pub(crate) fn measure(program: &Path, generator: &Generator, folder: &Path) -> Result<f64, Box<dyn Error>> {
    let configuration = format!("[dicom]\nmax-associations = {}\nidle = \"10 min\"\n", NUMBER * 2);
    let host = Host::start(program, &configuration, &folder.join("resting"))?;
    let peer = host.asked();
    let warm = open(&peer, generator, WARM_UP)?;
    sleep(PAUSE);
    let before = cpu::resident(host.id());
    let open = open(&peer, generator, NUMBER)?;
    sleep(PAUSE);
    let after = cpu::resident(host.id());
    drop((warm, open));
    Ok(after.saturating_sub(before) as f64 / 1e3 / NUMBER as f64)
}

/// So many associations, each with a query behind it.
fn open(peer: &Peer, generator: &Generator, number: usize) -> std::io::Result<Vec<Association>> {
    let known = generator.known(generator.next_study());
    (0..number)
        .map(|_| {
            let mut association = ask::finder(peer)?;
            let keys = [(0x0008_0052, "CS", "STUDY"), (0x0020_000D, "UI", known.study.as_str())];
            ask::find(&mut association, &keys)?;
            Ok(association)
        })
        .collect()
}
