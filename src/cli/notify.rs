//! `drift --notify-slack URL` and `--notify-webhook URL`: one message for a run that found something or failed. It is told when one
//! cannot be sent, and changes nothing about how the run ends: what was found is worth more than who has heard of it.

use serde_json::Value;

use super::Session;
use super::args::{Command, DriftArgs};
use super::exit::Exit;
use crate::notify::Webhook;
use crate::render::form::{FormError, Run};
use crate::render::harmless::harmless;
use crate::render::notice::{slack, webhook};

/// Makes the message of a run, with a link to its job
type Message = fn(&Run, Option<&str>) -> Result<Value, FormError>;

/// Where messages go, and in which form
fn channels(args: &DriftArgs) -> Vec<(&'static str, &str, Message)> {
    let slacks = args.notify_slack.iter().map(|url| ("--notify-slack", url.as_str(), slack as Message));
    let webhooks =
        args.notify_webhook.iter().map(|url| ("--notify-webhook", url.as_str(), webhook as Message));
    slacks.chain(webhooks).collect()
}

/// Why no messages can be sent as the command line asks for them; the address itself is not told, since logs are read by many
pub(super) fn refusal(command: &Command) -> Option<String> {
    let Command::Drift(args) = command else { return None };
    // An empty one is that of a secret which is not there, and no reason not to look for drift.
    let mut given = channels(args).into_iter().filter(|(_, url, _)| !url.is_empty());
    given.find_map(|(flag, url, _)| Some(format!("{flag}: {}", Webhook::parse(url).err()?)))
}

impl Session<'_> {
    /// Tells the channels what came of a look for drift, unless all is well, or somebody has stopped it
    pub(super) async fn notify(&self, command: &Command, exit: Exit) {
        let Command::Drift(args) = command else { return };
        if exit == Exit::Success || self.stop.is_cancelled() {
            return;
        }
        let _heeding = self.stop.heed();
        for (flag, url, message) in channels(args) {
            if url.is_empty() {
                self.console.note(&format!("warning: {flag} is empty, so nobody was told\n"));
            }
            let Ok(webhook) = Webhook::parse(url) else { continue };
            let sent = self.stop.run_until_cancelled(self.send(&webhook, message)).await;
            if let Err(why) = sent.unwrap_or_else(|| Err("asked to stop".to_owned())) {
                let (server, why) = (harmless(webhook.server()), harmless(&why));
                self.console.note(&format!("warning: {flag}: {server} was not told: {why}\n"));
            }
        }
    }

    async fn send(&self, webhook: &Webhook, message: Message) -> Result<(), String> {
        let link = self.console.ends.job.link.as_deref();
        let message = message(&self.known(), link).map_err(|why| why.to_string())?;
        let sent = webhook.send(message, self.global.timeout, (**self.stop).clone()).await;
        sent.map_err(|why| why.to_string())
    }
}
