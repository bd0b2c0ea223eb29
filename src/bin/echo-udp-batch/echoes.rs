//! Echoes to send. Several of one length to one client are one message, which the kernel divides again (UDP_SEGMENT).

use std::io::IoSlice;
use std::net::UdpSocket;
use std::ops::Range;
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};

use crate::batch::BATCH;

/// The most datagrams that Linux takes as one message, and the most bytes.
const MOST_SEGMENTS: usize = 64;
const MOST_BYTES: usize = 65_507;

pub struct Echoes<'b> {
    /// Whether the kernel can divide messages.
    joins: bool,
    parts: Vec<IoSlice<'b>>,
    messages: Vec<Message>,
}

/// One datagram, or several to one client.
struct Message {
    parts: Range<usize>,
    client: SockaddrStorage,
    length: usize,
    /// The length of each datagram but the last, which may be shorter.
    segment: usize,
}

impl<'b> Echoes<'b> {
    pub fn new(joins: bool) -> Echoes<'b> {
        Echoes { joins, parts: Vec::with_capacity(BATCH), messages: Vec::with_capacity(BATCH) }
    }

    /// Adds datagrams of `segment` bytes each to `client`. The last may be shorter.
    pub fn add(&mut self, bytes: &'b [u8], segment: usize, client: SockaddrStorage) {
        let at = self.parts.len();
        self.parts.push(IoSlice::new(bytes));
        let message = Message { parts: at..at + 1, client, length: bytes.len(), segment };
        match self.messages.last_mut().filter(|last| self.joins && last.can_take(&message)) {
            Some(last) => {
                last.length += message.length;
                last.parts.end += 1;
            }
            None => self.messages.push(message),
        }
    }

    /// Returns the datagrams of a message as messages of their own.
    fn apart(&'b self, message: &Message) -> Echoes<'b> {
        let mut echoes = Echoes::new(false);
        for bytes in self.parts[message.parts.clone()].iter().flat_map(|part| part.chunks(message.segment)) {
            echoes.add(bytes, message.segment, message.client);
        }
        echoes
    }
}

impl Message {
    fn can_take(&self, next: &Message) -> bool {
        let length = self.length + next.length;
        self.segment == next.segment
            && self.client == next.client
            && self.segment > 0
            && self.length.is_multiple_of(self.segment)
            && length <= MOST_BYTES.min(MOST_SEGMENTS * self.segment)
    }

    /// Returns the length at which the kernel divides the message.
    fn division(&self) -> Option<u16> {
        u16::try_from(self.segment).ok().filter(|_| self.length > self.segment)
    }
}

pub struct Sender<'s> {
    socket: &'s UdpSocket,
    /// Without and with room for a control message.
    headers: [MultiHeaders<SockaddrStorage>; 2],
}

impl Sender<'_> {
    pub fn new(socket: &UdpSocket) -> Sender<'_> {
        let divided = MultiHeaders::preallocate(BATCH, Some(cmsg_space!(u16)));
        Sender { socket, headers: [MultiHeaders::preallocate(BATCH, None), divided] }
    }

    pub fn send(&mut self, echoes: &Echoes) {
        for run in echoes.messages.chunk_by(|one, next| one.division() == next.division()) {
            self.send_alike(echoes, run);
        }
    }

    /// Sends messages that are divided at the same length, or not at all.
    fn send_alike(&mut self, echoes: &Echoes, messages: &[Message]) {
        let division = messages[0].division();
        let control: Vec<_> = division.iter().map(ControlMessage::UdpGsoSegments).collect();
        let parts: Vec<_> = messages.iter().map(|it| &echoes.parts[it.parts.clone()]).collect();
        let clients: Vec<_> = messages.iter().map(|it| Some(it.client)).collect();
        let (socket, flags) = (self.socket.as_raw_fd(), MsgFlags::empty());
        let mut done = 0;
        while done < messages.len() {
            let headers = &mut self.headers[control.len()];
            done += match sendmmsg(socket, headers, &parts[done..], &clients[done..], &control, flags) {
                Ok(sent) => sent.count(),
                Err(Errno::EINTR) => 0,
                // The first message cannot be sent, or not as one: a datagram that is larger than the route's MTU cannot be
                // part of a divided message. Undivided, an echo that cannot be sent is lost. The others go on.
                Err(_) => {
                    let message = &messages[done];
                    if division.is_some() {
                        self.send(&echoes.apart(message));
                    }
                    1
                }
            };
        }
    }
}
