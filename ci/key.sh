#!/usr/bin/env bash
# Prints `key=...` for the cache of the program: the machine that it runs on, and all that it is made of.
set -euo pipefail
cd "$(dirname "$0")/.."

source=$(find Cargo.toml Cargo.lock src docs/risks.md -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
# A program does not run on an image that is older than the one it was built on.
echo "key=kms-alias-$PLATFORM-${ImageOS:-own}-${source%% *}"
