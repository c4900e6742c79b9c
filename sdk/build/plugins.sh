#!/bin/sh
# Builds every plugin, and the guests of the tests, to TARGET/plugins/*.wasm and TARGET/plugins/test/*.wasm.
#
# Run sdk/build/wasm-target.sh first; it is run from here where it was not.
# TARGET is CARGO_TARGET_DIR, or target/ in the repository.
set -eu

repo=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$repo/target}
triple=wasm32-unknown-unknown
cd "$repo"

# Built by the usual toolchain, before the compiler for the guests is chosen.
cargo build --quiet --package isocenter-plugin-build

[ -f "$target/wasm-sysroot/env" ] || sdk/build/wasm-target.sh
# shellcheck disable=SC1091
. "$target/wasm-sysroot/env"

mkdir -p "$target/plugins/test"

plugin() { # $1: package, $2: output
    cargo rustc --quiet --package "$1" --lib --target $triple --profile guest --crate-type cdylib
    "$target/debug/isocenter-plugin-build" \
        "$target/$triple/guest/$(echo "$1" | tr - _).wasm" "$2"
}

plugin anonymize "$target/plugins/anonymize.wasm"
plugin rules "$target/plugins/rules.wasm"
plugin stamp "$target/plugins/stamp.wasm"
plugin isocenter-test-guest "$target/plugins/test/guest.wasm"
