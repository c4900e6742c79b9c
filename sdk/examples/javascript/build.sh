#!/bin/sh
# Builds plugin.js to the component $1 with componentize-js, which must be in PATH.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
wit=$(mktemp -d)
trap 'rm -rf "$wit"' EXIT
"$here/../wit.sh" "$wit"
# Everything of the engine that would import WASI is left out: the host offers none.
componentize-js "$here/plugin.js" --wit "$wit" --world-name tidy --out "$1" \
    --disable stdio random clocks http fetch-event
