//! Every command line in the documentation is one: the program's own are parsed as it would, of `make` the target is there,
//! of scripts the file; others are programs that a reader can have.

use clap::Parser as _;
use isocenter_contract::{Snippet, repository, snippets};

use crate::cli::Cli;

/// What is on a usual machine, or installed by a line above in the same snippet.
const PROGRAMS: [&str; 28] = [
    "apt-get",
    "cargo",
    "cat",
    "cc",
    "cd",
    "cosign",
    "curl",
    "dcmdump",
    "echoscu",
    "export",
    "findscu",
    "getscu",
    "isocenter-plugin-build",
    "mkdir",
    "minisign",
    "npm",
    "openssl",
    "oras",
    "python3",
    "rm",
    "storescu",
    "sudo",
    "tar",
    "tinygo",
    "venv/bin/pip",
    "wasm-tools",
    "wit-bindgen-go",
    "true",
];

/// The commands of a snippet, a list of words each; comments, variables before a command and redirections are left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let mut commands = Vec::new();
    for line in joined.lines() {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        let end = |words: &mut Vec<String>, word: &mut String| {
            if !word.is_empty() {
                words.push(std::mem::take(word));
            }
        };
        for letter in line.chars() {
            match (quote, letter) {
                (Some(open), _) if letter == open => quote = None,
                (None, '\'' | '"') => quote = Some(letter),
                (None, '#') if word.is_empty() => break,
                (None, ' ') => end(&mut words, &mut word),
                (None, '|' | '&' | ';') => {
                    end(&mut words, &mut word);
                    commands.push(std::mem::take(&mut words));
                }
                _ => word.push(letter),
            }
        }
        end(&mut words, &mut word);
        commands.push(words);
    }
    for words in &mut commands {
        let variables = words.iter().take_while(|word| is_assignment(word)).count();
        words.drain(..variables);
    }
    commands.retain(|words| !words.is_empty());
    commands
}

fn is_assignment(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    word.contains('=') && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn wrong(words: &[String], snippet: &Snippet) -> Option<String> {
    let program = words[0].as_str();
    match program {
        "isocenter" | "target/release/isocenter" => Cli::try_parse_from(words).err().map(|error| error.to_string()),
        "make" => {
            let makefile = std::fs::read_to_string(repository().join("Makefile")).unwrap();
            let known = |target: &&String| makefile.contains(&format!("\n{target}:"));
            let unknown = words[1..].iter().find(|target| !known(target))?;
            Some(format!("there is no target `{unknown}`"))
        }
        _ if PROGRAMS.contains(&program) => None,
        // A script of the repository, or one beside the page.
        _ => {
            let beside = repository().join(&snippet.page).with_file_name(program);
            let there = repository().join(program).is_file() || beside.is_file();
            (!there).then(|| format!("there is no `{program}`"))
        }
    }
}

#[test]
fn every_command_line_is_one() {
    let shown = snippets("sh").unwrap();
    assert!(shown.len() > 8, "{}", shown.len());
    let mut complaints = Vec::new();
    let mut own = 0;
    for snippet in &shown {
        for words in commands(&snippet.text) {
            own += usize::from(words[0].ends_with("isocenter"));
            let complaint = wrong(&words, snippet);
            complaints.extend(complaint.map(|why| format!("{}:{}: {words:?}: {why}", snippet.page, snippet.line)));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(own > 8, "{own}");
}

#[test]
fn command_lines_are_split_as_a_shell_does() {
    let split =
        commands("A=1 B=$PWD/x isocenter check --config 'a b' # why\n\ncd x && make run | tar tvf \"$(find .)\"");
    let expected: [&[&str]; 4] = [
        &["isocenter", "check", "--config", "a b"],
        &["cd", "x"],
        &["make", "run"],
        &["tar", "tvf", "$(find .)"],
    ];
    assert_eq!(split, expected);
}
