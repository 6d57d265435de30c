//! The real program against a sandbox in this process: what it asked for and what it left are read here, without its help.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use kms_alias::sandbox::{Running, Scenario, Service, World, serve};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::fake::{ACCOUNT, REGION, home};
use crate::process::{kms_alias, with_manifest};

/// A write that the server received: the operation, the alias, and the key where there is one
pub type Write = (String, String, Option<String>);

/// A sandbox over loopback, and a directory with a manifest for it
pub struct Site {
    pub directory: TempDir,
    pub sandbox: Running,
    // last, since the server runs in it
    _runtime: Runtime,
}

impl Site {
    pub fn new(manifest: &str, world: World, scenario: Scenario) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let sandbox = runtime.block_on(serve(Service::new(world, scenario), None, 0)).unwrap();
        Self { directory: with_manifest(manifest), sandbox, _runtime: runtime }
    }

    /// `kms-alias ARGS`, with credentials for the sandbox
    pub fn kms_alias(&self, args: &[&str]) -> Command {
        against(&self.sandbox.endpoint_url(), &self.directory, args)
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.kms_alias(args).output().unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The aliases as they truly are; AWS's own are not among them as long as nobody has given them a key
    pub fn truth(&self) -> BTreeMap<String, String> {
        let aliases = self.sandbox.with(|service| service.world().aliases(&home()));
        aliases.into_iter().filter_map(|(name, key)| Some((name, key?))).collect()
    }

    /// How many requests there were, reads included
    pub fn requests(&self) -> usize {
        self.sandbox.with(|service| service.calls().len())
    }

    /// Every write that the server received, whatever became of it
    pub fn writes(&self) -> Vec<Write> {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        self.sandbox
            .with(|service| {
                let calls = service.calls().iter();
                let writes = calls
                    .filter(|call| matches!(&*call.operation, "CreateAlias" | "UpdateAlias" | "DeleteAlias"));
                let write =
                    |input: &serde_json::Value| (text(&input["AliasName"]), text(&input["TargetKeyId"]));
                writes.map(|call| (call.operation.clone(), write(&call.input))).collect::<Vec<_>>()
            })
            .into_iter()
            .map(|(operation, (name, key))| (operation, name.unwrap_or_default(), key))
            .collect()
    }
}

/// `kms-alias ARGS` in `directory`, with credentials for the server at `url`
pub fn against(url: &str, directory: &TempDir, args: &[&str]) -> Command {
    let mut command = kms_alias(directory.path(), args);
    command.args(["--endpoint-url", url, "--region", REGION]);
    command.env("AWS_ACCESS_KEY_ID", ACCOUNT).env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}
