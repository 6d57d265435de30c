#!/usr/bin/env bash
# What the GitHub Action does once the program is built: one command, and the comment that belongs to it. It ends as the program does,
# except that a plan with changes, which is 2, succeeds. action.yml says what the variables are.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kept=$(mktemp -d "$RUNNER_TEMP/kms-alias.XXXXXX")
code=0      # of the command
commented=0 # of the comment

words=(kms-alias "$COMMAND")
while read -r line; do
    if [[ -n $line ]]; then words+=("--file=$line"); fi
done <<<"$MANIFEST"
while read -r line; do
    if [[ -n $line ]]; then words+=("$line"); fi
done <<<"$ARGS"

# The outputs of the step are those of the command alone.
comment() {
    env -u GITHUB_OUTPUT kms-alias comment --id "$COMMENT_ID" "$@"
}

plan() {
    # The manifest before the pull request tells its changes from drift, and names that it takes over from names that were ours.
    if [[ -n ${GITHUB_BASE_REF:-} ]]; then words+=("--base-ref=origin/$GITHUB_BASE_REF"); fi
    "${words[@]}" "--out=$kept/plan.json" --detailed-exitcode 2>"$kept/said.txt" || code=$?
    cat "$kept/said.txt" >&2
    if [[ -e $kept/plan.json ]]; then echo "plan=$kept/plan.json" >>"$GITHUB_OUTPUT"; fi
    if [[ $COMMENT != true ]]; then return; fi
    if [[ -e $kept/plan.json ]]; then
        comment "$kept/plan.json" || commented=$?
    else
        comment --failed "$kept/said.txt" || commented=$?
    fi
}

apply() {
    local number digest=$EXPECT_DIGEST
    number=$(python3 "$here/merged_pull_request.py")
    if [[ -z $digest && -z $number ]]; then
        echo "no merged pull request ends in commit $GITHUB_SHA, so no plan of it was approved: nothing was written" >&2
        echo "hint: look at the plan, and give its digest as expect-digest" >&2
        exit 1
    fi
    if [[ -z $digest ]]; then digest=$(comment --get-digest --number "$number"); fi
    "${words[@]}" --yes "--expect-digest=$digest" "--receipt=$kept/receipt.jsonl" || code=$?
    # Where nothing was begun the comment stays: once what stood in the way is gone, the same job can be run again.
    if [[ ! -e $kept/receipt.jsonl ]]; then return; fi
    echo "receipt=$kept/receipt.jsonl" >>"$GITHUB_OUTPUT"
    if [[ $COMMENT == true && -n $number ]]; then comment "$kept/receipt.jsonl" --number "$number" || commented=$?; fi
}

case $COMMAND in
plan) plan ;;
apply) apply ;;
validate | drift) "${words[@]}" || code=$? ;;
*)
    echo "the input \`command\` is validate, plan, apply or drift" >&2
    exit 64
    ;;
esac

echo "exit-code=$code" >>"$GITHUB_OUTPUT"
if [[ $COMMAND == plan && $code == 2 ]]; then code=0; fi
if [[ $code == 0 ]]; then code=$commented; fi
exit "$code"
