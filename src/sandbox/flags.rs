//! The flags of `kms-alias sandbox` that make it misbehave; they come on top of a scenario file.

use std::path::PathBuf;

use super::scenario::read;
use super::scenario::{Delay, Fault, Scenario, ScenarioError};

/// How the sandbox misbehaves; by default not at all
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct Flags {
    /// Misbehave as this YAML file says (docs/sandbox.md); the flags below come on top
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Replicas that answer reads in turn, each so late, as in 0s,30s
    #[arg(long, global = true, hide_short_help = true, value_name = "DELAYS", value_delimiter = ',')]
    pub lag: Vec<Delay>,
    /// CreateAlias and UpdateAlias do not see a new key for so long
    #[arg(long, global = true, hide_short_help = true, value_name = "DELAY")]
    pub new_key_lag: Option<Delay>,
    /// Every response takes so long
    #[arg(long, global = true, hide_short_help = true, value_name = "DELAY")]
    pub latency: Option<Delay>,
    /// So many requests a second, as in CreateAlias=5
    #[arg(long, global = true, hide_short_help = true, value_name = "OPERATION=RATE", value_parser = quota)]
    pub quota: Vec<(String, u32)>,
    /// The service's default request quotas
    #[arg(long, global = true, hide_short_help = true)]
    pub service_quotas: bool,
    /// Calls that go wrong: CreateAlias=drop-response, or one rule as in a scenario file, {operation: "*", every: 3, effect: throttle}
    #[arg(long, global = true, hide_short_help = true, value_name = "RULE", value_parser = fault)]
    pub fault: Vec<Fault>,
}

impl Flags {
    /// The scenario file, if one is named, with the flags on top
    ///
    /// # Errors
    /// The file cannot be read, or says something else.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        let mut scenario = self.scenario.as_deref().map(Scenario::load).transpose()?.unwrap_or_default();
        if !self.lag.is_empty() {
            scenario.lag.replicas.clone_from(&self.lag);
        }
        scenario.lag.new_keys = self.new_key_lag.unwrap_or(scenario.lag.new_keys);
        scenario.latency = self.latency.unwrap_or(scenario.latency);
        scenario.quotas.extend(self.quota.iter().cloned());
        scenario.service_quotas |= self.service_quotas;
        scenario.faults.splice(..0, self.fault.iter().cloned());
        Ok(scenario)
    }
}

fn quota(text: &str) -> Result<(String, u32), String> {
    let (operation, rate) = text.split_once('=').ok_or("write it as CreateAlias=5")?;
    let quota = read::operation(operation).and_then(|operation| Ok((operation, read::quota(rate)?)));
    quota.map_err(|problem| problem.sentence())
}

fn fault(text: &str) -> Result<Fault, String> {
    if text.trim_start().starts_with('{') {
        return Fault::parse(text);
    }
    let (operation, effect) = text.split_once('=').ok_or("write it as CreateAlias=drop-response")?;
    if effect.starts_with('{') {
        return Fault::parse(&format!("{{operation: {operation:?}, effect: {effect}}}"));
    }
    let fault = read::operation_or_all(operation)
        .and_then(|operation| Ok(Fault::new(&operation, read::effect(effect)?)));
    fault.map_err(|problem| problem.sentence())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::sandbox::Effect;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn parse(arguments: &[&str]) -> Result<Scenario, String> {
        let line = Line::try_parse_from([&["sandbox"], arguments].concat()).map_err(|e| e.to_string())?;
        line.flags.scenario().map_err(|e| e.to_string())
    }

    #[test]
    fn flags_come_on_top_of_the_scenario_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("scenario.yaml");
        std::fs::write(
            &file,
            "latency: 1s\nquotas: {CreateAlias: 5, ListAliases: 1}\nfaults: [{effect: throttle}]",
        )
        .unwrap();
        let flags = ["--lag", "0s,30s", "--quota", "CreateAlias=7", "--fault", "CreateAlias=drop-response"];
        let scenario = parse(&[&["--scenario", file.to_str().unwrap()], &flags[..]].concat()).unwrap();
        assert_eq!(scenario.lag.lag().replicas, [0, 30_000]);
        assert_eq!((scenario.quotas["CreateAlias"], scenario.quotas["ListAliases"]), (7, 1));
        assert_eq!(scenario.latency, "1s".parse().unwrap());
        assert_eq!(scenario.faults[0], Fault::new("CreateAlias", Effect::DropResponse));
        assert_eq!(scenario.faults[1].effect, Effect::Throttle);
    }

    #[test]
    fn a_number_alone_is_seconds_in_a_flag_and_in_a_scenario_file() {
        let scenario = parse(&["--lag", "0,30", "--latency", "1.5s"]).unwrap();
        assert_eq!(scenario.lag.lag().replicas, [0, 30_000]);
        assert_eq!(scenario, Scenario::parse("{lag: {replicas: [0, 30s]}, latency: 1.5s}").unwrap());
    }

    #[test]
    fn a_fault_may_be_written_as_in_a_scenario_file() {
        let scenario = parse(&["--fault", "{operation: '*', every: 3, effect: {latency: 2s}}"]).unwrap();
        assert_eq!(
            (scenario.faults[0].every, &scenario.faults[0].effect),
            (3, &Effect::Latency("2s".parse().unwrap()))
        );
    }

    #[test]
    fn an_effect_with_a_value_may_be_written_behind_its_operation() {
        let scenario = parse(&["--fault", "CreateAlias={latency: 2s}"]).unwrap();
        assert_eq!(scenario.faults, [Fault::new("CreateAlias", Effect::Latency("2s".parse().unwrap()))]);
        let refused = parse(&["--fault", "CreateAlais={latency: 2s}"]).unwrap_err();
        assert!(refused.contains("did you mean `CreateAlias`?"), "{refused}");
    }

    #[test]
    fn what_is_not_understood_is_refused_with_the_way_to_write_it() {
        for (flag, value, hint) in [
            ("--lag", "soon", "write it as 500ms, 30s or 2m"),
            ("--quota", "5", "write it as CreateAlias=5"),
            ("--fault", "throttle", "write it as CreateAlias=drop-response"),
            ("--quota", "CreateAlais=5", "did you mean `CreateAlias`? the sandbox answers AssumeRole, "),
            ("--quota", "*=5", "`*` is no operation"),
            ("--quota", "CreateAlias=0", "from 1 to 4294967295; what is to let nothing through is a fault"),
            ("--quota", "CreateAlias=99999999999", "`99999999999` has to be a whole number"),
            ("--fault", "=throttle", "`` is no operation"),
            ("--fault", "CreateAlais=throttle", "did you mean `CreateAlias`?"),
            ("--fault", "CreateAlias=explode", "`explode` is no effect; there are `throttle`, "),
            ("--fault", "CreateAlias=latency", "the effect `latency` takes a value; write {latency: 2s}"),
            ("--fault", "{efect: throttle}", "column 2: unknown key `efect`; did you mean `effect`?"),
            ("--fault", "{operation: X, effect: throttle}", "column 13: `X` is no operation"),
            ("--lag", "99999999999999999999999999h", "a week is the longest"),
        ] {
            let refused = parse(&[flag, value]).unwrap_err();
            assert!(refused.contains(hint), "{refused}");
        }
    }
    #[test]
    fn the_page_has_every_flag() {
        let page = include_str!("../../docs/sandbox.md");
        for flag in Line::command().get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("`--{flag}")), "docs/sandbox.md has no --{flag}");
        }
    }
}
