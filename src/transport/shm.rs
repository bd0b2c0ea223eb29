//! Shared memory, passed over a Unix socket: a ring of bytes for each direction. The three transports differ in how
//! a side waits for the other: asleep in a futex, asleep on an eventfd, or spinning. See the head of
//! `src/bin/echo-shm/main.rs`.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use socket2::{Domain, Socket, Type};

use super::relay::{RelayCalls, relay};
use super::{
    Capabilities, Capacity, Channel, ChannelRequest, ClientWaitMode, ConnectRequest, Link, Readiness,
    Transport, connect_within, unix,
};
use crate::sys::{self, RING_SIZE, RingReader, RingWriter};

pub(super) const FUTEX: Transport = Transport {
    name: "shm-futex",
    summary: "a ring in shared memory for each direction, woken by a futex",
    capabilities: Capabilities::STREAM
        .union(Capabilities::HALF_CLOSE)
        .union(Capabilities::MANY_CLIENTS)
        .union(Capabilities::CONCURRENT_CLIENTS)
        .union(Capabilities::BINDS),
    placeholders: &["{addr}", "{path}"],
    reserve: unix::reserve,
    connect: connect_sleeping,
    open_channel: open_sleeping,
    inherited: None,
    readiness: Readiness::UnixSocket,
};

pub(super) const EVENTFD: Transport =
    Transport { name: "shm-eventfd", summary: "the same, woken by an eventfd (or a pipe)", ..FUTEX };

pub(super) const SPIN: Transport = Transport {
    name: "shm-spin",
    summary: "the same, with a server that never sleeps",
    connect: connect_spinning,
    open_channel: open_spinning,
    ..FUTEX
};

fn connect_sleeping(request: &ConnectRequest<'_>) -> io::Result<Link> {
    connect(request, ClientWaitMode::Block)
}

fn connect_spinning(request: &ConnectRequest<'_>) -> io::Result<Link> {
    connect(request, ClientWaitMode::Yield)
}

/// Connects a client to a shared-memory server through a socket. Each side closes the socket when it ends, which wakes
/// the other side.
fn connect(request: &ConnectRequest<'_>, wait_mode: ClientWaitMode) -> io::Result<Link> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    connect_within(&socket, &unix::socket_address(request.address.expect_path()?)?, request.timeout)?;
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(request.timeout))?;
    let passed = sys::receive_descriptors(socket.as_fd())?;
    socket.set_read_timeout(None)?;
    let (mut writer, mut reader, server) = sys::map_rings(passed)?;
    let socket = Arc::new(socket);
    let watched = Arc::clone(&socket);
    thread::Builder::new().name("shm watch".into()).spawn(move || {
        let _ = (&*watched).read(&mut [0]);
        server.hang_up();
    })?;
    let pause = move || (wait_mode != ClientWaitMode::Block).then_some(move || wait_mode.pause());
    relay(
        Type::STREAM,
        RelayCalls {
            send: move |bytes: Option<&[u8]>| match bytes {
                Some(bytes) => writer.send(bytes, pause()),
                None => {
                    writer.end();
                    Ok(())
                }
            },
            receive: move |buffer: &mut [u8]| {
                Ok(Some(reader.receive(buffer, pause())?).filter(|length| *length > 0))
            },
            close: move || drop(socket.shutdown(Shutdown::Both)),
        },
    )
}

struct ShmChannel {
    writer: RingWriter,
    reader: RingReader,
    wait_mode: ClientWaitMode,
    capacity: Capacity,
    /// The socket whose end of file tells the server that the client has ended.
    _socket: UnixStream,
}

fn open_sleeping(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let wait_mode = request.wait_mode;
    open(&request, wait_mode)
}

/// Opens a shared-memory channel whose client never sleeps. A server that never sleeps never wakes its client, so the
/// client must not sleep.
fn open_spinning(request: ChannelRequest<'_>) -> io::Result<Box<dyn Channel>> {
    let wait_mode =
        if request.wait_mode == ClientWaitMode::Block { ClientWaitMode::Yield } else { request.wait_mode };
    open(&request, wait_mode)
}

fn open(request: &ChannelRequest<'_>, wait_mode: ClientWaitMode) -> io::Result<Box<dyn Channel>> {
    let socket = UnixStream::connect(request.address.expect_path()?)?;
    let (writer, reader, _) = sys::map_rings(sys::receive_descriptors(socket.as_fd())?)?;
    let capacity = Capacity::of_bytes(RING_SIZE);
    Ok(Box::new(ShmChannel { writer, reader, wait_mode, capacity, _socket: socket }))
}

impl ShmChannel {
    #[inline]
    fn pause(&self) -> Option<impl Fn() + use<>> {
        let wait_mode = self.wait_mode;
        (wait_mode != ClientWaitMode::Block).then_some(move || wait_mode.pause())
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
        self.capacity.bytes()
    }

    fn max_in_flight(&self, size: usize) -> usize {
        self.capacity.messages(size)
    }
}
