//! Components that no compiler makes of any language: written in WebAssembly's text, around the contract of a filter.
//!
//! Separate, and without a word of the runtime, because they are what an attacker would write with these same tools.
//! Each is a component that is valid, and loads unless its name says otherwise.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test binary that has this module uses a part of it"
)]

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

/// Small, valid, and more work for the compiler than it can do: many locals that live across many blocks, in as many
/// functions as the compiler has patience for.
pub(crate) fn compile_bomb(functions: usize, locals: usize, blocks: usize) -> Vec<u8> {
    let mut items = String::new();
    for _ in 0..functions {
        items.push_str("(func (param i32) (local");
        items.push_str(&" i32".repeat(locals));
        items.push(')');
        // Each block might write each of them, for all that the compiler knows.
        for block in 0..blocks {
            let local = 1 + block % locals;
            items.push_str(&format!(
                "(loop (br_if 0 (local.tee {local} (i32.add (local.get {local}) (local.get 0)))))"
            ));
        }
        for local in 1..=locals {
            items.push_str(&format!("(drop (i32.div_u (local.get {local}) (local.get {local})))"));
        }
        items.push(')');
    }
    filter(&items, "unreachable")
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
