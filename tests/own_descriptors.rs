//! The harness closes all descriptors that it opens for a check. This test is alone in its process, because it
//! counts the descriptors of the process.

use std::time::Duration;

use echospec::checks::{Check, QUICK_CHECK_IDS, all_checks};
use echospec::deadline::until;
use echospec::runner::{RunOptions, run_checks};
use echospec::server::{Spec, Start, sweep};
use echospec::sys::{self, Descriptor};
use echospec::transport::Transport;
use nix::unistd::Pid;

/// The threads that read a server's output close it shortly after the server has exited.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

#[test]
fn no_check_leaks_a_descriptor_of_the_harness() {
    let servers: [(&str, Start, &[&str]); 6] = [
        ("tcp", Start::Bind, &[env!("CARGO_BIN_EXE_echo-tcp"), "{addr}"]),
        ("tcp", Start::ListenFds, &[env!("CARGO_BIN_EXE_echo-tcp-activated")]),
        ("udp", Start::Bind, &[env!("CARGO_BIN_EXE_echo-udp"), "{addr}"]),
        ("unix", Start::Bind, &[env!("CARGO_BIN_EXE_echo-unix"), "{path}"]),
        ("pipe", Start::Bind, &[env!("CARGO_BIN_EXE_echo-pipe")]),
        ("fifo", Start::Bind, &[env!("CARGO_BIN_EXE_echo-fifo"), "{path}"]),
    ];
    if let Err(error) = sys::descriptors(Pid::this()) {
        return testing::skip(error);
    }
    for (transport, start, command) in servers {
        let spec = Spec::new(Transport::named(transport).unwrap(), start, command.to_vec()).unwrap();
        let wanted = |check: &&Check| {
            transport == "tcp" && start == Start::Bind || QUICK_CHECK_IDS.contains(&check.id)
        };
        let apply: Vec<_> =
            all_checks().filter(|it| it.applies_to(spec.capabilities())).filter(wanted).collect();
        // One check at a time, so that each new descriptor belongs to that check.
        let run_alone = |check| {
            run_checks(&spec, &[check], &RunOptions { jobs: 1, ..RunOptions::default() }, |_| {}).unwrap()
        };
        // The first check opens what stays open for the whole process.
        run_alone(apply[0]);
        let before = open_descriptors();
        let mut found = Vec::new();
        for check in apply {
            run_alone(check);
            let closed =
                until(CLOSE_TIMEOUT, || Ok((open_descriptors().len() <= before.len()).then_some(())));
            if closed.unwrap().is_none() {
                found.push(format!(
                    "{} on {transport}: {:?}, before: {before:?}",
                    check.id,
                    open_descriptors()
                ));
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    sweep();
}

fn open_descriptors() -> Vec<Descriptor> {
    sys::descriptors(Pid::this()).unwrap()
}
