//! `isocenter plugin …`: what an author of plugins asks of the program. The work is the tool's; here are its words.

mod ship;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use isocenter_plugin::StartError;
use isocenter_tool::{Project, ToolError, inspect, run, schema, test};

use crate::cli::Author;
use crate::operator::Operator;

/// How often `dev` looks for changes.
const LOOKS: Duration = Duration::from_millis(300);
/// The most files that `dev` looks at.
const MOST_FILES: usize = 10_000;

/// Everything but `dev`, which needs the host's configuration: `None`. `false`: a case is not as expected.
pub fn answer(ask: &Author) -> Result<Option<bool>, ToolError> {
    let fine = match ask {
        Author::New { role, name, sdk } => {
            let project = Project::create(Path::new("."), name, *role, sdk.as_deref())?;
            println!("{} is a {} plugin. Next:", project.name, role.as_str());
            println!("  cd {name}");
            println!("  isocenter plugin test");
            true
        }
        Author::Build(at) => {
            build(&Project::open(&at.project)?)?;
            true
        }
        Author::Test(at) => {
            let project = Project::open(&at.project)?;
            project.test_natively()?;
            build(&project)?;
            let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1");
            let tested = wait(test(&project, update))?;
            println!(
                "cases: {} ok, {} written, {} not as expected",
                tested.passed, tested.written, tested.failed
            );
            tested.failed == 0
        }
        Author::Run { project, files } => {
            let project = Project::open(&project.project)?;
            build(&project)?;
            for path in files {
                wait(run(&project, path))?;
            }
            true
        }
        Author::Inspect {
            component,
            schema: alone,
            project,
        } => {
            let (component, cache) = match component {
                Some(component) => (component.clone(), std::env::temp_dir().join("isocenter-inspect")),
                None => {
                    let project = Project::open(&project.project)?;
                    let built = project.build()?;
                    if !alone {
                        said(&project, built);
                    }
                    let cache = project.folder.join("target/plugin/compiled");
                    (project.component(), cache)
                }
            };
            let text = if *alone {
                schema(&component)?
            } else {
                inspect(&component, &cache)?
            };
            print!("{text}");
            true
        }
        Author::Keygen { .. }
        | Author::Sign { .. }
        | Author::Verify { .. }
        | Author::Pack { .. }
        | Author::Push { .. }
        | Author::Pull { .. } => {
            ship::answer(ask)?;
            true
        }
        Author::Dev(_) => return Ok(None),
    };
    Ok(Some(fine))
}

fn build(project: &Project) -> Result<(), ToolError> {
    said(project, project.build()?);
    Ok(())
}

fn said(project: &Project, size: u64) {
    println!("{} ({} KB)", project.component().display(), size.div_ceil(1000));
}

/// Runs what waits, on a runtime of its own: these commands are short and have no host around them.
fn wait<T>(work: impl Future<Output = Result<T, ToolError>>) -> Result<T, ToolError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(StartError::Threads)?.block_on(work)
}

/// Builds and reloads whenever something changes, until Ctrl-C. What does not build or load is said, and the host goes on
/// with what it has.
pub async fn dev(folder: &Path, operator: &Operator) -> Result<bool, ToolError> {
    let project = Project::open(folder)?;
    let mut built = None;
    loop {
        let found = files(&project.folder);
        if built.as_ref() != Some(&found) {
            built = Some(found);
            match tokio::task::block_in_place(|| build(&project)) {
                Ok(()) => {
                    if let Err(error) = operator.reload().await {
                        eprintln!("isocenter: {error}");
                    }
                }
                Err(error) => eprintln!("isocenter: {error}"),
            }
            println!("waiting for a change below {}", project.folder.display());
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(true),
            () = tokio::time::sleep(LOOKS) => {}
        }
    }
}

/// What the component is made of, and when it was written.
fn files(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.join("src")];
    for name in ["Cargo.toml", "build.rs"] {
        if let Ok(written) = std::fs::metadata(folder.join(name)).and_then(|about| about.modified()) {
            found.insert(folder.join(name), written);
        }
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push(entry.path());
            } else if let Ok(written) = about.modified()
                && found.len() < MOST_FILES
            {
                found.insert(entry.path(), written);
            }
        }
    }
    found
}
