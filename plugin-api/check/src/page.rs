//! Parts of the documentation that are made by the tests of what they describe.
//!
//! Here, because several crates have something to say on the same page. A part stands between `<!-- table: NAME -->` and
//! `<!-- end -->`; with `UPDATE_EXPECT=1` in the environment it is written anew, without it a difference is an error.

use std::path::Path;
use std::sync::Mutex;

/// Held while a page is read and written: the tests of one crate write parts of one page at the same time.
static WRITING: Mutex<()> = Mutex::new(());

/// Compares a part of a page with what it must say, or writes it.
///
/// # Errors
/// One sentence: the page cannot be read or written, has no such part, or says something else.
pub fn page_says(page: impl AsRef<Path>, part: &str, content: &str) -> Result<(), String> {
    let _alone = WRITING.lock();
    let page = page.as_ref();
    let text = std::fs::read_to_string(page).map_err(|error| format!("{}: {error}", page.display()))?;
    let begin = format!("<!-- {part} -->\n");
    let (before, rest) = text
        .split_once(&begin)
        .ok_or_else(|| format!("{} has no part `{}`", page.display(), begin.trim_end()))?;
    let (said, after) = rest
        .split_once("<!-- end -->")
        .ok_or_else(|| format!("{}: the part `{part}` does not end", page.display()))?;
    if said == content {
        return Ok(());
    }
    if std::env::var_os("UPDATE_EXPECT").is_none_or(|value| value != "1") {
        return Err(format!(
            "{}: the part `{part}` says\n{said}\nand must say\n{content}\n(UPDATE_EXPECT=1 writes it)",
            page.display()
        ));
    }
    let written = format!("{before}{begin}{content}<!-- end -->{after}");
    std::fs::write(page, written).map_err(|error| format!("{}: {error}", page.display()))
}

/// A table in Markdown.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        format!("|{}\n", cells.map(|cell| format!(" {cell} |")).collect::<String>())
    };
    let mut table = line(&mut head.iter().copied());
    table.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    for row in rows {
        table.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    table
}

/// The rows of a table about an error: what each sample says, and what to do. One arm for each variant: the compiler wants
/// all of them, and this panics with those that no sample shows. After `elsewhere` are variants that another table has.
#[macro_export]
macro_rules! sentences {
    ($samples:expr, { $($variant:pat_param => $remedy:expr),+ $(,)? } $(elsewhere { $($other:pat_param),+ $(,)? })?) => {{
        let mut unseen = ::std::vec![$(::std::stringify!($variant)),+];
        let mut rows: ::std::vec::Vec<::std::vec::Vec<::std::string::String>> = ::std::vec::Vec::new();
        for sample in &$samples {
            let (variant, remedy): (&str, &str) = match sample {
                $($variant => (::std::stringify!($variant), $remedy),)+
                $($($other => ::std::panic!("{sample} is of another table"),)+)?
            };
            unseen.retain(|each| *each != variant);
            rows.push(::std::vec![sample.to_string(), remedy.to_owned()]);
        }
        ::std::assert!(unseen.is_empty(), "there is no sample of {unseen:?}");
        rows
    }};
}

#[cfg(test)]
mod tests;
