#!/bin/sh
# Builds the fixtures of one contract: `plugin-api/released/fixtures.sh 0.1.0`.
#
# This is for the one moment when a contract is released. Afterwards the components in the repository are what
# counts: they are as old as the plugins that authors have built, and are never built again.
set -eu

repo=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
released=$repo/plugin-api/released/${1:?usage: plugin-api/released/fixtures.sh VERSION}
target=${CARGO_TARGET_DIR:-$repo/target}
triple=wasm32-unknown-unknown
cd "$repo"

cargo build --quiet --package isocenter-plugin-build
[ -f "$target/wasm-sysroot/env" ] || sdk/build/wasm-target.sh
# shellcheck disable=SC1091
. "$target/wasm-sysroot/env"

# Panics name their place; the builder's own folders are no part of it.
RUSTFLAGS="--remap-path-prefix=$released/fixtures= --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
CARGO_TARGET_DIR=$target/released-fixtures
export RUSTFLAGS CARGO_TARGET_DIR
cargo build --quiet --release --target $triple --manifest-path "$released/fixtures/Cargo.toml"

for role in "$released/fixtures"/*/Cargo.toml; do
    role=$(basename "$(dirname "$role")")
    "$target/debug/isocenter-plugin-build" "$CARGO_TARGET_DIR/$triple/release/fixture_$role.wasm" "$released/$role.wasm"
done
