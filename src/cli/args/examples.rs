//! What `--help` shows at the end of each command: lines that a person types, each tried by a test.

pub(super) const PROGRAM: &str = "\
Examples:
  kms-alias validate                        # every problem of aliases.yaml at once, offline
  kms-alias plan                            # what apply would do
  kms-alias apply                           # plan, ask, do it, and wait until the service shows it
  kms-alias apply --sandbox --yes           # the same against the embedded KMS: no account needed
  kms-alias explain alias/app/billing/db    # which lines decide about a name

Exit codes: 0 as it should be, 1 something failed, 2 differences, 3 invalid manifest, 4 refused, 5 stale, 6 incomplete, 64 usage.";

pub(super) const INIT: &str = "\
Examples:
  kms-alias init                            # asks
  kms-alias init --prefix alias/app/ --ci github
  kms-alias init --profile prod --region eu-west-1 -f prod.yaml --no-input --prefix alias/app/";

pub(super) const VALIDATE: &str = "\
Examples:
  kms-alias validate
  kms-alias validate -f live/kms/           # a folder is one manifest
  kms-alias validate -f - -o json           # from standard input, for a program";

pub(super) const PLAN: &str = "\
Examples:
  kms-alias plan
  kms-alias plan -t prod -t @canary         # these targets alone
  kms-alias plan -o diff                    # a unified diff, for a pull request
  kms-alias plan --out plan.json            # to be applied as it is: kms-alias apply plan.json
  kms-alias plan --detailed-exitcode        # exit 2 if there are differences
  kms-alias plan --access=iam               # and what it does to access";

pub(super) const APPLY: &str = "\
Examples:
  kms-alias apply
  kms-alias apply -t dev --yes              # without asking
  kms-alias apply plan.json                 # a saved plan and nothing else, unless something has moved
  kms-alias apply --alias 'alias/app/billing/**'
  kms-alias apply --expect-digest sha256:42e97418b96a9987cf384f3aaa9851b0d2935a5d362a3656bf244d1e5604ff8c --yes";

pub(super) const DRIFT: &str = "\
Examples:
  kms-alias drift                           # silent and 0, or the differences and 2
  kms-alias drift --blame                   # and who made them, as CloudTrail recorded it
  kms-alias drift --write-config            # declare what is live
  kms-alias drift --report prometheus=/var/lib/node_exporter/kms-alias.prom";

pub(super) const REVERT: &str = "\
Examples:
  kms-alias revert receipt.jsonl            # shows the way back, and asks";

pub(super) const SHOW: &str = "\
Examples:
  kms-alias show plan.json
  kms-alias show receipt.jsonl              # what an apply did, though it was killed
  kms-alias show --merge plan-0.json plan-1.json -o markdown";

pub(super) const COMMENT: &str = "\
Examples:
  kms-alias comment plan.json               # in a job of GitHub or GitLab
  kms-alias comment --get-digest            # what the comment says is to be applied
  kms-alias comment --merge plan-0.json plan-1.json";

pub(super) const LIST: &str = "\
Examples:
  kms-alias list
  kms-alias list --key 1234abcd             # which aliases are on this key?
  kms-alias list --status unmanaged -o tsv  # what nobody declares, for a script
  kms-alias list -t prod --alias 'alias/app/**'";

pub(super) const IMPORT: &str = "\
Examples:
  kms-alias import                          # which prefixes are live?
  kms-alias import --prefix alias/app/ --out aliases.yaml
  kms-alias import -f skeleton.yaml --out aliases.yaml   # its scope and targets, and what is live there
  kms-alias import --from-tfstate terraform.tfstate --removed removed.tf --out aliases.yaml
  kms-alias import --from-cloudformation template.yaml --key-ref tags=app,purpose";

pub(super) const EXPLAIN: &str = "\
Examples:
  kms-alias explain alias/app/billing/db
  kms-alias explain alias/app/billing/db --offline
  kms-alias explain decrypt-by-name         # what a risk means";

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
  kms-alias fmt --check                     # show what would change, and exit 2 if anything would
  kms-alias fmt -f -                        # from standard input to stdout, as an editor calls it";

pub(super) const SCHEMA: &str = "\
Examples:
  kms-alias schema                          # > schema/aliases.schema.json, for an editor
  kms-alias schema -o markdown              # the reference, as docs/manifest.md";

pub(super) const SANDBOX: &str = "\
Examples:
  kms-alias sandbox --port 4566             # then: aws --endpoint-url http://127.0.0.1:4566 kms list-aliases
  kms-alias sandbox --sandbox=state.json --lag 0s,30s";

pub(super) const COMPLETIONS: &str = "\
Examples:
  kms-alias completions bash                # in ~/.bashrc: source <(kms-alias completions bash)
  kms-alias completions zsh                 # in ~/.zshrc, after compinit: source <(kms-alias completions zsh)
  kms-alias completions fish                # in ~/.config/fish/config.fish: kms-alias completions fish | source
  kms-alias completions elvish              # in ~/.config/elvish/rc.elv: eval (kms-alias completions elvish | slurp)";

pub(super) const MAN: &str = "\
Examples:
  kms-alias man                             # | man -l -
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
            let lines: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            assert!(!lines.is_empty(), "{} has no examples", command.get_name());
            for line in lines {
                let typed = line.split(" # ").next().unwrap_or_default();
                let words = typed.split_whitespace().map(|word| word.trim_matches('\''));
                let parsed = Cli::try_parse_from(words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                assert!(line.len() <= 110 || !line.contains(" # "), "{line} is too long");
            }
        }
    }
}
