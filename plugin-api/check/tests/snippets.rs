//! Every snippet of the documentation is of a kind that some test compiles, parses, compares or runs.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

use isocenter_contract::{Snippet, pages, repository, snippets, snippets_of};

/// Who checks a snippet; `None`: nobody.
fn checked_by(snippet: &Snippet) -> Option<&'static str> {
    Some(match snippet.kind.as_str() {
        // Parts are written by tests from what they compile.
        "rust" if !snippet.part.is_empty() => "plugin-api/check/tests/pages.rs",
        "rust" => "sdk/src/documentation.rs",
        "toml" => "host/server/src/config/tests/documentation.rs",
        "toml case" => "sdk/harness/src/tests.rs",
        "toml cargo" | "wit" | "json" | "python" => "plugin-api/check/tests/snippets.rs",
        "sh" => "host/server/src/cli/tests/documentation.rs",
        // What a program says is compared by the test that its comment names.
        "text" if snippet.part.starts_with("answer: ") => "host/server/tests/author.rs",
        "text" if snippet.part.starts_with("table: ") => "host/plugin/src/documentation.rs",
        "text" => snippet.part.strip_prefix("said: ").and_then(|test| {
            let tests = [
                "host/server/tests/author.rs",
                "host/server/src/config/tests/documentation.rs",
            ];
            tests.into_iter().find(|known| *known == test)
        })?,
        _ => return None,
    })
}

#[test]
fn every_snippet_is_checked() {
    let mut unchecked = Vec::new();
    for page in pages().unwrap() {
        for snippet in snippets_of(&page).unwrap() {
            match checked_by(&snippet) {
                Some(test) => assert!(repository().join(test).is_file(), "{test}"),
                None => unchecked.push(format!("{page}:{}: ```{}", snippet.line, snippet.kind)),
            }
        }
    }
    assert!(unchecked.is_empty(), "nobody checks these:\n{}", unchecked.join("\n"));
}

/// Those that are no parts of a page are compiled as tests of the guest crate's documentation, page by page.
#[test]
fn pages_with_rust_are_compiled() {
    let compiled = std::fs::read_to_string(repository().join("sdk/src/documentation.rs")).unwrap();
    for snippet in snippets("rust")
        .unwrap()
        .iter()
        .filter(|snippet| snippet.part.is_empty())
    {
        let page = snippet
            .page
            .strip_prefix("sdk/")
            .map_or_else(|| format!("../../{}", snippet.page), |below| format!("../{below}"));
        assert!(
            compiled.contains(&format!("include_str!({page:?})")),
            "{} has a snippet of Rust that sdk/src/documentation.rs does not compile",
            snippet.page
        );
    }
}

/// What a page quotes of the contract is in it, word for word but for spaces.
#[test]
fn quotations_of_the_contract_are_in_it() {
    let words = |text: &str| {
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    let mut contract = String::new();
    let wit = repository().join("plugin-api/wit");
    for folder in std::fs::read_dir(wit.join("deps"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            contract.push_str(&words(&std::fs::read_to_string(file).unwrap()));
        }
    }
    let quoted = snippets("wit").unwrap();
    assert!(quoted.len() >= 10);
    for snippet in quoted {
        for statement in snippet
            .text
            .split_inclusive(';')
            .map(words)
            .filter(|words| !words.is_empty())
        {
            assert!(
                contract.contains(&statement),
                "{}:{}: {statement}",
                snippet.page,
                snippet.line
            );
        }
    }
}

#[test]
fn json_python_and_manifests_are_read() {
    for snippet in snippets("json").unwrap() {
        if let Err(error) = serde_json::from_str::<serde_json::Value>(&snippet.text) {
            panic!("{}:{}: {error}", snippet.page, snippet.line);
        }
    }
    for snippet in snippets("python").unwrap() {
        let compiles = std::process::Command::new("python3")
            .args(["-c", "import ast, sys; ast.parse(sys.argv[1])", &snippet.text])
            .status();
        assert!(compiles.unwrap().success(), "{}:{}", snippet.page, snippet.line);
    }
    let manifest: toml::Table = std::fs::read_to_string(repository().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let version = manifest["workspace"]["package"]["version"].as_str().unwrap();
    for snippet in snippets("toml cargo").unwrap() {
        let table: toml::Table = match snippet.text.parse() {
            Ok(table) => table,
            Err(error) => panic!("{}:{}: {error}", snippet.page, snippet.line),
        };
        let asked = table["dependencies"]["isocenter"].as_str().unwrap();
        assert!(
            version.starts_with(&format!("{asked}.")),
            "{asked} is not this version, {version}"
        );
    }
}
