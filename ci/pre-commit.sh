#!/usr/bin/env bash
# What the hook kms-alias-validate runs, in the repository of whoever commits. The program is kept beside the copy of this repository that
# pre-commit has made, which is there for this version alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kept=$here/../target/pre-commit

if [[ ! -x $kept/bin/kms-alias ]]; then
    # Hundreds of lines about crates would bury what is said about the manifest.
    said=$(bash "$here/build.sh" "$kept" 2>&1) || {
        printf '%s\n' "$said" >&2
        exit 1
    }
fi
exec "$kept/bin/kms-alias" validate "$@"
