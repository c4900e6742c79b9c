#!/bin/sh
# Prepares the standard library for wasm32-unknown-unknown, once, and says which way it took.
#
# Where rustup can download targets that is one command. Where it cannot, std is built from Debian's
# packages of rustc and its sources (about 90 s of CPU). The result of either way is the file
# TARGET/wasm-sysroot/env, which sdk/build/plugins.sh reads: empty for rustup, else the compiler to use.
#
# TARGET is CARGO_TARGET_DIR, or target/ in the repository. `--build-std` skips rustup, to try the other way.
set -eu

repo=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$repo/target}
sysroot=$target/wasm-sysroot
triple=wasm32-unknown-unknown
cd "$repo"

say() { echo "wasm target: $*"; }
die() { echo "wasm target: $*" >&2; exit 1; }

has_std() { # does this compiler have std for the triple?
    ls "$("$1" --print target-libdir --target $triple 2>/dev/null)"/libstd-*.rlib >/dev/null 2>&1
}

use_rustup() { # $1: what happened
    mkdir -p "$sysroot"
    : >"$sysroot/env"
    say "$1"
    exit 0
}

mkdir -p "$target"
# Two builds at once would write the same folder; the second waits and finds the work done.
if command -v flock >/dev/null 2>&1; then
    exec 9>"$target/.wasm-target.lock"
    flock 9
fi

way=${1:-any}
if [ "$way" != --build-std ] && has_std rustc; then use_rustup "the toolchain has $triple"; fi

# The compiler built against is part of the stamp: an upgrade of the package rebuilds std.
debian_rustc=/usr/bin/rustc
stamp() { "$debian_rustc" -vV | sed -n 's/^commit-hash: //p'; }
if [ -x "$debian_rustc" ] && [ -s "$sysroot/env" ] && [ "$(cat "$sysroot/stamp" 2>/dev/null)" = "$(stamp)" ]; then
    say "std for $triple is in $sysroot"
    exit 0
fi

if [ "$way" != --build-std ] && command -v rustup >/dev/null 2>&1; then
    limit=""
    if command -v timeout >/dev/null 2>&1; then limit="timeout 60"; fi
    if $limit rustup target add $triple >/dev/null 2>&1 && has_std rustc; then
        use_rustup "rustup added $triple"
    fi
    say "rustup cannot add $triple here; std is built from Debian's sources instead, once"
fi

sources() { ls -d "$("$debian_rustc" --print sysroot)"/lib/rustlib/src/rust/library/std >/dev/null 2>&1; }
if [ ! -x "$debian_rustc" ] || ! sources; then
    command -v apt-get >/dev/null 2>&1 ||
        die "neither rustup nor apt-get can provide $triple; run: rustup target add $triple"
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || die "needs root for: apt-get install rustc-web rust-web-src"
        as_root=sudo
    fi
    say "installing the Debian packages rustc-web and rust-web-src"
    $as_root apt-get install -y -qq --no-install-recommends rustc-web rust-web-src >/dev/null ||
        { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends rustc-web rust-web-src >/dev/null; } ||
        die "apt-get could not install rustc-web and rust-web-src"
    sources || die "rust-web-src is installed, but the sources of std are not where $debian_rustc looks"
fi

host=$("$debian_rustc" -vV | sed -n 's/^host: //p')
lld=""
for root in "$(rustc --print sysroot)" "$("$debian_rustc" --print sysroot)"; do
    if [ -x "$root/lib/rustlib/$host/bin/rust-lld" ]; then lld=$root/lib/rustlib/$host/bin/rust-lld; break; fi
done
[ -n "$lld" ] || die "no rust-lld beside $(rustc --print sysroot); it links the plugins"

say "building std for $triple (about 90 s of CPU)"
rm -rf "$sysroot"
work=$sysroot/work
mkdir -p "$work/src" "$sysroot/lib/rustlib/$triple/lib"
cat >"$work/Cargo.toml" <<'TOML'
[package]
name = "empty"
version = "0.0.0"
edition = "2021"
[lib]
[workspace]
[profile.release]
debug = false
TOML
echo '#![no_std]' >"$work/src/lib.rs"
# Outside the repository's folder, so that its rust-toolchain.toml and profiles do not reach this build.
(
    cd "$work"
    RUSTC=$debian_rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cembed-bitcode=yes" CARGO_TARGET_DIR="$work/target" \
        cargo build --quiet --release -Zbuild-std=std,panic_abort --target $triple
) || die "std for $triple did not build"
for library in "$work/target/$triple/release/deps"/*.rlib; do
    case $(basename "$library") in
    libempty-*) ;;
    *) cp "$library" "$sysroot/lib/rustlib/$triple/lib/" ;;
    esac
done
ln -s "$("$debian_rustc" --print sysroot)/lib/rustlib/$host" "$sysroot/lib/rustlib/$host"
rm -rf "$work"
# Plugins that were built against another std do not link against this one.
rm -rf "$target/$triple"

mkdir -p "$sysroot/bin"
cat >"$sysroot/bin/rustc" <<SH
#!/bin/sh
exec $debian_rustc --sysroot "$sysroot" "\$@"
SH
chmod +x "$sysroot/bin/rustc"
stamp >"$sysroot/stamp"
cat >"$sysroot/env" <<SH
RUSTC=$sysroot/bin/rustc
CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$lld
export RUSTC CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER
SH
say "std for $triple is in $sysroot"
