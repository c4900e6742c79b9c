//! Types and functions as text, in which two contracts are compared.
//!
//! Separate because the text must hold all that a component depends on and nothing else: names, order of fields and
//! cases, and of another package only the track of its version, since a component links with any on that track.

use wit_parser::{
    Function, FunctionKind, Handle, InterfaceId, PackageId, Resolve, Type, TypeDefKind, TypeId, TypeOwner,
};

use crate::version;

/// Words things as one package sees them.
pub(crate) struct Wording<'a> {
    pub(crate) resolve: &'a Resolve,
    pub(crate) home: PackageId,
}

impl Wording<'_> {
    /// `log` in the same package, else `isocenter:host/log@0.1`.
    pub(crate) fn interface(&self, id: InterfaceId) -> String {
        let interface = &self.resolve.interfaces[id];
        let name = interface.name.as_deref().unwrap_or("an interface of a world");
        match interface.package {
            Some(package) if package != self.home => {
                let package = &self.resolve.packages[package].name;
                let track = package
                    .version
                    .as_ref()
                    .map(|version| format!("@{}", version::track(version)));
                format!(
                    "{}:{}/{name}{}",
                    package.namespace,
                    package.name,
                    track.unwrap_or_default()
                )
            }
            _ => name.to_owned(),
        }
    }

    /// `function write`, `method object.get`, `constructor of object`.
    pub(crate) fn function_name(&self, function: &Function) -> String {
        let name = function.name.rsplit(']').next().unwrap_or_default();
        match &function.kind {
            FunctionKind::Constructor(_) => format!("constructor of {name}"),
            kind if kind.resource().is_some() => format!("method {name}"),
            _ => format!("function {name}"),
        }
    }

    pub(crate) fn function(&self, function: &Function) -> String {
        let kind = match function.kind {
            FunctionKind::Freestanding | FunctionKind::Method(_) | FunctionKind::Constructor(_) => "func",
            FunctionKind::AsyncFreestanding | FunctionKind::AsyncMethod(_) => "async func",
            FunctionKind::Static(_) => "static func",
            FunctionKind::AsyncStatic(_) => "static async func",
            FunctionKind::Getter | FunctionKind::MethodGetter(_) => "get",
            FunctionKind::Setter | FunctionKind::MethodSetter(_) => "set",
            FunctionKind::StaticGetter(_) => "static get",
            FunctionKind::StaticSetter(_) => "static set",
        };
        // The resource that a method is called on says its name already.
        let own = usize::from(
            function
                .params
                .first()
                .is_some_and(|first| first.name == "self" && function.kind.resource().is_some()),
        );
        let parameters = function.params.iter().skip(own);
        let parameters = parameters.map(|parameter| format!("{}: {}", parameter.name, self.ty(&parameter.ty)));
        let result = function.result.as_ref().map(|ty| format!(" -> {}", self.ty(ty)));
        format!(
            "{kind}({}){}",
            parameters.collect::<Vec<_>>().join(", "),
            result.unwrap_or_default()
        )
    }

    /// What a type is, for the place where it is defined.
    pub(crate) fn definition(&self, kind: &TypeDefKind) -> String {
        let braced = |word: &str, parts: Vec<String>| format!("{word} {{ {} }}", parts.join(", "));
        match kind {
            TypeDefKind::Record(record) => braced(
                "record",
                record
                    .fields
                    .iter()
                    .map(|field| format!("{}: {}", field.name, self.ty(&field.ty)))
                    .collect(),
            ),
            TypeDefKind::Variant(variant) => braced(
                "variant",
                variant
                    .cases
                    .iter()
                    .map(|case| format!("{}{}", case.name, self.payload(case.ty.as_ref())))
                    .collect(),
            ),
            TypeDefKind::Enum(cases) => braced("enum", cases.cases.iter().map(|case| case.name.clone()).collect()),
            TypeDefKind::Flags(flags) => braced("flags", flags.flags.iter().map(|flag| flag.name.clone()).collect()),
            TypeDefKind::Resource => "resource".into(),
            // Taken over from another interface by `use`, or another name for it.
            TypeDefKind::Type(Type::Id(id)) => self.full_name(*id),
            other => self.anonymous(other),
        }
    }

    fn payload(&self, ty: Option<&Type>) -> String {
        ty.map(|ty| format!("({})", self.ty(ty))).unwrap_or_default()
    }

    fn full_name(&self, id: TypeId) -> String {
        let ty = &self.resolve.types[id];
        match (&ty.name, ty.owner) {
            (Some(name), TypeOwner::Interface(interface)) => format!("{}.{{{name}}}", self.interface(interface)),
            _ => self.named(id),
        }
    }

    fn named(&self, id: TypeId) -> String {
        let ty = &self.resolve.types[id];
        ty.name.clone().unwrap_or_else(|| self.anonymous(&ty.kind))
    }

    fn anonymous(&self, kind: &TypeDefKind) -> String {
        let optional = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), |ty| self.ty(ty));
        let bracketed = |word: &str, parts: &[String]| format!("{word}<{}>", parts.join(", "));
        match kind {
            TypeDefKind::Handle(Handle::Own(id)) => self.named(*id),
            TypeDefKind::Handle(Handle::Borrow(id)) => bracketed("borrow", &[self.named(*id)]),
            TypeDefKind::Tuple(tuple) => {
                let parts: Vec<_> = tuple.types.iter().map(|ty| self.ty(ty)).collect();
                bracketed("tuple", &parts)
            }
            TypeDefKind::Option(ty) => bracketed("option", &[self.ty(ty)]),
            TypeDefKind::Result(result) => match (&result.ok, &result.err) {
                (None, None) => "result".into(),
                (ok, None) => bracketed("result", &[optional(ok)]),
                (ok, err) => bracketed("result", &[optional(ok), optional(err)]),
            },
            TypeDefKind::List(ty) => bracketed("list", &[self.ty(ty)]),
            TypeDefKind::Map(key, value) => bracketed("map", &[self.ty(key), self.ty(value)]),
            TypeDefKind::FixedLengthList(ty, length) => bracketed("list", &[self.ty(ty), length.to_string()]),
            TypeDefKind::Future(ty) => bracketed("future", &[optional(ty)]),
            TypeDefKind::Stream(ty) => bracketed("stream", &[optional(ty)]),
            TypeDefKind::Type(ty) => self.ty(ty),
            // These have names, always.
            TypeDefKind::Record(_)
            | TypeDefKind::Variant(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Flags(_)
            | TypeDefKind::Resource
            | TypeDefKind::Unknown => kind.as_str().to_owned(),
        }
    }

    fn ty(&self, ty: &Type) -> String {
        let word = match ty {
            Type::Bool => "bool",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::U64 => "u64",
            Type::S8 => "s8",
            Type::S16 => "s16",
            Type::S32 => "s32",
            Type::S64 => "s64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char => "char",
            Type::String => "string",
            Type::ErrorContext => "error-context",
            Type::Id(id) => return self.named(*id),
        };
        word.to_owned()
    }
}
