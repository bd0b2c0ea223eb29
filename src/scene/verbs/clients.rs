//! The steps of clients: connect, send, receive, close.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;

use crate::check::{self, Finding, OrFinding};
use crate::outcome::Outcome;
use crate::payload::MIB;
use crate::scene::pattern::{Match, match_pattern};
use crate::scene::speaker::Speaker;
use crate::scene::stage::Stage;
use crate::scene::value::Arguments;
use crate::scene::verb::{Run, Verb};
use crate::scene::verbs::facts;
use crate::sys;
use crate::transport::{Capabilities, ClientName, ConnectOptions};

pub const VERBS: &[Verb] = &[
    Verb::new("NEW connects", "A client connects.", Run::Stage(connect)).waits(),
    Verb::new("NEW connects from ADDRESS", "A client connects from this address.", Run::Stage(connect_from))
        .needs(Capabilities::SOURCE_ADDRESS)
        .waits(),
    Verb::new(
        "NEW connects with a receive buffer of SIZE",
        "A client connects whose socket has a receive buffer of this size: `SO_RCVBUF`, socket(7).",
        Run::Stage(connect_with_buffer),
    )
    .needs(Capabilities::CONNECTIONS)
    .waits(),
    Verb::new(
        "NEW connects unnamed",
        "A client sends from a Unix datagram socket without a name, so that the server cannot answer.",
        Run::Stage(connect_unnamed),
    )
    .needs(Capabilities::CONNECTIONLESS.union(Capabilities::SOCKET_PATH)),
    Verb::new(
        "NUMBER clients connect as NEW",
        "Clients connect, one after another. Each step of this name is then one of each of them.",
        Run::Stage(connect_many),
    ),
    Verb::new("NEW is refused", "No client can connect any more.", Run::Stage(refused)).waits(),
    Verb::new("CLIENT sends BYTES", "The client sends these bytes.", Run::Bytes(send)).waits(),
    Verb::new(
        "CLIENT sends BYTES with a descriptor",
        "The client sends these bytes with a descriptor of /dev/null: `SCM_RIGHTS`, unix(7).",
        Run::Bytes(send_with_descriptor),
    )
    .needs(Capabilities::SOCKET_PATH),
    Verb::new(
        "CLIENT sends request",
        "The client sends a request of the protocol.",
        Run::Request(send_request),
    )
    .waits(),
    Verb::new(
        "CLIENT sends request of BYTES",
        "The client sends a request that carries these bytes.",
        Run::Request(send_request_of),
    )
    .waits(),
    Verb::new(
        "CLIENT sends half a request",
        "The client sends the first half of a request, and waits until the server has read it.",
        Run::Request(send_half),
    )
    .needs(Capabilities::REQUESTS)
    .waits(),
    Verb::new(
        "CLIENT sends request up to offset",
        "In a block `for each offset of request`: the client sends the request's bytes before the offset, and waits until \
         the server has read them.",
        Run::Request(send_up_to_offset),
    )
    .needs(Capabilities::REQUESTS)
    .waits(),
    Verb::new("CLIENT sends the rest", "The client sends the rest of the request that it has begun.", Run::Request(send_rest)).waits(),
    Verb::new(
        "CLIENT sends until blocked",
        "The client sends, and reads nothing, until the server is idle and takes no more.",
        Run::Stage(fill),
    )
    .needs(Capabilities::STREAM.union(Capabilities::FILLABLE))
    .waits(),
    Verb::new(
        "CLIENT sends urgent byte",
        "The client sends a byte of urgent data.",
        Run::Client(send_urgent),
    )
    .needs(Capabilities::TCP),
    Verb::new("CLIENT receives BYTES", "The client receives exactly these bytes.", Run::Bytes(receive))
        .waits(),
    Verb::new(
        "CLIENT receives pattern PATTERN",
        "The client receives bytes that match the pattern.",
        Run::Stage(receive_pattern),
    )
    .needs(Capabilities::STREAM)
    .waits(),
    Verb::new(
        "CLIENT receives reply",
        "The client receives the replies to all its requests.",
        Run::Request(receive_reply),
    )
    .waits(),
    Verb::new(
        "CLIENT receives end",
        "The client receives end of file, and nothing before it.",
        Run::Client(receive_end),
    )
    .needs(Capabilities::HALF_CLOSE)
    .waits(),
    Verb::new("CLIENT receives reset", "The client's connection is reset.", Run::Client(receive_reset))
        .needs(Capabilities::STREAM.union(Capabilities::CONNECTIONS))
        .waits(),
    Verb::new(
        "CLIENT receives nothing",
        "The client receives nothing while the server has time to send.",
        Run::Client(receive_nothing),
    ),
    Verb::new(
        "CLIENT exchanges a message",
        "The client sends a request and receives its reply.",
        Run::Request(exchange),
    )
    .waits(),
    Verb::new(
        "CLIENT exchanges BYTES",
        "The client sends a request that carries these bytes, and receives its reply.",
        Run::Request(exchange_bytes),
    )
    .waits(),
    Verb::new(
        "CLIENT ends its direction",
        "The client ends its direction of the connection with shutdown(2).",
        Run::Client(end_direction),
    )
    .needs(Capabilities::HALF_CLOSE),
    Verb::new("CLIENT closes", "The client closes its connection.", Run::Ends(close)),
    Verb::new("CLIENT resets", "The client ends its connection with a reset.", Run::Ends(reset))
        .needs(Capabilities::TCP),
];

/// The content of a request, if the scene names none.
const CONTENT: &[u8] = b"here";

fn connect(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    connect_with(stage, step.name(0), ConnectOptions { timeout: step.within, ..ConnectOptions::default() })
}

fn connect_from(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let source: IpAddr = step.name(1).parse().unwrap_or(Ipv4Addr::LOCALHOST.into());
    let source = Some(SocketAddr::new(source, 0));
    connect_with(
        stage,
        step.name(0),
        ConnectOptions { timeout: step.within, source, ..ConnectOptions::default() },
    )
}

fn connect_with_buffer(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let receive_buffer = Some(step.size(1));
    let options = ConnectOptions { timeout: step.within, receive_buffer, ..ConnectOptions::default() };
    connect_with(stage, step.name(0), options)
}

fn connect_unnamed(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let options = ConnectOptions { name: ClientName::Unnamed, ..ConnectOptions::default() };
    connect_with(stage, step.name(0), options)
}

fn connect_with(stage: &mut Stage<'_>, name: &str, options: ConnectOptions) -> check::Result {
    let speaker = stage.connect(name, &options)?;
    stage.add(name, speaker);
    Ok(())
}

fn connect_many(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    (0..step.number(0)).try_for_each(|_| connect_with(stage, step.name(1), ConnectOptions::default()))
}

fn refused(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let limit = step.limit(stage.server.deadlines().exit());
    stage.await_fact(limit, "a refused connection", |stage| match stage.server.connect() {
        Ok(_) => Ok(Some("a client could connect".into())),
        Err(finding) if finding.outcome == Outcome::Broken => Err(finding),
        Err(finding) if finding.outcome == Outcome::Timeout => Ok(Some("no answer to a connection".into())),
        Err(_) => Ok(None),
    })
}

fn send(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.unanswered.extend_from_slice(step.bytes(1));
    speaker.within(step.within, |client| client.send(step.bytes(1)))
}

fn send_with_descriptor(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    let file = File::open("/dev/null").or_broken("/dev/null opened")?;
    speaker.unanswered.extend_from_slice(step.bytes(1));
    speaker.client.send_with_descriptor(step.bytes(1), file.as_fd())
}

fn send_request(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.unanswered.extend_from_slice(CONTENT);
    speaker.within(step.within, |client| client.send(CONTENT))
}

fn send_request_of(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    send(speaker, step)
}

fn send_half(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.unanswered.extend_from_slice(CONTENT);
    speaker.within(step.within, |client| client.begin_request(CONTENT))
}

fn send_up_to_offset(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.unanswered.extend_from_slice(CONTENT);
    let length = speaker.within(step.within, |client| client.begin_request_up_to(CONTENT, step.offset))?;
    speaker.request_length = length;
    Ok(())
}

fn send_rest(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.within(step.within, |client| client.send(&[]))
}

/// Fills every buffer between the client and the server. A server that is only slow to be given a processor is not
/// blocked: the buffers count as full once an idle server has taken nothing more.
fn fill(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    const MOST: usize = 32 * MIB;
    let bytes = vec![b'x'; MOST];
    let count = stage.speakers.get(step.name(0)).map_or(0, Vec::len);
    for place in 0..count {
        let mut total = 0;
        while total < MOST {
            let speaker = stage.speakers.get_mut(step.name(0)).and_then(|speakers| speakers.get_mut(place));
            let Some(speaker) = speaker else { break };
            let taken = speaker.client.fill_until_blocked(&bytes[total..])?;
            speaker.unanswered.extend_from_slice(&bytes[..taken]);
            total += taken;
            if taken == 0 {
                break;
            }
            // A server that never waits takes no more all the same.
            match facts::await_idle(stage, step.limit(stage.server.deadlines().no_progress())) {
                Err(finding) if finding.outcome != Outcome::Fail => return Err(finding),
                _ => {}
            }
        }
        if total >= MOST {
            return Err(Finding::broken("a server that takes no more", "it took 32 MiB"));
        }
    }
    Ok(())
}

fn send_urgent(speaker: &mut Speaker, _: &Arguments) -> check::Result {
    speaker.client.send_urgent(b'!')
}

fn receive(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.unanswered.clear();
    speaker.within(step.within, |client| client.expect(step.bytes(1)))
}

fn receive_pattern(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let pattern = step.pattern(1);
    for speaker in stage.speakers.get_mut(step.name(0)).into_iter().flatten() {
        let wanted = format!("bytes that match {}", pattern.shown());
        let captured = speaker.within(step.within, |client| {
            client.receive_part(&wanted, |bytes| match match_pattern(&pattern, &step.known, bytes) {
                Match::Whole(length, captured) => Ok(Some((length, captured))),
                Match::Partial => Ok(None),
                Match::Differs(how) => Err(how),
            })
        })?;
        stage.known.extend(captured);
    }
    Ok(())
}

fn receive_reply(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    let content = std::mem::take(&mut speaker.unanswered);
    speaker.within(step.within, |client| client.expect(&content))
}

fn receive_end(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.within(step.within, crate::transport::Client::expect_eof)
}

fn receive_reset(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.within(step.within, crate::transport::Client::expect_reset)
}

fn receive_nothing(speaker: &mut Speaker, _: &Arguments) -> check::Result {
    speaker.client.expect_nothing()
}

fn exchange(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.within(step.within, |client| client.exchange(CONTENT))
}

fn exchange_bytes(speaker: &mut Speaker, step: &Arguments) -> check::Result {
    speaker.within(step.within, |client| client.exchange(step.bytes(1)))
}

fn end_direction(speaker: &mut Speaker, _: &Arguments) -> check::Result {
    speaker.client.shut_down_write()
}

fn close(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    let closed = stage.take(step.name(0));
    sys::between_launches(|| drop(closed));
    Ok(())
}

fn reset(stage: &mut Stage<'_>, step: &Arguments) -> check::Result {
    stage.take(step.name(0)).into_iter().try_for_each(|speaker| speaker.client.reset())
}
