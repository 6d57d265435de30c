//! The service as a client meets it: the world, behind its quotas, misbehaving as the scenario says, with a log of every call. It
//! still knows no clock: it says how long a response takes, and the caller waits.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::faults::{Faults, Verdict};
use super::paging::Members;
use super::quota::{Meter, Quotas};
use super::refusal::{self, ServiceError};
use super::scenario::{Effect, Fault, Paging, Scenario};
use super::trail::{self, Event};
use super::world::{Home, Millis, Request, World};
use super::{iam, identifiers, organization, sts};

/// A world and how it is reached
#[derive(Clone, Debug)]
pub struct Service {
    world: World,
    scenario: Scenario,
    quotas: Quotas,
    meter: Meter,
    faults: Faults,
    calls: Vec<Call>,
    served: BTreeMap<String, u64>,
}

/// The longest log; a server may run for long
const LONGEST_LOG: usize = 100_000;

/// What happened to one call
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// When it came
    pub at: Millis,
    /// The account it was for
    pub account: String,
    /// The Region it was for
    pub region: String,
    /// `CreateAlias`, …
    pub operation: String,
    /// The members of the request
    pub input: Value,
    /// `x-amzn-RequestId` of its response
    pub request_id: String,
    /// What the service did about it; `None`: nothing, the request was lost
    pub result: Option<Result<(), ServiceError>>,
    /// Whether the client was given a whole response that says so
    pub delivered: bool,
}

/// What becomes of a call
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `x-amzn-RequestId`
    pub request_id: String,
    /// How long the response takes
    pub delay: Duration,
    /// The response
    pub reply: Reply,
}

/// What comes back over the connection
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A response as it should be; the output is `null` where the operation has none
    Whole(Result<Value, ServiceError>),
    /// A response with status 200 whose body is not JSON
    Malformed,
    /// A response that ends in its middle
    Truncated(Value),
    /// The connection closes without a response
    Closed,
    /// Nothing, for ever
    Silence,
}

impl Service {
    /// The world `world`, misbehaving as `scenario` says
    pub fn new(world: World, scenario: Scenario) -> Self {
        let mut service = Self {
            world,
            scenario: Scenario::default(),
            quotas: Quotas::new(),
            meter: Meter::default(),
            faults: Faults::new(&[], 0),
            calls: Vec::new(),
            served: BTreeMap::new(),
        };
        service.play(scenario);
        service
    }

    /// Misbehaves as `scenario` says from now on; what was counted for the last one is forgotten
    pub fn play(&mut self, scenario: Scenario) {
        self.world.lag = scenario.lag.lag();
        self.faults = Faults::new(&scenario.faults, scenario.seed);
        self.quotas = scenario.effective_quotas();
        self.meter = Meter::default();
        self.scenario = scenario;
    }

    /// The world as it truly is
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world, for a test to change behind everybody's back
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// The calls so far, or the last of them if there were very many
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// How many calls of each operation there were so far
    pub fn count(&self) -> &BTreeMap<String, u64> {
        &self.served
    }

    /// Forgets the calls so far, as between two parts of a test
    pub fn forget_calls(&mut self) {
        self.calls.clear();
        self.served.clear();
    }

    /// Takes one call made at `at`
    pub fn answer(&mut self, at: Millis, request: &Request<'_>) -> Answer {
        self.answer_to(at, request, "")
    }

    /// The same of a client that calls itself `agent`, which the trail repeats
    pub fn answer_to(&mut self, at: Millis, request: &Request<'_>, agent: &str) -> Answer {
        let home = Home::new(&self.world.account_of(request.caller), request.region);
        let request_id = self.request_id(at);
        let Verdict { fault, delay } = self.faults.judge(&home, request.operation, request.input);
        let (result, reply) = match fault {
            None => self.carry_out(at, &home, request, Reply::Whole),
            Some(fault) => self.misbehave(at, &home, request, &fault),
        };
        let delivered = matches!(reply, Reply::Whole(_));
        let done = result.as_ref();
        let event = done.and_then(|done| Event::of_call(&self.world, at, request, agent, &request_id, done));
        event.into_iter().for_each(|event| self.world.trail.push(event));
        self.log(at, home, request, &request_id, result, delivered);
        let delay = self.scenario.latency.0.saturating_add(Duration::from_millis(delay));
        Answer { request_id, delay, reply }
    }

    fn carry_out(
        &mut self,
        at: Millis,
        home: &Home,
        request: &Request<'_>,
        reply: impl Fn(Result<Value, ServiceError>) -> Reply,
    ) -> (Option<Result<(), ServiceError>>, Reply) {
        let result = self.perform(at, home, request);
        (Some(result.clone().map(drop)), reply(result))
    }

    fn perform(&mut self, at: Millis, home: &Home, request: &Request<'_>) -> Result<Value, ServiceError> {
        if !self.meter.admits(&self.quotas, home, request.operation, at) {
            return Err(throttled(request));
        }
        let Some(members) = Members::of(request.operation) else {
            return self.world.call(at, request);
        };
        let Paging { limit, defect } = self.scenario.paging;
        let input = members.limited(request.input, limit);
        let page = self.world.call(at, &Request { input: &input, ..*request })?;
        Ok(members.with_defect(page, defect, &input))
    }

    fn misbehave(
        &mut self,
        at: Millis,
        home: &Home,
        request: &Request<'_>,
        fault: &Fault,
    ) -> (Option<Result<(), ServiceError>>, Reply) {
        if let Some(error) = self.error(home, request, &fault.effect) {
            let done = fault.after_change.then(|| self.perform(at, home, request).map(drop));
            return (Some(done.unwrap_or_else(|| Err(error.clone()))), Reply::Whole(Err(error)));
        }
        match fault.effect {
            Effect::DropRequest => (None, Reply::Closed),
            Effect::Silent if !fault.after_change => (None, Reply::Silence),
            Effect::Silent => self.carry_out(at, home, request, |_| Reply::Silence),
            Effect::Malformed => self.carry_out(at, home, request, |_| Reply::Malformed),
            Effect::Truncated => {
                self.carry_out(at, home, request, |result| Reply::Truncated(result.unwrap_or_default()))
            }
            _ => self.carry_out(at, home, request, |_| Reply::Closed),
        }
    }

    /// The error that an effect answers with, if that is what it does
    fn error(&self, home: &Home, request: &Request<'_>, effect: &Effect) -> Option<ServiceError> {
        Some(match effect {
            Effect::Throttle => throttled(request),
            Effect::Internal => refusal::internal(),
            Effect::DependencyTimeout => refusal::dependency_timeout(),
            Effect::Expired => refusal::expired_token(),
            Effect::AccessDenied => self.denied(home, request),
            Effect::Error(plan) => {
                let (status, code) = (plan.status, plan.code.clone().into());
                ServiceError { status, code, message: plan.message.clone() }
            }
            _ => return None,
        })
    }

    fn denied(&self, home: &Home, request: &Request<'_>) -> ServiceError {
        let caller = sts::caller_arn(&self.world, home, request.caller);
        let service = match request.operation {
            operation if iam::is_operation(operation) => return iam::denied(&caller, operation),
            operation if trail::is_operation(operation) => return trail::denied(&caller, operation),
            operation if organization::is_operation(operation) => {
                return organization::denied(&caller, operation);
            }
            operation if sts::is_operation(operation) => "sts",
            _ => "kms",
        };
        let action = format!("{service}:{}", request.operation);
        let text = |member: &str| request.input[member].as_str();
        let resource = match (text("AliasName"), text("KeyId"), text("RoleArn")) {
            (Some(alias), _, _) => home.alias_arn(alias),
            (None, Some(key), _) if !key.contains(':') => home.key_arn(key),
            (None, Some(arn), _) | (None, None, Some(arn)) => arn.to_owned(),
            (None, None, None) => "*".to_owned(),
        };
        refusal::access_denied(&caller, &action, &resource)
    }

    fn request_id(&self, at: Millis) -> String {
        let bits = identifiers::scatter(at) ^ identifiers::scatter(self.served.values().sum());
        identifiers::uuid(bits)
    }

    fn log(
        &mut self,
        at: Millis,
        home: Home,
        request: &Request<'_>,
        request_id: &str,
        result: Option<Result<(), ServiceError>>,
        delivered: bool,
    ) {
        *self.served.entry(request.operation.to_owned()).or_default() += 1;
        if self.calls.len() == LONGEST_LOG {
            self.calls.drain(..LONGEST_LOG / 2);
        }
        self.calls.push(Call {
            at,
            account: home.account.to_string(),
            region: home.region.to_string(),
            operation: request.operation.to_owned(),
            input: request.input.clone(),
            request_id: request_id.to_owned(),
            result,
            delivered,
        });
    }
}

fn throttled(request: &Request<'_>) -> ServiceError {
    match request.operation {
        operation if trail::is_operation(operation) => trail::throttled(),
        operation if organization::is_operation(operation) => organization::throttled(),
        _ => refusal::throttled(),
    }
}
