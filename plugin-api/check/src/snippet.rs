//! What the documentation shows in fences, so that the tests of what it is about compile, parse or run it.
//!
//! Here, because several crates have their own kind to check. A snippet's kind is the info string of its fence: `rust`,
//! `toml` (a host's configuration), `toml case`, `toml cargo`, `sh`, `wit`, `json`, `text` (what a program says).
//! `tests/snippets.rs` refuses kinds that nobody checks.

use std::path::{Path, PathBuf};

/// What stands in one fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The page, below the repository.
    pub page: String,
    /// The line of the page on which it begins.
    pub line: usize,
    /// The info string of the fence.
    pub kind: String,
    /// The comment before the fence, which says what part of the page it is; empty where there is none.
    pub part: String,
    /// Its lines.
    pub text: String,
}

/// The repository that this crate is in.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// The pages that people read: README.md, and every page below `sdk` and `plugin-api`, as paths below the repository.
///
/// # Errors
/// A folder that cannot be read.
pub fn pages() -> std::io::Result<Vec<String>> {
    let repository = repository();
    let mut pages = vec!["README.md".to_owned()];
    let mut folders = vec![repository.join("plugin-api"), repository.join("sdk")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let built = path
                .file_name()
                .is_some_and(|name| name == "target" || name == "node_modules");
            if path.is_dir() && !built {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md")
                && let Ok(below) = path.strip_prefix(&repository)
            {
                pages.push(below.display().to_string());
            }
        }
    }
    pages.sort();
    Ok(pages)
}

/// The snippets of one page, by its path below the repository.
///
/// # Errors
/// The page cannot be read.
pub fn snippets_of(page: &str) -> std::io::Result<Vec<Snippet>> {
    let text = std::fs::read_to_string(repository().join(page))?;
    let mut snippets = Vec::new();
    let mut part = "";
    let mut lines = (1..).zip(text.lines());
    while let Some((line, words)) = lines.next() {
        let words = words.trim();
        if let Some(kind) = words.strip_prefix("```") {
            let inside = lines.by_ref().map(|(_, text)| text);
            let inside: Vec<&str> = inside.take_while(|text| text.trim() != "```").collect();
            snippets.push(Snippet {
                page: page.to_owned(),
                line,
                kind: kind.to_owned(),
                part: part.to_owned(),
                text: inside.iter().flat_map(|text| [*text, "\n"]).collect(),
            });
        }
        let comment = words.strip_prefix("<!--").and_then(|words| words.strip_suffix("-->"));
        part = comment.unwrap_or_default().trim();
    }
    Ok(snippets)
}

/// The snippets of every page, of one kind.
///
/// # Errors
/// A page that cannot be read.
pub fn snippets(kind: &str) -> std::io::Result<Vec<Snippet>> {
    let mut all = Vec::new();
    for page in pages()? {
        all.extend(snippets_of(&page)?.into_iter().filter(|snippet| snippet.kind == kind));
    }
    Ok(all)
}
