#!/bin/sh
# Builds every plugin, the examples and the guests of the tests to TARGET/plugins/*.wasm and TARGET/plugins/test/*.wasm.
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

# The schemas of configurations, which the crates write when they run natively.
mkdir -p "$target/plugins/test" "$target/schemas"
for package in anonymize rules stamp; do
    ISOCENTER_CONFIG_SCHEMA="$target/schemas/$package.json" \
        cargo test --quiet --package "$package" --lib isocenter_config_schema -- --ignored >/dev/null
done

[ -f "$target/wasm-sysroot/env" ] || sdk/build/wasm-target.sh
# shellcheck disable=SC1091
. "$target/wasm-sysroot/env"

plugin() { # $1: package, $2: output, then more for cargo
    package=$1 output=$2 schema=
    shift 2
    case $package in anonymize | rules | stamp) schema=$target/schemas/$package.json ;; esac
    cargo rustc --quiet --package "$package" "$@" --lib --target $triple --profile guest --crate-type cdylib
    "$target/debug/isocenter-plugin-build" "$target/$triple/guest/$(echo "$package" | tr - _).wasm" "$output" \
        ${schema:+"$schema"}
}

plugin anonymize "$target/plugins/anonymize.wasm"
plugin rules "$target/plugins/rules.wasm"
plugin stamp "$target/plugins/stamp.wasm"
plugin isocenter-test-guest "$target/plugins/test/guest.wasm"
# The same in every role, and with every capability that needs a grant: without them all it does not load.
plugin isocenter-test-guest "$target/plugins/test/roles.wasm" --features roles
plugin isocenter-test-guest "$target/plugins/test/hostile.wasm" --features grants

# One call for all examples: each is a crate, and they are built side by side.
cargo build --quiet --package isocenter-plugin-examples --examples --target $triple --profile guest
for folder in host/plugin/tests/examples/*/; do
    name=$(basename "$folder")
    "$target/debug/isocenter-plugin-build" \
        "$target/$triple/guest/examples/$(echo "$name" | tr - _).wasm" "$target/plugins/test/$name.wasm"
done
