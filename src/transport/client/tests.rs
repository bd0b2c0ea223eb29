use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;

use socket2::{Domain, Socket, Type};

use super::{Client, Link};
use crate::deadline::{Deadlines, wait};
use crate::outcome::Outcome;
use crate::protocol::{Protocol, Tokens};
use crate::transport::Capabilities;

/// Returns a client over a socket pair of the type `kind`, and the server's end of the connection.
fn client_of(kind: Type) -> (Client, Socket) {
    let (client, server) = Socket::pair(Domain::UNIX, kind, None).unwrap();
    let framing = if kind == Type::STREAM { Capabilities::STREAM } else { Capabilities::MESSAGES };
    let capabilities = framing.union(Capabilities::HALF_CLOSE);
    (Client::new(Link::socket(client).unwrap(), capabilities, Deadlines::scaled(1.0)), server)
}

#[test]
fn collects_an_echo_that_is_held_back() {
    let (mut client, mut server) = client_of(Type::STREAM);
    let echo = thread::spawn(move || {
        let mut bytes = Vec::new();
        server.read_to_end(&mut bytes).unwrap();
        server.write_all(&bytes).unwrap();
    });
    client.send_and_collect(b"first").unwrap();
    client.send_and_collect(b"second").unwrap();
    assert_eq!(client.received(), 0);
    client.finish().unwrap();
    assert_eq!(client.received(), 11);
    echo.join().unwrap();
}

#[test]
fn exchanges_over_a_stream_and_over_messages() {
    for kind in [Type::STREAM, Type::DGRAM] {
        let (mut client, mut server) = client_of(kind);
        let echo = thread::spawn(move || {
            let mut buffer = [0; 64];
            let length = server.read(&mut buffer).unwrap();
            server.write_all(&buffer[..length]).unwrap();
        });
        client.exchange(b"hello").unwrap();
        echo.join().unwrap();
    }
}

#[test]
fn a_missing_capability_breaks_the_harness() {
    let (mut stream, _server) = client_of(Type::STREAM);
    assert_eq!(stream.receive().unwrap_err().outcome, Outcome::Broken);
    let (mut messages, _server) = client_of(Type::DGRAM);
    assert_eq!(messages.fill_until_blocked(b"x").unwrap_err().outcome, Outcome::Broken);
    assert_eq!(messages.send_and_collect(b"x").unwrap_err().outcome, Outcome::Broken);
}

/// Returns a client whose server has closed the connection after one exchange of the protocol `line`.
fn client_of_closed_connection(deadlines: Deadlines) -> Client {
    let (client, mut server) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    let protocol = Arc::new(Protocol::built_in("line").unwrap());
    let client = Client::new(Link::socket(client).unwrap(), Capabilities::STREAM, deadlines);
    let mut client = client.speaking(&protocol, Tokens::new(0, 1));
    client.send(b"first").unwrap();
    let mut request = [0; 256];
    let length = server.read(&mut request).unwrap();
    server.write_all(&request[..length]).unwrap();
    client.expect(b"first").unwrap();
    client
}

#[test]
fn a_server_may_close_a_connection_that_was_idle() {
    let deadlines = Deadlines::scaled(0.1);
    let mut client = client_of_closed_connection(deadlines);
    wait(&mut [], deadlines.reply() * 2).unwrap();
    assert!(!client.exchange_unless_idle(b"second").unwrap());
}

#[test]
fn a_server_may_not_close_a_connection_that_was_in_use() {
    let mut client = client_of_closed_connection(Deadlines::scaled(1000.0));
    assert_eq!(client.exchange_unless_idle(b"second").unwrap_err().outcome, Outcome::Fail);
}

/// Returns the outcome of a second request to a server of HTTP that sends `head` with its first reply and then closes
/// the connection.
fn outcome_of_second_request(head: &str) -> Outcome {
    let (client, mut server) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    let protocol = Arc::new(Protocol::built_in("http").unwrap());
    let client = Client::new(Link::socket(client).unwrap(), Capabilities::STREAM, Deadlines::default());
    let mut client = client.speaking(&protocol, Tokens::new(0, 1));
    client.send(b"first").unwrap();
    assert!(server.read(&mut [0; 256]).unwrap() > 0);
    server.write_all(format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\n\r\n").as_bytes()).unwrap();
    drop(server);
    client.expect(b"first").unwrap();
    client.exchange(b"second").unwrap_err().outcome
}

#[test]
fn no_reply_is_due_after_one_that_announces_the_end() {
    assert_eq!(outcome_of_second_request("Connection: close\r\n"), Outcome::Unsupported);
    assert_eq!(outcome_of_second_request(""), Outcome::Fail);
}
