//! Every mechanism of the comparison, between two real processes, byte by byte.

use std::io;

use echospec::bench::mechanism::{MECHANISMS, Mechanism};
use echospec::outcome::Outcome;
use echospec::payload::payload;
use echospec::server::{LaunchError, LaunchOptions, Server, Spec, Start};
use echospec::transport::{Channel, ChannelRequest, Transport, Tuning, WaitMode};
use rstest::rstest;
use tempfile::TempDir;

/// From the least to more than a mechanism's buffers hold at once.
const SIZES: [usize; 7] = [1, 8, 64, 1000, 4097, 65_536, 300_000];

const SIGNAL: &str = "signal";

#[rstest]
fn every_mechanism_echoes_every_size_that_it_has(
    #[values(WaitMode::Block, WaitMode::Yield, WaitMode::Spin)] waiting: WaitMode,
) {
    for mechanism in MECHANISMS {
        converse(mechanism, waiting, &Tuning::default());
    }
}

#[test]
fn what_is_tuned_changes_no_byte() {
    let tuning =
        Tuning { nodelay: false, socket_buffer: Some(40_000), pipe_size: Some(16_384), ..Tuning::default() };
    // Where the system has no pipe of a chosen size, it says so.
    let tuning = if std::env::consts::OS == "linux" { tuning } else { Tuning { pipe_size: None, ..tuning } };
    for mechanism in MECHANISMS {
        converse(mechanism, WaitMode::Block, &tuning);
    }
}

#[test]
fn a_server_that_never_sleeps_echoes_the_same() {
    for mechanism in MECHANISMS {
        if let Some(command) = mechanism.spinning {
            converse(&Mechanism { command, ..*mechanism }, WaitMode::Yield, &Tuning::default());
        }
    }
}

/// Signals come to a process, and a test is one of its threads. Their bytes are verified in the client of a comparison:
/// see `compare.rs`.
#[test]
fn a_process_of_many_threads_is_refused_signals() {
    let mechanism = Mechanism::named(SIGNAL).unwrap();
    let Some(mut server) = launch(mechanism) else { return };
    let (address, pid) = (server.address().clone(), server.pid().unwrap());
    let (scratch, tuning) = (TempDir::new().unwrap(), Tuning::default());
    let request = ChannelRequest {
        address: &address,
        ends: None,
        server: pid,
        scratch: scratch.path(),
        number: 1,
        wait_mode: WaitMode::Block,
        tuning: &tuning,
    };
    let error = server.spec().transport().open_channel(request).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("threads"), "{error}");
}

fn converse(mechanism: &Mechanism, waiting: WaitMode, tuning: &Tuning) {
    if mechanism.name == SIGNAL {
        return;
    }
    let Some(mut server) = launch(mechanism) else { return };
    let scratch = TempDir::new().unwrap();
    let Some(mut channel) = open(mechanism, &mut server, scratch.path(), waiting, tuning) else { return };
    let largest = channel.max_message().unwrap_or(usize::MAX);
    assert!(channel.window() > 0 && channel.max_in_flight(1) > 0, "{}: no room", mechanism.name);
    for size in SIZES.into_iter().filter(|size| *size <= largest) {
        let bytes = payload(size, 7, size as u64);
        exchange(channel.as_mut(), &bytes)
            .unwrap_or_else(|error| panic!("{}: {size} bytes: {error}", mechanism.name));
        stream(channel.as_mut(), &bytes)
            .unwrap_or_else(|error| panic!("{}: {size} bytes: {error}", mechanism.name));
    }
}

/// `None` where the system lacks the mechanism.
fn launch(mechanism: &Mechanism) -> Option<Server> {
    let transport = Transport::named(mechanism.transport).unwrap();
    let spec = Spec::new(transport, Start::Bind, mechanism.command.iter().copied()).unwrap();
    match Server::launch(&spec, LaunchOptions { seed: 7, ..LaunchOptions::default() }) {
        Ok(server) => Some(server),
        Err(LaunchError::Unsupported { output }) => {
            skipped::because(format!("{}: {output}", mechanism.name));
            None
        }
        Err(error) => panic!("{}: {error}", mechanism.name),
    }
}

fn open(
    mechanism: &Mechanism,
    server: &mut Server,
    scratch: &std::path::Path,
    waiting: WaitMode,
    tuning: &Tuning,
) -> Option<Box<dyn Channel>> {
    let transport = server.spec().transport();
    let (ends, pid) = if transport.is_inherited() {
        match server.launch_on_pair(tuning) {
            Ok(lent) => (Some(lent.ends), lent.pid),
            Err(finding) if finding.outcome == Outcome::Unsupported => return None,
            Err(finding) => panic!("{}: {finding:?}", mechanism.name),
        }
    } else {
        (None, server.pid().unwrap())
    };
    let address = &server.address().clone();
    let request =
        ChannelRequest { address, ends, server: pid, scratch, number: 1, wait_mode: waiting, tuning };
    Some(transport.open_channel(request).unwrap_or_else(|error| panic!("{}: {error}", mechanism.name)))
}

/// Sends `bytes` as far as there is room, and takes back what comes, to the end.
fn exchange(channel: &mut dyn Channel, bytes: &[u8]) -> io::Result<()> {
    let piece = if channel.max_message().is_some() { bytes.len() } else { channel.window() };
    for piece in bytes.chunks(piece) {
        channel.send(piece)?;
        take(channel, piece)?;
    }
    Ok(())
}

/// Keeps as many messages under way as the channel says that it holds.
fn stream(channel: &mut dyn Channel, bytes: &[u8]) -> io::Result<()> {
    if channel.max_message().is_none() && bytes.len() > channel.window() {
        return Ok(());
    }
    let under_way = channel.max_in_flight(bytes.len());
    for _ in 0..3 {
        for _ in 0..under_way {
            channel.send(bytes)?;
        }
        for _ in 0..under_way {
            take(channel, bytes)?;
        }
    }
    Ok(())
}

fn take(channel: &mut dyn Channel, bytes: &[u8]) -> io::Result<()> {
    let mut echo = vec![0; bytes.len()];
    let mut taken = 0;
    while taken < bytes.len() {
        let more = channel.receive(&mut echo[taken..])?;
        assert!(more > 0, "the end came after {taken} bytes");
        taken += more;
        assert!(
            channel.max_message().is_none() || taken == bytes.len(),
            "a message was cut at {taken} bytes"
        );
    }
    assert!(echo == bytes, "other bytes came back");
    Ok(())
}
