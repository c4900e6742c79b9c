//! A contract as flat lists of what it holds: per package, per interface or world, every item with its shape as text.
//!
//! Separate because it is the only part that knows the parser. Where two contracts agree in these texts, a component
//! that was built for one runs with the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use semver::Version;
use wit_parser::{Function, InterfaceId, PackageId, PackageName, Resolve, WorldItem, WorldKey};

use crate::version::{self, Change};
use crate::wording::Wording;

/// The world that names all that a host links and calls. No plugin is built for it, so a role more in it breaks none.
const HOST_WORLD: &str = "isocenter:plugin/everything";

/// What a folder of WIT holds.
#[derive(Debug)]
pub struct Contract {
    pub(crate) packages: Vec<Package>,
}

/// Why a contract cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The folder does not parse.
    #[error("{} is no contract: {reason}", path.display())]
    Wit {
        /// The folder.
        path: PathBuf,
        /// In the parser's words.
        reason: String,
    },
    /// The folder cannot be listed.
    #[error("{} cannot be read: {error}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// There is nothing to compare with.
    #[error("{} holds no released contract, which is a folder named after a version with `wit` in it", .0.display())]
    NoRelease(PathBuf),
}

/// One version of a package.
#[derive(Debug)]
pub(crate) struct Package {
    /// `namespace:name`.
    pub(crate) name: String,
    pub(crate) version: Option<Version>,
    /// Interfaces and worlds, as `interface log`.
    pub(crate) holders: BTreeMap<String, Holder>,
    /// The other packages that it refers to, each in the one version that it names.
    pub(crate) uses: BTreeSet<PackageName>,
}

/// An interface or a world, and its items: `function write`, `import isocenter:host/log`.
pub(crate) type Holder = BTreeMap<String, Item>;

/// A type, a function, an import or an export.
#[derive(Debug)]
pub(crate) struct Item {
    /// Everything that a component depends on, and no documentation.
    pub(crate) shape: String,
    /// What it means that this is new where it stands.
    pub(crate) addition: Change,
    /// The item that it is a part of, and with which it comes: a method of its resource.
    pub(crate) part_of: Option<String>,
}

impl Contract {
    /// Reads a folder: the root package's files and, below `deps`, the packages that it uses.
    ///
    /// # Errors
    /// When the folder does not parse.
    pub fn read(folder: impl AsRef<Path>) -> Result<Contract, Unreadable> {
        let folder = folder.as_ref();
        let mut resolve = Resolve::default();
        match resolve.push_dir(folder) {
            Ok(_) => Ok(Contract::of(&resolve)),
            Err(error) => Err(Unreadable::Wit {
                path: folder.to_owned(),
                reason: format!("{error:#}"),
            }),
        }
    }

    /// Reads one text of any number of packages.
    ///
    /// # Errors
    /// When the text does not parse.
    pub fn parse(wit: &str) -> Result<Contract, Unreadable> {
        let mut resolve = Resolve::default();
        match resolve.push_str("contract.wit", wit) {
            Ok(_) => Ok(Contract::of(&resolve)),
            Err(error) => Err(Unreadable::Wit {
                path: "contract.wit".into(),
                reason: format!("{error:#}"),
            }),
        }
    }

    fn of(resolve: &Resolve) -> Contract {
        let reader = Reader {
            resolve,
            exported: exported(resolve),
        };
        let mut packages: Vec<_> = resolve.packages.iter().map(|(id, _)| reader.package(id)).collect();
        packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Contract { packages }
    }
}

/// The newest of the released contracts: `RELEASED/<version>/wit`.
///
/// # Errors
/// When the folder cannot be listed, or none is in it.
pub fn latest(released: impl AsRef<Path>) -> Result<PathBuf, Unreadable> {
    let released = released.as_ref();
    let unreadable = |error| Unreadable::Folder {
        path: released.to_owned(),
        error,
    };
    let mut newest: Option<(Version, PathBuf)> = None;
    for entry in std::fs::read_dir(released).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let wit = entry.path().join("wit");
        let version = entry.file_name().to_str().and_then(|name| Version::parse(name).ok());
        if let Some(version) = version
            && wit.is_dir()
            && newest.as_ref().is_none_or(|(newest, _)| *newest < version)
        {
            newest = Some((version, wit));
        }
    }
    newest
        .map(|(_, wit)| wit)
        .ok_or_else(|| Unreadable::NoRelease(released.to_owned()))
}

/// The interfaces that some world exports: what plugins implement and hosts call.
fn exported(resolve: &Resolve) -> BTreeSet<InterfaceId> {
    let exports = resolve.worlds.iter().flat_map(|(_, world)| world.exports.values());
    exports
        .filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(*id),
            WorldItem::Function(_) | WorldItem::Type { .. } => None,
        })
        .collect()
}

struct Reader<'a> {
    resolve: &'a Resolve,
    exported: BTreeSet<InterfaceId>,
}

impl Reader<'_> {
    fn package(&self, id: PackageId) -> Package {
        let package = &self.resolve.packages[id];
        let mut holders = BTreeMap::new();
        for (name, interface) in &package.interfaces {
            holders.insert(format!("interface {name}"), self.interface(id, *interface));
        }
        for (name, world) in &package.worlds {
            let world = &self.resolve.worlds[*world];
            let breaks = if world_id(&package.name, name) == HOST_WORLD {
                Change::Minor
            } else {
                Change::Major
            };
            let mut items = Holder::new();
            for (side, all, addition) in [
                ("import", &world.imports, Change::Minor),
                ("export", &world.exports, breaks),
            ] {
                for (key, item) in all {
                    self.world_item(id, side, addition, key, item, &mut items);
                }
            }
            holders.insert(format!("world {name}"), items);
        }
        let uses = self.resolve.package_direct_deps(id);
        Package {
            name: format!("{}:{}", package.name.namespace, package.name.name),
            version: package.name.version.clone(),
            holders,
            uses: uses.map(|used| self.resolve.packages[used].name.clone()).collect(),
        }
    }

    fn interface(&self, package: PackageId, id: InterfaceId) -> Holder {
        let interface = &self.resolve.interfaces[id];
        let addition = if self.exported.contains(&id) {
            Change::Major
        } else {
            Change::Minor
        };
        let wording = self.wording(package);
        let mut items = Holder::new();
        for (name, ty) in &interface.types {
            let ty = &self.resolve.types[*ty];
            let item = Item {
                shape: wording.definition(&ty.kind),
                addition,
                part_of: None,
            };
            items.insert(format!("type {name}"), item);
        }
        for function in interface.functions.values() {
            let (name, item) = self.function(package, function, addition);
            items.insert(name, item);
        }
        items
    }

    fn function(&self, package: PackageId, function: &Function, addition: Change) -> (String, Item) {
        let wording = self.wording(package);
        let resource = function.kind.resource().map(|id| &self.resolve.types[id]);
        let item = Item {
            shape: wording.function(function),
            addition,
            part_of: resource.and_then(|resource| resource.name.as_ref().map(|name| format!("type {name}"))),
        };
        (wording.function_name(function), item)
    }

    fn world_item(
        &self,
        package: PackageId,
        side: &str,
        addition: Change,
        key: &WorldKey,
        item: &WorldItem,
        items: &mut Holder,
    ) {
        let plain = |shape| Item {
            shape,
            addition,
            part_of: None,
        };
        match (key, item) {
            (WorldKey::Interface(id), _) => {
                let name = format!("{side} {}", self.wording(package).interface(*id));
                items.insert(name, plain(String::new()));
            }
            // An interface written in the world itself: its items stand behind it.
            (WorldKey::Name(name), WorldItem::Interface { id, .. }) => {
                let whole = format!("{side} {name}");
                items.insert(whole.clone(), plain("interface".into()));
                for (item_name, mut item) in self.interface(package, *id) {
                    item.part_of = Some(whole.clone());
                    items.insert(format!("{whole}, {item_name}"), item);
                }
            }
            (WorldKey::Name(_), WorldItem::Function(function)) => {
                let (name, mut item) = self.function(package, function, addition);
                item.part_of = None;
                items.insert(format!("{side} {name}"), item);
            }
            (WorldKey::Name(name), WorldItem::Type { id, .. }) => {
                let shape = self.wording(package).definition(&self.resolve.types[*id].kind);
                items.insert(format!("{side} type {name}"), plain(shape));
            }
        }
    }

    fn wording(&self, package: PackageId) -> Wording<'_> {
        Wording {
            resolve: self.resolve,
            home: package,
        }
    }
}

fn world_id(package: &PackageName, world: &str) -> String {
    format!("{}:{}/{world}", package.namespace, package.name)
}

impl Package {
    pub(crate) fn track(&self) -> Option<String> {
        self.version.as_ref().map(version::track)
    }
}
