//! A link over a mechanism that has no descriptor to poll. Two threads copy between the mechanism and one end of a
//! socket pair; the client holds the other end.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::thread;

use socket2::{Domain, Socket, Type};

use super::{Link, client};
use crate::payload::KIB;

/// The size of a relay's buffer: more than the largest message of any mechanism that is relayed.
const BUFFER: usize = 128 * KIB;

/// The functions with which a relay uses the mechanism behind it.
pub(super) struct RelayCalls<SendCall, ReceiveCall, CloseCall> {
    /// The function that sends bytes, or one message, to the server. It is last called with `None`, when the client has
    /// ended its direction or has closed.
    pub send: SendCall,
    /// The function that waits for bytes or a message from the server, and returns `None` at the end of the connection.
    pub receive: ReceiveCall,
    /// The function that closes the mechanism behind the relay. It is called once, after the last `receive`.
    pub close: CloseCall,
}

/// Starts threads that relay a client's socket to a mechanism without sockets, as a stream, or as messages if `kind`
/// keeps boundaries. The relay runs until the client or the mechanism ends.
pub(super) fn relay<SendCall, ReceiveCall, CloseCall>(
    kind: Type,
    calls: RelayCalls<SendCall, ReceiveCall, CloseCall>,
) -> io::Result<Link>
where
    SendCall: FnMut(Option<&[u8]>) -> io::Result<()> + Send + 'static,
    ReceiveCall: FnMut(&mut [u8]) -> io::Result<Option<usize>> + Send + 'static,
    CloseCall: FnOnce() + Send + 'static,
{
    let (client_end, relay_end) = Socket::pair(Domain::UNIX, kind, None)?;
    if kind != Type::STREAM {
        client::enlarge_buffers(&client_end);
        client::enlarge_buffers(&relay_end);
    }
    let outgoing = Arc::new(relay_end);
    let incoming = Arc::clone(&outgoing);
    let RelayCalls { send, receive, close } = calls;
    thread::Builder::new().name("relay out".into()).spawn(move || copy_out(&outgoing, send))?;
    thread::Builder::new().name("relay in".into()).spawn(move || {
        copy_in(&incoming, receive);
        let _ = incoming.shutdown(Shutdown::Both);
        close();
    })?;
    Link::socket(client_end)
}

fn copy_out(mut from: &Socket, mut send: impl FnMut(Option<&[u8]>) -> io::Result<()>) {
    let mut buffer = vec![0; BUFFER];
    while let Some(length) = from.read(&mut buffer).ok().filter(|length| *length > 0) {
        if send(Some(&buffer[..length])).is_err() {
            // The server will never read what the client writes: the client must see that.
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = send(None);
}

fn copy_in(mut to: &Socket, mut receive: impl FnMut(&mut [u8]) -> io::Result<Option<usize>>) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(Some(length)) = receive(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
