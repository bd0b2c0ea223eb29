//! The channel of each mechanism, between two real processes.

use std::io;

use echospec::bench::mechanism::{MECHANISMS, Mechanism};
use echospec::outcome::Outcome;
use echospec::payload::payload;
use echospec::server::{LaunchError, LaunchOptions, Server, Spec, Start};
use echospec::transport::{Channel, ChannelRequest, ClientWaitMode, Transport, Tuning};
use rstest::rstest;
use tempfile::TempDir;

/// From one byte to more than the buffers of a mechanism hold.
const SIZES: [usize; 7] = [1, 8, 64, 1000, 4097, 65_536, 300_000];

const SIGNAL: &str = "signal";

#[rstest]
fn echoes_every_size_on_every_mechanism(
    #[values(ClientWaitMode::Block, ClientWaitMode::Yield, ClientWaitMode::Spin)] waiting: ClientWaitMode,
) {
    for mechanism in MECHANISMS {
        test_channel(mechanism, waiting, &Tuning::default());
    }
}

#[test]
fn echoes_with_options_set() {
    let tuning =
        Tuning { nodelay: false, socket_buffer: Some(40_000), pipe_size: Some(16_384), ..Tuning::default() };
    // Only Linux can set the capacity of a pipe.
    let tuning = if std::env::consts::OS == "linux" { tuning } else { Tuning { pipe_size: None, ..tuning } };
    for mechanism in MECHANISMS {
        test_channel(mechanism, ClientWaitMode::Block, &tuning);
    }
}

#[test]
fn spinning_servers_echo() {
    for mechanism in MECHANISMS {
        if let Some(command) = mechanism.spinning {
            test_channel(&Mechanism { command, ..*mechanism }, ClientWaitMode::Yield, &Tuning::default());
        }
    }
}

/// A signal is sent to a process, not to a thread, so a test cannot receive it. `compare.rs` tests signals in a client
/// process.
#[test]
fn signals_need_a_process_with_one_thread() {
    let mechanism = Mechanism::named(SIGNAL).unwrap();
    let Some(mut server) = launch(mechanism) else { return };
    let (address, pid) = (server.address().clone(), server.pid().unwrap());
    let (scratch, tuning) = (scratch(), Tuning::default());
    let request = ChannelRequest {
        address: &address,
        ends: None,
        server: pid,
        scratch: scratch.path(),
        number: 1,
        wait_mode: ClientWaitMode::Block,
        tuning: &tuning,
    };
    let error = server.spec().transport().open_channel(request).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("threads"), "{error}");
}

fn test_channel(mechanism: &Mechanism, waiting: ClientWaitMode, tuning: &Tuning) {
    if mechanism.name == SIGNAL {
        return;
    }
    let Some(mut server) = launch(mechanism) else { return };
    let scratch = scratch();
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

/// Makes a directory for the sockets of a client. TMPDIR may be too long for a socket's path.
fn scratch() -> TempDir {
    TempDir::new_in("/tmp").unwrap()
}

/// Launches the server. `None` if the system lacks the mechanism.
fn launch(mechanism: &Mechanism) -> Option<Server> {
    let transport = Transport::named(mechanism.transport).unwrap();
    let spec = Spec::new(transport, Start::Bind, mechanism.command.iter().copied()).unwrap();
    match Server::launch(&spec, LaunchOptions { seed: 7, ..LaunchOptions::default() }) {
        Ok(server) => Some(server),
        Err(LaunchError::Unsupported { output }) => {
            testing::skip(format!("{}: {output}", mechanism.name));
            None
        }
        Err(error) => panic!("{}: {error}", mechanism.name),
    }
}

fn open(
    mechanism: &Mechanism,
    server: &mut Server,
    scratch: &std::path::Path,
    waiting: ClientWaitMode,
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

/// Exchanges `bytes` in pieces that fit into the window.
fn exchange(channel: &mut dyn Channel, bytes: &[u8]) -> io::Result<()> {
    let piece = if channel.max_message().is_some() { bytes.len() } else { channel.window() };
    for piece in bytes.chunks(piece) {
        channel.send(piece)?;
        receive(channel, piece)?;
    }
    Ok(())
}

/// Keeps as many messages in flight as the channel holds.
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
            receive(channel, bytes)?;
        }
    }
    Ok(())
}

fn receive(channel: &mut dyn Channel, bytes: &[u8]) -> io::Result<()> {
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
