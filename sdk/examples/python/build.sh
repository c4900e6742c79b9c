#!/bin/sh
# Builds plugin.py to the component $1 with componentize-py, which must be in PATH.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
wit=$(mktemp -d)
trap 'rm -rf "$wit"' EXIT
"$here/../wit.sh" "$wit"
# What the guest could ask of WASI traps: the host offers none.
componentize-py --quiet --wit-path "$wit" --world tidy componentize --stub-wasi \
    --python-path "$here" --output "$1" plugin
