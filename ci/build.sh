#!/usr/bin/env bash
# build.sh FOLDER: builds the program from its own lock file, into FOLDER/bin.
set -euo pipefail
folder=$1
# Not in the folder of the job: a `rust-toolchain.toml` there would choose the compiler.
cd "$(dirname "$0")/.."

if ! command -v cargo >/dev/null; then
    echo "there is no cargo to build kms-alias with: install Rust, https://rustup.rs" >&2
    exit 1
fi
CARGO_TARGET_DIR=$(mktemp -d)
export CARGO_TARGET_DIR
trap 'rm -rf "$CARGO_TARGET_DIR"' EXIT
cargo install --locked --path . --root "$folder"
