//! `table.rs` says what `isocenter_native.h` says: a C compiler reads the header, and every constant, struct, field,
//! size, offset and function is compared.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect has failed"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

use isocenter_native_api::table::{self, Description, ErrorText, Inference, Outputs, Port, Ports, Table, Tensor, Text};

/// The size of each struct and the offset and size of each field, by the name in the header.
fn layouts() -> BTreeMap<String, usize> {
    /// The size of the field that a function picks.
    fn size<S, F>(_: impl Fn(&S) -> &F) -> usize {
        size_of::<F>()
    }
    let mut found = BTreeMap::new();
    macro_rules! layout {
        ($name:literal, $type:ident { $($field:ident),* }) => {
            found.insert($name.to_owned(), size_of::<$type>());
            $(
                found.insert(concat!($name, ".", stringify!($field)).to_owned(), offset_of!($type, $field));
                found.insert(
                    concat!($name, ".", stringify!($field), " size").to_owned(),
                    size(|value: &$type| &value.$field),
                );
            )*
        };
    }
    layout!("isocenter_text", Text { data, len });
    layout!("isocenter_error", ErrorText { data, capacity, len });
    layout!("isocenter_description", Description { name, version });
    layout!(
        "isocenter_port",
        Port {
            name,
            shape,
            rank,
            element,
            reserved
        }
    );
    layout!(
        "isocenter_ports",
        Ports {
            inputs,
            input_count,
            outputs,
            output_count
        }
    );
    layout!(
        "isocenter_tensor",
        Tensor {
            name,
            shape,
            rank,
            data,
            len,
            element,
            reserved
        }
    );
    layout!("isocenter_outputs", Outputs { tensors, count, owner });
    layout!(
        "isocenter_table",
        Table {
            abi,
            size,
            kind,
            reserved
        }
    );
    layout!(
        "isocenter_inference",
        Inference {
            head,
            describe,
            open,
            ports,
            run,
            release,
            close
        }
    );
    found
}

fn constants() -> BTreeMap<String, i64> {
    let codes = [
        ("OK", table::OK),
        ("BAD_MODEL", table::BAD_MODEL),
        ("BAD_INPUT", table::BAD_INPUT),
        ("OUT_OF_MEMORY", table::OUT_OF_MEMORY),
        ("STOPPED", table::STOPPED),
        ("FAILED", table::FAILED),
    ];
    let numbers = [
        ("NATIVE_ABI", table::ABI),
        ("KIND_INFERENCE", table::KIND_INFERENCE),
        ("UINT8", table::UINT8),
        ("INT16", table::INT16),
        ("INT64", table::INT64),
        ("FLOAT16", table::FLOAT16),
        ("FLOAT32", table::FLOAT32),
    ];
    codes
        .map(|(name, code)| (name, i64::from(code)))
        .into_iter()
        .chain(numbers.map(|(name, number)| (name, i64::from(number))))
        .map(|(name, value)| (format!("ISOCENTER_{name}"), value))
        .collect()
}

/// The functions and the entry as the types of `table.rs` say them, in C.
const FUNCTIONS: [(&str, &str); 7] = [
    ("describe", "int32_t (*)(isocenter_description *, isocenter_error *)"),
    (
        "open",
        "int32_t (*)(const uint8_t *, size_t, isocenter_model **, isocenter_error *)",
    ),
    (
        "ports",
        "int32_t (*)(const isocenter_model *, isocenter_ports *, isocenter_error *)",
    ),
    (
        "run",
        "int32_t (*)(const isocenter_model *, const isocenter_tensor *, size_t, const uint32_t *, isocenter_outputs *, \
         isocenter_error *)",
    ),
    ("release", "int32_t (*)(isocenter_outputs *)"),
    ("close", "int32_t (*)(isocenter_model *)"),
    ("isocenter_native_v1", "const isocenter_table *(*)(void)"),
];

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The header without its comments.
fn header() -> String {
    let text = std::fs::read_to_string(folder().join("isocenter_native.h")).unwrap();
    let mut code = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("/*") {
        code.push_str(before);
        rest = after.split_once("*/").unwrap().1;
    }
    code + rest
}

/// The structs of the header with the names of their fields, in order.
fn structs() -> Vec<(String, Vec<String>)> {
    let code = header();
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some((_, after)) = rest.split_once("typedef struct ") {
        let (head, after_head) = after.split_at(after.find(['{', ';']).unwrap());
        rest = after_head;
        let Some(body) = after_head.strip_prefix('{') else {
            continue; // opaque
        };
        let body = body.split_once('}').unwrap().0;
        let fields = body.split(';').map(str::trim).filter(|field| !field.is_empty());
        found.push((head.trim().to_owned(), fields.map(field_name).collect()));
    }
    found
}

/// Of `const void *data` and of `int32_t (*open)(…)`.
fn field_name(declaration: &str) -> String {
    let name = match declaration.split_once("(*") {
        Some((_, after)) => after.split_once(')').unwrap().0,
        None => declaration.rsplit([' ', '*']).next().unwrap(),
    };
    name.to_owned()
}

/// The names of the header's constants: `#define ISOCENTER_… value`.
fn defined() -> Vec<String> {
    header()
        .lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Compiles a program with the header and answers what it prints, a name and a number on each line.
fn numbers(statements: &str) -> BTreeMap<String, i64> {
    let scratch = tempfile::tempdir().unwrap();
    let source = scratch.path().join("print.c");
    let program = scratch.path().join("print");
    let text = format!(
        "#include <stdio.h>\n#include \"isocenter_native.h\"\n\
         #define SAY(name, value) printf(\"%s=%lld\\n\", name, (long long)(value))\n\
         int main(void) {{\n{statements}return 0;\n}}\n"
    );
    std::fs::write(&source, text).unwrap();
    let compiled = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(folder())
        .arg("-o")
        .args([&program, &source])
        .output()
        .expect("cc, the C compiler that Rust links with");
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    let printed = Command::new(&program).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    printed
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn structs_have_the_layout_of_the_header() {
    let mut statements = String::new();
    for (name, fields) in structs() {
        writeln!(statements, "SAY(\"{name}\", sizeof({name}));").unwrap();
        for field in fields {
            writeln!(statements, "SAY(\"{name}.{field}\", offsetof({name}, {field}));").unwrap();
            writeln!(
                statements,
                "SAY(\"{name}.{field} size\", sizeof((({name} *)0)->{field}));"
            )
            .unwrap();
        }
    }
    let ours: BTreeMap<String, i64> = layouts()
        .into_iter()
        .map(|(name, value)| (name, i64::try_from(value).unwrap()))
        .collect();
    assert_eq!(ours, numbers(&statements));
}

#[test]
fn constants_have_the_values_of_the_header() {
    let mut statements = String::new();
    for name in defined() {
        writeln!(statements, "SAY(\"{name}\", {name});").unwrap();
    }
    assert_eq!(constants(), numbers(&statements));
}

#[test]
fn functions_have_the_types_of_the_header() {
    let mut statements = String::new();
    for (name, kind) in FUNCTIONS {
        let field = format!("((isocenter_inference *)0)->{name}");
        let function = if name.starts_with("isocenter") { name } else { &field };
        writeln!(
            statements,
            "SAY(\"{name}\", _Generic({function}, {kind}: 1, default: 0));"
        )
        .unwrap();
    }
    assert!(numbers(&statements).into_values().all(|same| same == 1), "{statements}");
    assert_eq!(table::ENTRY.to_str().unwrap(), FUNCTIONS[6].0);
}

#[test]
fn the_header_is_cpp_too() {
    let checked = Command::new("cc")
        .args([
            "-x",
            "c++",
            "-std=c++17",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fsyntax-only",
        ])
        .arg(folder().join("isocenter_native.h"))
        .output()
        .expect("cc, the C compiler that Rust links with");
    let said = String::from_utf8_lossy(&checked.stderr);
    // A machine with C alone has no C++ front end.
    if said.contains("cc1plus") {
        return;
    }
    assert!(checked.status.success(), "{said}");
}
