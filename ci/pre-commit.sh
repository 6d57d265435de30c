#!/usr/bin/env bash
# What the hook kms-alias-validate runs, in the repository of whoever commits. The program is kept beside the copy of this repository that
# pre-commit has made, which is there for this version alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kept=$here/../target/pre-commit

if [[ ! -x $kept/bin/kms-alias ]]; then
    # What it says is seen where it fails.
    bash "$here/build.sh" "$kept" >&2
fi
exec "$kept/bin/kms-alias" validate "$@"
