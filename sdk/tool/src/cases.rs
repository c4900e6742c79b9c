//! The folders of `cases/`, run in the host's own runtime and compared with what they expect.

use std::fs;
use std::path::{Path, PathBuf};

use isocenter_harness::{Case, Harness, Ran, read_object};
use isocenter_role::Role;
use similar::TextDiff;

use crate::project::Project;
use crate::{ToolError, file};

/// What came of the cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tested {
    /// Cases that were as expected.
    pub passed: u32,
    /// Cases that were not.
    pub failed: u32,
    /// Cases whose expectation was written.
    pub written: u32,
}

/// Runs every case of a built project, and prints a line for each: as expected, or the difference; time and memory. A
/// case without `expect.txt` gets it; `update` writes all of them anew.
///
/// # Errors
/// When a case cannot be read, or does not fit the plugin.
pub async fn test(project: &Project, update: bool) -> Result<Tested, ToolError> {
    let harness = Harness::start(&project.component(), &project.cache())?;
    let mut tested = Tested::default();
    for folder in folders(project)? {
        let ran = harness.run(&Case::read(&folder)?).await?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let expected = folder.join("expect.txt");
        let before = match fs::read_to_string(&expected) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(file(expected)(error)),
        };
        if before.as_deref() == Some(&ran.text) {
            tested.passed += 1;
            println!("case {name}: ok  {}", cost(&ran));
        } else if update || before.is_none() {
            fs::write(&expected, &ran.text).map_err(file(&expected))?;
            tested.written += 1;
            println!("case {name}: expect.txt is written; look at it  {}", cost(&ran));
            print!("{}", indented(&ran.text));
        } else {
            tested.failed += 1;
            println!(
                "case {name}: not as expected (UPDATE_EXPECT=1 takes it)  {}",
                cost(&ran)
            );
            let before = before.unwrap_or_default();
            print!(
                "{}",
                indented(&TextDiff::from_lines(&before, &ran.text).unified_diff().to_string())
            );
        }
    }
    Ok(tested)
}

/// Puts one object through a built plugin and prints what it answers and changes. What is around it is as in the first
/// case.
///
/// # Errors
/// When the file is no object, there is no case, or it does not fit the plugin; when its role is not asked about objects.
pub async fn run(project: &Project, object: &Path) -> Result<(), ToolError> {
    let folders = folders(project)?;
    let first = folders
        .first()
        .ok_or_else(|| ToolError::NoCases(project.folder.clone()))?;
    let mut case = Case::read(first)?;
    case.objects = vec![read_object(object)?];
    let harness = Harness::start(&project.component(), &project.cache())?;
    let ran = harness.run(&case).await?;
    match ran.role {
        // A route's archive holds the object.
        Role::Filter | Role::Router | Role::StudyRouter | Role::Analyzer | Role::Route => {}
        Role::Authenticator | Role::Authorizer | Role::Gate | Role::Sink | Role::Worker => {
            return Err(ToolError::NotAsked {
                role: ran.role,
                object: object.to_owned(),
            });
        }
    }
    println!("{}  {}", object.display(), cost(&ran));
    print!("{}", indented(&ran.text));
    Ok(())
}

/// The cases in the order of their names.
fn folders(project: &Project) -> Result<Vec<PathBuf>, ToolError> {
    let cases = project.folder.join("cases");
    let mut folders = Vec::new();
    match fs::read_dir(&cases) {
        Ok(entries) => {
            for entry in entries {
                let path = entry.map_err(file(&cases))?.path();
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(file(cases)(error)),
    }
    if folders.is_empty() {
        return Err(ToolError::NoCases(project.folder.clone()));
    }
    folders.sort();
    Ok(folders)
}

fn cost(ran: &Ran) -> String {
    format!(
        "[{}: {:.1} ms CPU in {:.1} ms, {:.1} MiB]",
        ran.role.as_str(),
        ran.cost.cpu.as_secs_f64() * 1000.0,
        ran.cost.wall.as_secs_f64() * 1000.0,
        ran.cost.peak_memory as f64 / f64::from(1 << 20)
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
