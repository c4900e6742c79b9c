//! An OCI image layout: a folder, or the same as a tar archive. `oci-layout`, `index.json`, and the parts by digest.
//!
//! Separate because a folder can hold several plugins, each under its `NAME:TAG`, and a tar archive holds one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::manifest::{Descriptor, INDEX, Index, MANIFEST, MOST_JSON, REF_NAME};
use crate::packed::{About, Destination, Source};
use crate::{MOST_COMPONENT, PackError, file};

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// All that is read of a tar archive, in bytes.
const MOST_TAR: u64 = MOST_COMPONENT + 4 * MOST_JSON;
/// The most entries of a tar archive.
const MOST_ENTRIES: usize = 64;
/// The most plugins of a folder.
const MOST_PLUGINS: usize = 10_000;

fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Of the manifests in an index, the one that is asked for.
fn choose<'i>(index: &'i Index, name: Option<&str>, from: &Path) -> Result<&'i Descriptor, PackError> {
    let called = |descriptor: &Descriptor| descriptor.annotations.get(REF_NAME).cloned();
    let known = || -> Vec<String> { index.manifests.iter().filter_map(called).collect() };
    let shown = || format!("dir:{}", from.display());
    match (name, index.manifests.as_slice()) {
        (None, [only]) => Ok(only),
        (None, []) => Err(PackError::NotPacked {
            path: from.to_owned(),
            problem: "its index.json lists nothing".into(),
        }),
        (None, _) => Err(PackError::Which {
            from: shown(),
            known: known(),
        }),
        (Some(name), all) => {
            let found = all.iter().find(|each| called(each).as_deref() == Some(name));
            found.ok_or_else(|| PackError::Unknown {
                name: name.to_owned(),
                from: shown(),
                known: known(),
            })
        }
    }
}

fn read_index(bytes: &[u8], from: &Path) -> Result<Index, PackError> {
    serde_json::from_slice(bytes).map_err(|error| PackError::NotPacked {
        path: from.to_owned(),
        problem: format!("its index.json cannot be read ({error})"),
    })
}

/// The manifest that an index names, if its bytes are there and right.
fn judged(wanted: &Descriptor, bytes: Vec<u8>, from: &Path) -> Result<Vec<u8>, PackError> {
    let found = Digest::of(&bytes);
    if found != wanted.digest {
        return Err(PackError::Digest {
            from: from.display().to_string(),
            wanted: wanted.digest.clone(),
            found,
        });
    }
    Ok(bytes)
}

/// A layout in a folder.
pub(crate) struct Folder {
    path: PathBuf,
    /// `NAME:TAG`; while writing `None` is the plugin's own name and version.
    name: Option<String>,
}

impl Folder {
    pub(crate) fn open(path: &Path, name: Option<String>) -> Folder {
        Folder {
            path: path.to_owned(),
            name,
        }
    }

    /// A new one, or what is there already.
    pub(crate) fn create(path: &Path, name: Option<String>) -> Result<Folder, PackError> {
        let folder = Folder::open(path, name);
        let marker = path.join("oci-layout");
        if !marker.is_file() {
            if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err(PackError::NotPacked {
                    path: path.to_owned(),
                    problem: "it holds other things".into(),
                });
            }
            let blobs = path.join("blobs/sha256");
            fs::create_dir_all(&blobs).map_err(file(blobs))?;
            write(&marker, LAYOUT.as_bytes())?;
        }
        Ok(folder)
    }

    fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, PackError> {
        let path = self.path.join(name);
        let opened = File::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => PackError::NotPacked {
                path: self.path.clone(),
                problem: format!("there is no {name} in it"),
            },
            _ => file(&path)(error),
        })?;
        let mut bytes = Vec::new();
        opened.take(most + 1).read_to_end(&mut bytes).map_err(file(&path))?;
        if bytes.len() as u64 > most {
            return Err(PackError::TooLarge {
                from: path.display().to_string(),
                what: "a part",
                most,
            });
        }
        Ok(bytes)
    }
}

impl Source for Folder {
    fn manifest(&mut self) -> Result<Vec<u8>, PackError> {
        let index = read_index(&self.read("index.json", MOST_JSON)?, &self.path)?;
        let wanted = choose(&index, self.name.as_deref(), &self.path)?;
        judged(wanted, self.read(&blob_path(&wanted.digest), MOST_JSON)?, &self.path)
    }

    fn blob(&mut self, digest: &Digest, size: u64) -> Result<Vec<u8>, PackError> {
        self.read(&blob_path(digest), size)
    }
}

impl Destination for Folder {
    fn blob(&mut self, digest: &Digest, bytes: &[u8]) -> Result<(), PackError> {
        let path = self.path.join(blob_path(digest));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(file(folder))?;
        }
        write(&path, bytes)
    }

    fn manifest(&mut self, about: &About, bytes: &[u8]) -> Result<(), PackError> {
        Destination::blob(self, &Digest::of(bytes), bytes)?;
        let path = self.path.join("index.json");
        let mut index = if path.is_file() {
            read_index(&self.read("index.json", MOST_JSON)?, &self.path)?
        } else {
            Index {
                schema_version: 2,
                media_type: INDEX.into(),
                manifests: Vec::new(),
            }
        };
        let name = self.name.clone().unwrap_or_else(|| layout_name(about));
        index
            .manifests
            .retain(|each| each.annotations.get(REF_NAME) != Some(&name));
        if index.manifests.len() >= MOST_PLUGINS {
            return Err(PackError::NotPacked {
                path: self.path.clone(),
                problem: format!("it holds {MOST_PLUGINS} plugins already"),
            });
        }
        index.manifests.push(named(&name, bytes));
        write(&path, &serde_json::to_vec(&index).unwrap_or_default())
    }
}

fn layout_name(about: &About) -> String {
    format!("{}:{}", about.name, about.version)
}

fn named(name: &str, manifest: &[u8]) -> Descriptor {
    let mut descriptor = Descriptor::of(MANIFEST, manifest);
    descriptor.annotations.insert(REF_NAME.into(), name.to_owned());
    descriptor
}

/// So that nobody ever reads half of it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PackError> {
    let part = path.with_extension("part");
    fs::write(&part, bytes).map_err(file(&part))?;
    fs::rename(&part, path).map_err(file(path))
}

/// A layout in a tar archive, read whole.
pub(crate) struct Tar {
    path: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Tar {
    pub(crate) fn open(path: &Path) -> Result<Tar, PackError> {
        let strange = |problem: String| PackError::NotPacked {
            path: path.to_owned(),
            problem,
        };
        let opened = File::open(path).map_err(file(path))?;
        let mut archive = tar::Archive::new(BufReader::new(opened).take(2 * MOST_TAR));
        let mut files = BTreeMap::new();
        let mut left = MOST_TAR;
        let broken = |error: std::io::Error| strange(format!("it is no tar archive ({error})"));
        for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
            let mut entry = entry.map_err(broken)?;
            if count >= MOST_ENTRIES {
                return Err(strange(format!("it has more than {MOST_ENTRIES} entries")));
            }
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
            if entry.size() > left {
                return Err(PackError::TooLarge {
                    from: path.display().to_string(),
                    what: "parts",
                    most: MOST_TAR,
                });
            }
            left -= entry.size();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(broken)?;
            files.insert(name, bytes);
        }
        Ok(Tar {
            path: path.to_owned(),
            files,
        })
    }

    fn get(&mut self, name: &str) -> Result<Vec<u8>, PackError> {
        // Each part is read once.
        self.files.remove(name).ok_or_else(|| PackError::NotPacked {
            path: self.path.clone(),
            problem: format!("there is no {name} in it"),
        })
    }
}

impl Source for Tar {
    fn manifest(&mut self) -> Result<Vec<u8>, PackError> {
        let index = read_index(&self.get("index.json")?, &self.path)?;
        let wanted = choose(&index, None, &self.path)?.clone();
        let bytes = self.get(&blob_path(&wanted.digest))?;
        judged(&wanted, bytes, &self.path)
    }

    fn blob(&mut self, digest: &Digest, _size: u64) -> Result<Vec<u8>, PackError> {
        self.get(&blob_path(digest))
    }
}

/// A layout that becomes a tar archive. The same plugin gives the same bytes.
pub(crate) struct TarWriter {
    path: PathBuf,
    tar: tar::Builder<BufWriter<File>>,
}

/// Writes a tar archive beside its place, and puts it there when it is whole.
pub(crate) fn write_tar<T>(
    path: &Path,
    fill: impl FnOnce(&mut TarWriter) -> Result<T, PackError>,
) -> Result<T, PackError> {
    let part = path.with_extension("part");
    let opened = File::create(&part).map_err(file(&part))?;
    let mut writer = TarWriter {
        path: part.clone(),
        tar: tar::Builder::new(BufWriter::new(opened)),
    };
    writer.put("oci-layout", LAYOUT.as_bytes())?;
    let filled = fill(&mut writer)?;
    let mut written = writer.tar.into_inner().map_err(file(&part))?;
    written.flush().map_err(file(&part))?;
    fs::rename(&part, path).map_err(file(path))?;
    Ok(filled)
}

impl TarWriter {
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        self.tar.append_data(&mut header, name, bytes).map_err(file(&self.path))
    }
}

impl Destination for TarWriter {
    fn blob(&mut self, digest: &Digest, bytes: &[u8]) -> Result<(), PackError> {
        self.put(&blob_path(digest), bytes)
    }

    fn manifest(&mut self, about: &About, bytes: &[u8]) -> Result<(), PackError> {
        self.put(&blob_path(&Digest::of(bytes)), bytes)?;
        let index = Index {
            schema_version: 2,
            media_type: INDEX.into(),
            manifests: vec![named(&layout_name(about), bytes)],
        };
        self.put("index.json", &serde_json::to_vec(&index).unwrap_or_default())
    }
}
