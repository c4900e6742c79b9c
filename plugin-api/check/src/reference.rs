//! The contract as a page for people: every package, interface, type and function with its comment.
//!
//! Separate because it reads the comments, which no comparison looks at. What has no comment is named.

use std::path::Path;

use wit_parser::{
    Docs, Function, Interface, Package, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldItem, WorldKey,
};

use crate::Unreadable;
use crate::wording::Wording;

/// A contract in Markdown.
#[derive(Debug, PartialEq, Eq)]
pub struct Reference {
    /// The page.
    pub page: String,
    /// What has no comment: `isocenter:host/log.write`.
    pub silent: Vec<String>,
}

/// Reads a folder of WIT and writes its page.
///
/// # Errors
/// When the folder does not parse.
pub fn reference(folder: impl AsRef<Path>) -> Result<Reference, Unreadable> {
    let folder = folder.as_ref();
    let mut resolve = Resolve::default();
    resolve.push_dir(folder).map_err(|error| Unreadable::Wit {
        path: folder.to_owned(),
        reason: format!("{error:#}"),
    })?;
    let mut writer = Writer {
        resolve: &resolve,
        page: String::new(),
        silent: Vec::new(),
    };
    let mut packages: Vec<&Package> = resolve.packages.iter().map(|(_, package)| package).collect();
    packages.sort_by_key(|package| package.name.to_string());
    for package in packages {
        writer.package(package);
    }
    Ok(Reference {
        page: writer.page,
        silent: writer.silent,
    })
}

struct Writer<'a> {
    resolve: &'a Resolve,
    page: String,
    silent: Vec<String>,
}

impl Writer<'_> {
    fn package(&mut self, package: &Package) {
        let name = format!("{}:{}", package.name.namespace, package.name.name);
        let version = package
            .name
            .version
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        self.page.push_str(&format!("## {name} {version}\n"));
        self.docs(&name, &package.docs);
        for (interface, id) in &package.interfaces {
            self.page.push_str(&format!("\n### {name}/{interface}\n"));
            self.interface(&format!("{name}/{interface}"), &self.resolve.interfaces[*id]);
        }
        for (world, id) in &package.worlds {
            self.page.push_str(&format!("\n### world {name}/{world}\n"));
            let world = &self.resolve.worlds[*id];
            self.docs(&format!("{name}/{}", world.name), &world.docs);
            for (word, items) in [("Imports", &world.imports), ("Exports", &world.exports)] {
                let mut names: Vec<String> = items.iter().map(|(key, item)| self.item(key, item)).collect();
                names.sort();
                if !names.is_empty() {
                    self.page.push_str(&format!("\n{word} {}.\n", names.join(", ")));
                }
            }
        }
        self.page.push('\n');
    }

    fn item(&self, key: &WorldKey, item: &WorldItem) -> String {
        let name = match (key, item) {
            (WorldKey::Interface(id), _) => {
                let interface = &self.resolve.interfaces[*id];
                let package = interface.package.map(|id| &self.resolve.packages[id].name);
                let package = package.map(|name| format!("{}:{}/", name.namespace, name.name));
                format!(
                    "{}{}",
                    package.unwrap_or_default(),
                    interface.name.as_deref().unwrap_or_default()
                )
            }
            (WorldKey::Name(name), _) => name.clone(),
        };
        format!("`{name}`")
    }

    fn interface(&mut self, name: &str, interface: &Interface) {
        self.docs(name, &interface.docs);
        self.page.push('\n');
        for (type_name, id) in &interface.types {
            let ty = &self.resolve.types[*id];
            // Taken over from another interface, where it is described.
            if !matches!(ty.kind, TypeDefKind::Type(Type::Id(of)) if self.is_elsewhere(of, ty.owner)) {
                self.ty(name, type_name, ty, interface);
            }
        }
        for function in interface
            .functions
            .values()
            .filter(|function| function.kind.resource().is_none())
        {
            self.function(name, function, interface, "");
        }
    }

    fn is_elsewhere(&self, of: TypeId, owner: TypeOwner) -> bool {
        self.resolve.types[of].owner != owner
    }

    fn ty(&mut self, place: &str, name: &str, ty: &TypeDef, interface: &Interface) {
        let (word, parts): (&str, Vec<(&str, &Docs)>) = match &ty.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                (
                    "record",
                    fields.map(|field| (field.name.as_str(), &field.docs)).collect(),
                )
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                ("variant", cases.map(|case| (case.name.as_str(), &case.docs)).collect())
            }
            TypeDefKind::Enum(of) => {
                let cases = of.cases.iter();
                ("enum", cases.map(|case| (case.name.as_str(), &case.docs)).collect())
            }
            TypeDefKind::Flags(flags) => {
                let flags = flags.flags.iter();
                ("flags", flags.map(|flag| (flag.name.as_str(), &flag.docs)).collect())
            }
            TypeDefKind::Resource => ("resource", Vec::new()),
            _ => ("type", Vec::new()),
        };
        let shape = self.wording(interface).map(|wording| wording.definition(&ty.kind));
        let shape = shape.unwrap_or_default();
        let shown = match word {
            "resource" => format!("resource {name}"),
            "type" => format!("type {name} = {shape}"),
            word => format!("{word} {name}{}", shape.strip_prefix(word).unwrap_or_default()),
        };
        self.entry("", &shown, &format!("{place}.{name}"), &ty.docs);
        for (part, docs) in parts.into_iter().filter(|(_, docs)| docs.contents.is_some()) {
            let about = one_line(docs);
            self.page.push_str(&format!("  - `{part}`: {about}\n"));
        }
        let own = |function: &&Function| {
            let of = function.kind.resource().map(|id| &self.resolve.types[id]);
            of.is_some_and(|of| of.name.as_deref() == Some(name))
        };
        let methods: Vec<&Function> = interface.functions.values().filter(own).collect();
        for method in methods {
            self.function(&format!("{place}.{name}"), method, interface, "  ");
        }
    }

    fn function(&mut self, place: &str, function: &Function, interface: &Interface, indent: &str) {
        let shape = self.wording(interface).map(|wording| wording.function(function));
        let shape = shape.unwrap_or_default();
        let full = function.name.rsplit(']').next().unwrap_or_default();
        let (shown, name) = if function.name.starts_with("[constructor]") {
            (shape.replacen("func", "constructor", 1), "constructor")
        } else {
            let name = full.rsplit('.').next().unwrap_or_default();
            (format!("{name}: {shape}"), name)
        };
        self.entry(indent, &shown, &format!("{place}.{name}"), &function.docs);
    }

    fn entry(&mut self, indent: &str, shown: &str, name: &str, docs: &Docs) {
        if docs.contents.is_none() {
            self.silent.push(name.to_owned());
        }
        let about = one_line(docs);
        self.page.push_str(&format!("{indent}- `{shown}`\n"));
        if !about.is_empty() {
            self.page.push_str(&format!("{indent}  <br>{about}\n"));
        }
    }

    fn docs(&mut self, name: &str, docs: &Docs) {
        match &docs.contents {
            Some(text) => self.page.push_str(&format!("{}\n", text.trim())),
            None => self.silent.push(name.to_owned()),
        }
    }

    fn wording(&self, interface: &Interface) -> Option<Wording<'_>> {
        Some(Wording {
            resolve: self.resolve,
            home: interface.package?,
        })
    }
}

fn one_line(docs: &Docs) -> String {
    let text = docs.contents.as_deref().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
