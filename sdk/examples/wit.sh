#!/bin/sh
# Puts the contract and the world of the examples, as one package, into the folder $1.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
rm -rf "$1"
cp -R "$here/../../plugin-api/wit" "$1"
cp "$here/tidy.wit" "$1/"
