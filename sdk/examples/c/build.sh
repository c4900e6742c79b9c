#!/bin/sh
# Builds plugin.c to the component $1. In PATH: c-bindings, isocenter-plugin-build, clang and wasm-ld; wasi-libc for
# malloc and the headers of C, of which nothing that asks WASI is linked.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/../wit.sh" "$work/wit"
c-bindings "$work/wit" tidy "$work"
clang --target=wasm32-wasi -Os -Wall -Wextra -Wno-unused-parameter -nostdlib -I "$work" \
    "$here/plugin.c" "$work/tidy.c" "$work/tidy_component_type.o" -lc -Wl,--no-entry,--strip-debug \
    -o "$work/module.wasm"
isocenter-plugin-build "$work/module.wasm" "$1"
