//! The harness closes every descriptor that it opens for a check. The test counts the descriptors of its process, so it
//! runs alone.

use std::time::Duration;

use echospec::checks::{Check, QUICK, checks};
use echospec::deadline::until;
use echospec::runner::{Options, run};
use echospec::server::{Spec, Start, sweep};
use echospec::sys::{self, Descriptor};
use echospec::transport::Transport;
use nix::unistd::Pid;

/// A thread that reads a server's output may close it only after the server has exited.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

#[test]
fn no_check_costs_the_harness_a_descriptor() {
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
        let wanted = |check: &&Check| transport == "tcp" && start == Start::Bind || QUICK.contains(&check.id);
        let apply: Vec<_> = checks().filter(|it| it.applies_to(spec.capabilities())).filter(wanted).collect();
        // One check at a time, so that what is new is that check's.
        let alone = |check| run(&spec, &[check], &Options { jobs: 1, ..Options::default() }, |_| {}).unwrap();
        // The first check opens the descriptors that the process keeps open.
        alone(apply[0]);
        let before = table();
        let mut found = Vec::new();
        for check in apply {
            alone(check);
            let closed = until(CLOSE_TIMEOUT, || Ok((table().len() <= before.len()).then_some(())));
            if closed.unwrap().is_none() {
                found.push(format!("{} on {transport}: {:?}, before: {before:?}", check.id, table()));
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    sweep();
}

fn table() -> Vec<Descriptor> {
    sys::descriptors(Pid::this()).unwrap()
}
