//! `isocenter-contract OLD NEW`: the command line of the library beside it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use isocenter_contract::{Comparison, Contract, Unreadable, compare, latest};

const USAGE: &str = "usage: isocenter-contract OLD NEW
  OLD  the released contract: a folder of WIT, or of releases, of which the newest is taken
  NEW  the contract to be judged: a folder of WIT
Ends with 0 when every version fits its changes, with 1 when one does not, with 2 when there is nothing to judge.";

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [old, new] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match judge(old, new) {
        Ok(comparison) => {
            print!("{comparison}");
            ExitCode::from(u8::from(!comparison.fits()))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn judge(old: &Path, new: &Path) -> Result<Comparison, Unreadable> {
    let old = match latest(old) {
        Ok(wit) => wit,
        Err(Unreadable::NoRelease(folder)) => folder,
        Err(error) => return Err(error),
    };
    println!("{} → {}", old.display(), new.display());
    Ok(compare(&Contract::read(&old)?, &Contract::read(new)?))
}
