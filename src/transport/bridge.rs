//! A link for the checks over a mechanism that has no descriptor to poll: threads carry what comes between it and one
//! end of a socket pair, and the checks hold the other.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::thread;

use socket2::{Domain, Socket, Type};

use super::{Link, client};
use crate::payload::KIB;

/// What is carried at once, and more than the largest message of any mechanism that is bridged.
const BUFFER: usize = 128 * KIB;

/// The far side's own two directions.
pub(super) struct Shore<Put, Take, Leave> {
    /// Sends all of what it is given, or one message. `None` comes last: the client has ended its direction, or has gone.
    pub put: Put,
    /// Waits for bytes or a message; `None` is the end.
    pub take: Take,
    /// Nobody takes any more.
    pub leave: Leave,
}

/// A stream, or messages where `kind` keeps boundaries, for as long as the link or the far side lasts.
pub(super) fn bridge<Put, Take, Leave>(kind: Type, shore: Shore<Put, Take, Leave>) -> io::Result<Link>
where
    Put: FnMut(Option<&[u8]>) -> io::Result<()> + Send + 'static,
    Take: FnMut(&mut [u8]) -> io::Result<Option<usize>> + Send + 'static,
    Leave: FnOnce() + Send + 'static,
{
    let (near, far) = Socket::pair(Domain::UNIX, kind, None)?;
    if kind != Type::STREAM {
        client::enlarge_buffers(&near);
        client::enlarge_buffers(&far);
    }
    let outward = Arc::new(far);
    let inward = Arc::clone(&outward);
    let Shore { put, take, leave } = shore;
    thread::Builder::new().name("bridge out".into()).spawn(move || carry_out(&outward, put))?;
    thread::Builder::new().name("bridge in".into()).spawn(move || {
        carry_in(&inward, take);
        let _ = inward.shutdown(Shutdown::Both);
        leave();
    })?;
    Link::socket(near)
}

fn carry_out(mut from: &Socket, mut put: impl FnMut(Option<&[u8]>) -> io::Result<()>) {
    let mut buffer = vec![0; BUFFER];
    while let Some(length) = from.read(&mut buffer).ok().filter(|length| *length > 0) {
        if put(Some(&buffer[..length])).is_err() {
            // Nobody will ever take what the client writes: it is to know.
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = put(None);
}

fn carry_in(mut to: &Socket, mut take: impl FnMut(&mut [u8]) -> io::Result<Option<usize>>) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(Some(length)) = take(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
