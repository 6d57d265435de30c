//! The real program, asked to stop over a real socket: what its receipt says then.

use kms_alias::sandbox::Scenario;

use crate::kills::{check, site, start, wait_until};
use crate::process::signal;

#[test]
fn one_signal_finishes_the_calls_under_way_and_closes_the_receipt() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let site = site(0);
        site.sandbox.with(|service| service.play(Scenario::parse("latency: 100ms").unwrap()));
        let mut child = start(&site);
        wait_until(&mut child, || site.writes().len() >= 3);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let remains = check(&site, true);
        let history = remains.receipt.as_ref().unwrap();
        assert_eq!((history.exit_code, history.torn), (Some(code as u8), false));
        let traces = history.targets[0].names.values();
        let answers: Vec<_> = traces.flat_map(|trace| &trace.calls).map(|(_, answer)| answer).collect();
        assert!(answers.len() < 17 && answers.iter().all(|answer| answer.is_some()), "{answers:?}");
    }
}

#[test]
fn a_second_signal_leaves_the_call_under_way_to_the_next_run() {
    let site = site(0);
    let silent = "faults: [{operation: CreateAlias, after: 3, effect: silent, after_change: true}]";
    site.sandbox.with(|service| service.play(Scenario::parse(silent).unwrap()));
    let mut child = start(&site);
    let creates = || site.writes().iter().filter(|(operation, ..)| operation == "CreateAlias").count();
    wait_until(&mut child, || creates() >= 4);
    while child.try_wait().unwrap().is_none() {
        signal(&child, "-INT");
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let remains = check(&site, true);
    assert_eq!(remains.receipt.as_ref().unwrap().exit_code, None);
    assert!(remains.is_open(), "a call without an answer is not settled");
}
