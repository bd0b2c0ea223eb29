//! Memory that client and server share, met at a Unix socket. What is unlike is how one waits for the other: asleep by
//! a futex or an eventfd, or looking again and again. See the head of `src/bin/echo-shm/main.rs`.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use socket2::{Domain, Socket, Type};

use super::bridge::{Shore, bridge};
use super::{
    Capabilities, Channel, Dial, Link, Opening, Reserved, Room, Shows, Transport, Waiting, connect_within,
    unix,
};
use crate::sys::{self, RING_SIZE, RingReader, RingWriter};

pub(super) const FUTEX: Transport = Transport {
    name: "shm-futex",
    says: "a ring in shared memory for each direction, woken by a futex",
    offers: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::AT_ONCE)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}", "{path}"],
    reserve,
    dial,
    open: open_asleep,
    inherited: None,
    shows: Shows::Unix,
};

pub(super) const EVENTFD: Transport =
    Transport { name: "shm-eventfd", says: "the same, woken by an eventfd (or a pipe)", ..FUTEX };

pub(super) const SPIN: Transport = Transport {
    name: "shm-spin",
    says: "the same, with a server that never sleeps",
    dial: dial_awake,
    open: open_awake,
    ..FUTEX
};

fn reserve(scratch: &std::path::Path) -> io::Result<Reserved> {
    unix::reserve(scratch)
}

fn dial(dial: &Dial<'_>) -> io::Result<Link> {
    link(dial, Waiting::Blocks)
}

fn dial_awake(dial: &Dial<'_>) -> io::Result<Link> {
    link(dial, Waiting::Yields)
}

/// The socket that stands beside the memory ends with whichever side ends first.
fn link(dial: &Dial<'_>, waiting: Waiting) -> io::Result<Link> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    connect_within(&socket, &unix::name(dial.address.expect_path()?)?, dial.limit)?;
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(dial.limit))?;
    let passed = sys::receive_descriptors(socket.as_fd())?;
    socket.set_read_timeout(None)?;
    let (mut writer, mut reader, server) = sys::map_rings(passed)?;
    let socket = Arc::new(socket);
    let watched = Arc::clone(&socket);
    thread::Builder::new().name("shm watch".into()).spawn(move || {
        let _ = (&*watched).read(&mut [0]);
        server.hang_up();
    })?;
    let pause = move || (waiting != Waiting::Blocks).then_some(move || waiting.pause());
    bridge(
        Type::STREAM,
        Shore {
            put: move |bytes: Option<&[u8]>| match bytes {
                Some(bytes) => writer.send(bytes, pause()),
                None => {
                    writer.end();
                    Ok(())
                }
            },
            take: move |buffer: &mut [u8]| {
                Ok(Some(reader.receive(buffer, pause())?).filter(|taken| *taken > 0))
            },
            leave: move || drop(socket.shutdown(Shutdown::Both)),
        },
    )
}

struct ShmChannel {
    writer: RingWriter,
    reader: RingReader,
    waiting: Waiting,
    room: Room,
    /// Its end tells the server that we have gone.
    _socket: UnixStream,
}

fn open_asleep(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let waiting = opening.waiting;
    open(&opening, waiting)
}

/// A server that never sleeps wakes nobody.
fn open_awake(opening: Opening<'_>) -> io::Result<Box<dyn Channel>> {
    let waiting = if opening.waiting == Waiting::Blocks { Waiting::Yields } else { opening.waiting };
    open(&opening, waiting)
}

fn open(opening: &Opening<'_>, waiting: Waiting) -> io::Result<Box<dyn Channel>> {
    let socket = UnixStream::connect(opening.address.expect_path()?)?;
    let (writer, reader, _) = sys::map_rings(sys::receive_descriptors(socket.as_fd())?)?;
    Ok(Box::new(ShmChannel { writer, reader, waiting, room: Room::exactly(RING_SIZE), _socket: socket }))
}

impl ShmChannel {
    #[inline]
    fn pause(&self) -> Option<impl Fn() + use<>> {
        let waiting = self.waiting;
        (waiting != Waiting::Blocks).then_some(move || waiting.pause())
    }
}

impl Channel for ShmChannel {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let pause = self.pause();
        self.writer.send(bytes, pause)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let pause = self.pause();
        self.reader.receive(buffer, pause)
    }

    fn window(&self) -> usize {
        self.room.bytes()
    }

    fn under_way(&self, size: usize) -> usize {
        self.room.messages(size)
    }
}
