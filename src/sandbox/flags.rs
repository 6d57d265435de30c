//! The flags of `kms-alias sandbox` that make it misbehave; they come on top of a scenario file.

use std::path::PathBuf;

use serde::Deserialize;

use super::scenario::{Delay, Effect, Fault, Scenario, ScenarioError};
use crate::load::serial::from_yaml;

/// How the sandbox misbehaves; by default not at all
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct Flags {
    /// Misbehave as this YAML file says; the flags below come on top
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
    let parsed =
        text.split_once('=').and_then(|(operation, rate)| Some((operation.to_owned(), rate.parse().ok()?)));
    parsed.ok_or_else(|| "write it as CreateAlias=5".to_owned())
}

fn fault(text: &str) -> Result<Fault, String> {
    if text.trim_start().starts_with('{') {
        return from_yaml(text);
    }
    let (operation, effect) = text.split_once('=').ok_or("write it as CreateAlias=drop-response")?;
    let effect = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(effect);
    Effect::deserialize(effect).map(|effect| Fault::new(operation, effect)).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

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
    fn what_is_not_understood_is_refused_with_the_way_to_write_it() {
        for (flag, value, hint) in [
            ("--lag", "soon", "write it as 500ms, 30s or 2m"),
            ("--quota", "5", "write it as CreateAlias=5"),
            ("--fault", "throttle", "write it as CreateAlias=drop-response"),
            ("--fault", "CreateAlias=explode", "unknown variant `explode`"),
            ("--fault", "{efect: throttle}", "efect"),
        ] {
            let refused = parse(&[flag, value]).unwrap_err();
            assert!(refused.contains(hint), "{refused}");
        }
    }
}
