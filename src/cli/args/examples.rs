//! What `--help` shows at the end of each command: lines that a person types, each tried by a test. They
//! fit into 60 columns: a command that is broken elsewhere than by us is two.

pub(super) const PROGRAM: &str = "\
Examples:
  # every problem of aliases.yaml at once, offline
  kms-alias validate
  # what apply would do
  kms-alias plan
  # plan, ask, do it, and wait until the service shows it
  kms-alias apply
  # the same against the embedded KMS: no account needed
  kms-alias apply --sandbox --yes
  # which lines decide about a name
  kms-alias explain alias/app/billing/db

Exit codes: 0 as it should be, 1 something failed, 2 differences, 3 invalid manifest, 4 refused, 5 stale, 6 incomplete, 64 usage.

Environment: variables can stand for flags, as KMS_ALIAS_FILE does for --file; the manual page (kms-alias man) has all of them.";

pub(super) const INIT: &str = "\
Examples:
  # asks
  kms-alias init
  kms-alias init --prefix alias/app/ --ci github
  kms-alias init --profile prod --region eu-west-1 \\
    -f prod.yaml --no-input --prefix alias/app/";

pub(super) const VALIDATE: &str = "\
Examples:
  kms-alias validate
  # a folder is one manifest
  kms-alias validate -f live/kms/
  # from standard input, for a program
  kms-alias validate -f - -o json";

pub(super) const PLAN: &str = "\
Examples:
  kms-alias plan
  # these targets alone
  kms-alias plan -t prod -t @canary
  # a unified diff, for a pull request
  kms-alias plan -o diff
  # to be applied as it is: kms-alias apply plan.json
  kms-alias plan --out plan.json
  # exit 2 if there are differences
  kms-alias plan --detailed-exitcode
  # and what it does to access
  kms-alias plan --access=iam";

pub(super) const APPLY: &str = "\
Examples:
  kms-alias apply
  # without asking
  kms-alias apply -t dev --yes
  # a saved plan and nothing else, unless something moved
  kms-alias apply plan.json
  kms-alias apply --alias 'alias/app/billing/**'
  # the digest that was approved, as the plan tells it
  kms-alias apply --yes --expect-digest $DIGEST";

pub(super) const DRIFT: &str = "\
Examples:
  # silent and 0, or the differences and 2
  kms-alias drift
  # and who made them, as CloudTrail recorded it
  kms-alias drift --blame
  # declare what is live
  kms-alias drift --write-config
  kms-alias drift \\
    --report prometheus=/var/lib/node_exporter/kms.prom";

pub(super) const REVERT: &str = "\
Examples:
  # shows the way back, and asks
  kms-alias revert receipt.jsonl";

pub(super) const SHOW: &str = "\
Examples:
  kms-alias show plan.json
  # what an apply did, though it was killed
  kms-alias show receipt.jsonl
  kms-alias show --merge plan-0.json plan-1.json \\
    -o markdown";

pub(super) const COMMENT: &str = "\
Examples:
  # in a job of GitHub or GitLab
  kms-alias comment plan.json
  # what the comment says is to be applied
  kms-alias comment --get-digest
  kms-alias comment --merge plan-0.json plan-1.json";

pub(super) const LIST: &str = "\
Examples:
  kms-alias list
  # which aliases are on this key?
  kms-alias list --key 1234abcd
  # what nobody declares, for a script
  kms-alias list --status unmanaged -o tsv
  kms-alias list -t prod --alias 'alias/app/**'";

pub(super) const IMPORT: &str = "\
Examples:
  # which prefixes are live?
  kms-alias import
  kms-alias import --prefix alias/app/ --out aliases.yaml
  # its scope and targets, and what is live there
  kms-alias import -f skeleton.yaml --out aliases.yaml
  kms-alias import --from-tfstate terraform.tfstate \\
    --removed removed.tf --out aliases.yaml
  kms-alias import --from-cloudformation template.yaml \\
    --key-ref tags=app,purpose";

pub(super) const EXPLAIN: &str = "\
Examples:
  kms-alias explain alias/app/billing/db
  kms-alias explain alias/app/billing/db --offline
  # what a risk means
  kms-alias explain decrypt-by-name";

pub(super) const DOCTOR: &str = "\
Examples:
  kms-alias doctor
  kms-alias doctor -t prod --access=iam --blame";

pub(super) const IAM_POLICY: &str = "\
Examples:
  kms-alias iam-policy --for plan
  kms-alias iam-policy --for apply --account 111122223333";

pub(super) const FMT: &str = "\
Examples:
  kms-alias fmt
  # show what would change, and exit 2 if anything would
  kms-alias fmt --check
  # from standard input to stdout, as an editor calls it
  kms-alias fmt -f -";

pub(super) const SCHEMA: &str = "\
Examples:
  # for an editor, as schema/aliases.schema.json
  kms-alias schema
  # the reference, as docs/manifest.md
  kms-alias schema -o markdown";

pub(super) const SANDBOX: &str = "\
Examples:
  # for any client: aws --endpoint-url http://127.0.0.1:4566
  kms-alias sandbox --port 4566
  kms-alias sandbox --sandbox=state.json --lag 0s,30s";

pub(super) const COMPLETIONS: &str = "\
Examples:
  # in ~/.bashrc: source <(kms-alias completions bash)
  kms-alias completions bash
  # after compinit: source <(kms-alias completions zsh)
  kms-alias completions zsh
  # in config.fish: kms-alias completions fish | source
  kms-alias completions fish
  # in rc.elv: eval (kms-alias completions elvish | slurp)
  kms-alias completions elvish";

pub(super) const MAN: &str = "\
Examples:
  # to read it: kms-alias man | man -l -
  kms-alias man
  kms-alias man --out /usr/local/share/man/man1";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use crate::cli::args::Cli;

    #[test]
    fn every_command_has_examples_and_each_of_them_is_understood() {
        let mut program = Cli::command();
        program.build();
        let commands: Vec<clap::Command> = program.get_subcommands().cloned().collect();
        for command in commands.iter().filter(|one| one.get_name() != "help").chain([&program]) {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let whole = help.replace(" \\\n    ", " ");
            let lines: Vec<&str> = whole.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            assert!(
                lines.iter().any(|line| !line.starts_with('#')),
                "{} has no examples",
                command.get_name()
            );
            for line in lines.iter().filter(|line| !line.starts_with('#')) {
                assert!(!line.contains('#'), "{line}: what it is for stands above it");
                let words = line.split_whitespace().map(|word| word.trim_matches('\''));
                let parsed = Cli::try_parse_from(words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
            for line in help.lines().filter(|line| line.starts_with(' ')) {
                assert!(line.len() <= 60, "{line} is wider than 60 columns");
            }
        }
    }
}
