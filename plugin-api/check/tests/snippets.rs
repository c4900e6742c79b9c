//! What the documentation quotes of the contract, and shows as JSON or Python, is so.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

use isocenter_contract::{repository, snippets};

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
fn json_and_python_are_read() {
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
}
