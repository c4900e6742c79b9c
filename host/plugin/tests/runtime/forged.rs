//! Components that no compiler makes of any language: written in WebAssembly's text, around the contract of a filter.
//!
//! Separate, and without a word of the runtime, because they are what an attacker would write with these same tools.
//! Each is a component that is valid, and loads unless its name says otherwise.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A filter of the contract whose `apply` is these instructions, with more items in its module. Its check is fine.
pub(crate) fn filter(items: &str, apply: &str) -> Vec<u8> {
    filter_with("", items, apply)
}

/// The same, with imports.
fn filter_with(imports: &str, items: &str, apply: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            {imports}
            (memory (export "memory") 1)
            (func (export "isocenter:plugin/lifecycle@0.1.1#check") (result i32) (i32.const 1024))
            (func (export "isocenter:filter/filter@0.1.1#apply") (param i32 i32 i32) (result i32) {apply})
            {items})"#
    );
    componentized(wat::parse_str(module).unwrap())
}

fn componentized(mut module: Vec<u8>) -> Vec<u8> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-api/wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some("filter-plugin")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// Never gets out of its start function: instantiation does not end.
pub(crate) fn endless_start() -> Vec<u8> {
    filter("(func $start (loop (br 0))) (start $start)", "unreachable")
}

/// Traps in its start function.
pub(crate) fn trapping_start() -> Vec<u8> {
    filter("(func $start unreachable) (start $start)", "unreachable")
}

/// Grows a table until it gets no more, and ends then.
pub(crate) fn table_bomb() -> Vec<u8> {
    filter(
        "(table $table 0 funcref)",
        "(loop (br_if 0 (i32.ne (i32.const -1) (table.grow $table (ref.null func) (i32.const 1000))))) unreachable",
    )
}

/// Has a table of ten million elements from the start.
pub(crate) fn huge_table() -> Vec<u8> {
    filter("(table 10000000 funcref)", "unreachable")
}

/// Has more tables than a compiler would make, each small.
pub(crate) fn many_tables(count: usize) -> Vec<u8> {
    filter(&"(table 1 funcref)".repeat(count), "unreachable")
}

/// Grows its memory until it gets no more, and then loops: no allocator that would end it.
pub(crate) fn memory_bomb() -> Vec<u8> {
    filter(
        "",
        "(loop (br_if 0 (i32.ne (i32.const -1) (memory.grow (i32.const 16))))) (loop (br 0)) unreachable",
    )
}

/// Wants 2 GiB of memory from the start.
pub(crate) fn huge_memory() -> Vec<u8> {
    let module = r#"(module
        (memory (export "memory") 32768)
        (func (export "isocenter:plugin/lifecycle@0.1.1#check") (result i32) (i32.const 1024))
        (func (export "isocenter:filter/filter@0.1.1#apply") (param i32 i32 i32) (result i32) unreachable))"#;
    componentized(wat::parse_str(module).unwrap())
}

/// Gives back the handles that it was lent, as it must, before these instructions.
pub(crate) fn polite_filter(answer: &str) -> Vec<u8> {
    let lent = [
        ("dicom/objects", "object"),
        ("filter/passage", "passage"),
        ("dicom/edits", "edits"),
    ];
    let import = |(interface, resource)| {
        format!(r#"(import "isocenter:{interface}@0.1.1" "[resource-drop]{resource}" (func ${resource} (param i32)))"#)
    };
    let give_back = "(call $object (local.get 0)) (call $passage (local.get 1)) (call $edits (local.get 2))";
    filter_with(&lent.map(import).concat(), "", &format!("{give_back} {answer}"))
}

/// Answers with a pointer to no memory.
pub(crate) fn wild_answer() -> Vec<u8> {
    polite_filter("(i32.const -8)")
}

/// Answers a verdict that the contract does not have.
pub(crate) fn unknown_verdict() -> Vec<u8> {
    polite_filter("(i32.store8 (i32.const 2052) (i32.const 77)) (i32.const 2048)")
}

/// Refuses, for a reason of 1 GiB that it does not have.
pub(crate) fn endless_reason() -> Vec<u8> {
    polite_filter(
        "(i32.store8 (i32.const 2052) (i32.const 2)) (i32.store (i32.const 2056) (i32.const 8))
         (i32.store (i32.const 2060) (i32.const 0x40000000)) (i32.const 2048)",
    )
}

/// Answers with the handles that it was lent still in its hands.
pub(crate) fn kept_handles() -> Vec<u8> {
    filter("", "(i32.const 2048)")
}

/// A component with a manifest of the attacker's own, behind those that are there.
pub(crate) fn with_manifest(component: &[u8], manifest: &[u8]) -> Vec<u8> {
    let name = b"isocenter:manifest";
    let mut section = leb128(name.len());
    section.extend_from_slice(name);
    section.extend_from_slice(manifest);
    let mut forged = component.to_vec();
    forged.push(0);
    forged.extend_from_slice(&leb128(section.len()));
    forged.extend_from_slice(&section);
    forged
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7F).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

mod tests {
    use std::time::Duration;

    use isocenter_plugin::PluginSpec;

    use super::*;
    use crate::support::{Ask as _, header, load, passage, runtime};

    /// What comes of each: the sentence at loading, or that of the first call.
    #[tokio::test]
    async fn each_has_its_sentence() {
        let runtime = runtime();
        let folder = tempfile::tempdir().unwrap();
        let mut report = String::new();
        for (name, component) in [
            ("endless_start", endless_start()),
            ("trapping_start", trapping_start()),
            ("table_bomb", table_bomb()),
            ("huge_table", huge_table()),
            ("many_tables", many_tables(100)),
            ("memory_bomb", memory_bomb()),
            ("huge_memory", huge_memory()),
            ("wild_answer", wild_answer()),
            ("unknown_verdict", unknown_verdict()),
            ("endless_reason", endless_reason()),
            ("kept_handles", kept_handles()),
        ] {
            let path = folder.path().join(format!("{name}.wasm"));
            std::fs::write(&path, component).unwrap();
            let mut spec = PluginSpec::new(name, &path);
            // On a busy machine the wall clock would be first.
            spec.limits.wall = Some(Duration::from_secs(20));
            let sentence = match load(&runtime, spec) {
                Ok(plugin) => match plugin.filter(header(), passage()).await.result {
                    Ok(answer) => format!("{:?}", answer.verdict),
                    Err(failure) => failure.to_string(),
                },
                Err(error) => error.reason.to_string(),
            };
            let sentence = sentence.replace(&format!("{}/", folder.path().display()), "");
            report.push_str(&format!("{name}: {sentence}\n"));
        }
        expect_test::expect![[r#"
            endless_start: its check failed: the plugin used more than 5000 ms of wall time
            trapping_start: its check failed: the plugin trapped: wasm trap: wasm `unreachable` instruction executed (in start)
            table_bomb: the plugin wanted more than 128 MiB of memory
            huge_table: huge_table.wasm does not compile: module table does not fit in pooling allocator requirements
            many_tables: many_tables.wasm does not compile: module table does not fit in pooling allocator requirements
            memory_bomb: the plugin used more than 500 ms of CPU time
            huge_memory: huge_memory.wasm does not compile: module memory does not fit in pooling allocator requirements
            wild_answer: the plugin trapped: pointer out of bounds of memory
            unknown_verdict: the plugin trapped: unexpected discriminant: 77
            endless_reason: the plugin trapped: string pointer/length out of bounds of memory
            kept_handles: the plugin trapped: borrow handles still remain at the end of the call
        "#]].assert_eq(&report);
    }
}
