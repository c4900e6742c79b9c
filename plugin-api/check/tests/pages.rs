//! The pages of the roles: each has the example of its role, with its tests, as they are compiled and run.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets what it does not expect has failed"
)]

use std::collections::BTreeSet;
use std::path::Path;

use isocenter_contract::page_says;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

fn names(folder: &Path, end: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(end).map(str::to_owned))
        .collect()
}

/// A source file as it stands in a page, without the line that leads to its tests.
fn code(path: &Path) -> String {
    let source = std::fs::read_to_string(path).unwrap();
    let source = source.replace("#[cfg(test)]\nmod tests;\n", "");
    format!("```rust\n{}\n```\n", source.trim_end())
}

#[test]
fn every_role_has_a_page_with_its_example() {
    let examples = repository().join("host/plugin/tests/examples");
    let pages = repository().join("plugin-api/roles");
    let roles = names(&pages, ".md");
    assert_eq!(roles.len(), 10);
    let mut differences = Vec::new();
    for role in &roles {
        let page = pages.join(format!("{role}.md"));
        for (part, file) in [("example", "lib.rs"), ("tests", "tests.rs")] {
            let code = code(&examples.join(role).join(file));
            differences.extend(page_says(&page, &format!("{part}: {role}"), &code).err());
        }
        let small = code(&repository().join(format!("sdk/tests/small/{role}.rs")));
        let lines = small.lines().count() - 2;
        assert!(lines <= 25, "the small plugin of {role} has {lines} lines");
        differences.extend(page_says(&page, &format!("small: {role}"), &small).err());
        // The first case of a new project, which `host/server/tests/author.rs` runs.
        for (part, kind, end) in [("case", "toml case", "toml"), ("answer", "text", "txt")] {
            let file = repository().join(format!("sdk/tool/templates/{role}.{end}"));
            let text = std::fs::read_to_string(file).unwrap();
            let shown = format!("```{kind}\n{}\n```\n", text.trim_end());
            differences.extend(page_says(&page, &format!("{part}: {role}"), &shown).err());
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Links between the pages lead to files and headings that are there.
#[test]
fn links_lead_somewhere() {
    let pages = isocenter_contract::pages().unwrap();
    let pages: Vec<_> = pages.iter().map(|page| repository().join(page)).collect();
    let mut broken = Vec::new();
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(file)
            };
            let found = target.exists()
                && (heading.is_empty() || headings(&std::fs::read_to_string(&target).unwrap()).contains(heading));
            if !found {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Headings as links name them.
fn headings(text: &str) -> BTreeSet<String> {
    let headings = text
        .lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()));
    headings
        .map(|heading| {
            let kept = heading.to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

/// What Lua scripts and Python plugins of Orthanc 1.12 can be called back for.
const ORTHANC: [&str; 49] = [
    "IncomingFindRequestFilter",
    "IncomingHttpRequestFilter",
    "IncomingWorklistRequestFilter",
    "IsDeflatedTransferSyntaxAccepted",
    "IsH265TransferSyntaxAccepted",
    "IsJpeg2000TransferSyntaxAccepted",
    "IsJpegLosslessTransferSyntaxAccepted",
    "IsJpegTransferSyntaxAccepted",
    "IsJpipTransferSyntaxAccepted",
    "IsMpeg2TransferSyntaxAccepted",
    "IsMpeg4TransferSyntaxAccepted",
    "IsRleTransferSyntaxAccepted",
    "Initialize",
    "Finalize",
    "OnChange",
    "OnDeletedInstance",
    "OnDeletedPatient",
    "OnDeletedSeries",
    "OnDeletedStudy",
    "OnHeartBeat",
    "OnJobFailure",
    "OnJobSubmitted",
    "OnJobSuccess",
    "OnStablePatient",
    "OnStableSeries",
    "OnStableStudy",
    "OnStoredInstance",
    "OnUpdatedInstance",
    "OnUpdatedPatient",
    "OnUpdatedSeries",
    "OnUpdatedStudy",
    "OutgoingCStoreInstanceFilter",
    "OutgoingFindRequestFilter",
    "ReceivedCStoreInstanceFilter",
    "ReceivedInstanceFilter",
    "RegisterFindCallback",
    "RegisterIncomingCStoreInstanceFilter",
    "RegisterIncomingHttpRequestFilter",
    "RegisterIncomingHttpRequestFilter2",
    "RegisterMoveCallback",
    "RegisterMoveCallback2",
    "RegisterMoveCallback3",
    "RegisterOnChangeCallback",
    "RegisterOnStoredInstanceCallback",
    "RegisterReceivedInstanceCallback",
    "RegisterRestCallback",
    "RegisterStorageArea",
    "RegisterStorageCommitmentScpCallback",
    "RegisterWorklistCallback",
];

/// What stands in code in a cell of a table.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_callback_of_orthanc_has_its_place() {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let page = read("plugin-api/coming-from-orthanc.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let rows: Vec<(&str, &str)> = rows.filter(|(theirs, _)| *theirs != "Orthanc").collect();
    let named: BTreeSet<&str> = rows
        .iter()
        .flat_map(|(theirs, _)| quoted(theirs))
        .map(|code| code.split('(').next().unwrap_or_default())
        .collect();
    let missing: Vec<&str> = ORTHANC
        .into_iter()
        .filter(|callback| !named.contains(callback))
        .collect();
    assert!(missing.is_empty(), "the page has no place for {missing:?}");

    let (events, settings, commands) = (
        read("plugin-api/events.md"),
        read("README.md"),
        read("host/server/src/cli.rs"),
    );
    let mut wrong = Vec::new();
    for (theirs, ours) in rows {
        for code in quoted(ours) {
            // A kind of event: two words in lower case with a dot between.
            let kind = code.split_once('.').is_some_and(|(of, what)| {
                [of, what]
                    .iter()
                    .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()))
            });
            let there = if kind {
                events.contains(&format!("\n### {code}\n"))
            } else if let Some(command) = code.strip_prefix("isocenter ") {
                let word = command.split(' ').next().unwrap_or_default();
                let variant: String = word[..1].to_uppercase() + &word[1..];
                [",", "(", " {"]
                    .iter()
                    .any(|end| commands.contains(&format!("\n    {variant}{end}")))
            } else if code.starts_with('[') {
                let table = code.trim_matches(['[', ']']);
                settings.contains(&format!("[{table}]")) || settings.contains(&format!("[{table}."))
            } else if ["services", "egress", "ingest", "when", "quiet"].contains(&code) {
                settings.contains(&format!("{code} = "))
            } else {
                true
            };
            if !there {
                wrong.push(format!("{theirs}: there is no {code}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
