//! Requests whose replies the client does not read, and what the kernel then holds for it.

use super::Client;
use super::connection::is_transient;
use crate::check::{self, Finding, OrFinding};
use crate::protocol::{Request, Turn};
use crate::sys::{self, TcpQueues, TcpState};

/// The bytes of a connection that the client has not read, and that the kernel holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unread {
    /// The number of bytes that the client's kernel has received and the client has not read.
    pub received: usize,
    /// The number of bytes that the server has sent and that the client's kernel has not acknowledged; `None` unless
    /// over TCP.
    pub unacknowledged: Option<usize>,
}

impl Unread {
    /// Returns the number of all bytes of the connection that the client has not read.
    pub fn total(self) -> usize {
        self.received + self.unacknowledged.unwrap_or(0)
    }
}

impl Client {
    /// Queues a request of `turn` and sends nothing yet. Its reply counts as the answer to `content`, even if the
    /// request does not carry the content.
    ///
    /// # Errors
    /// Broken if the protocol is echo.
    pub(crate) fn queue_request_of(&mut self, turn: &Turn, content: &[u8]) -> check::Result<Request> {
        self.note_special_request();
        Ok(self.dialogue()?.queue_request_of(turn, content))
    }

    /// Sends the requests that are queued, without reading. Returns false if the server takes nothing for a while
    /// before all are sent.
    ///
    /// # Errors
    /// A failure if the server ends the connection.
    pub(crate) fn send_without_reading(&mut self) -> check::Result<bool> {
        let mut silences = 0;
        // Without pipelining, a request waits for the reply to the one before.
        while !self.dialogue()?.codec.bytes_to_send().is_empty() {
            let ready = self.connection.poll(true, false, self.deadlines.quiet())?;
            // TCP's window probe may come late on a busy machine: one silence is not yet a stall.
            silences = if ready.writable { 0 } else { silences + 1 };
            match silences {
                0 => {}
                1 => self.await_reaction()?,
                _ => return Ok(false),
            }
            self.move_bytes(&[], ready)?;
        }
        Ok(self.is_all_sent(&[]))
    }

    /// Returns the bytes that the kernel holds because the client has not read them.
    ///
    /// # Errors
    /// Unsupported if the system does not show the server's end of a TCP connection.
    pub(crate) fn unread(&self) -> check::Result<Unread> {
        let waiting = rustix::io::ioctl_fionread(self.input_descriptor());
        let received = waiting.or_unsupported("the bytes that a client has not read")?;
        let unacknowledged = match self.ends() {
            Some((ours, server)) => {
                let queues = sys::tcp_queues(server, ours).or_unsupported("the server's send queue")?;
                Some(queues.unwrap_or_default().unacknowledged)
            }
            None => None,
        };
        Ok(Unread { received: usize::try_from(received).unwrap_or(usize::MAX), unacknowledged })
    }

    /// Returns how many bytes wait in the kernel's queues at the server's end of the TCP connection. `None` if the kernel
    /// has that end no more.
    ///
    /// # Errors
    /// Unsupported if the system does not show the queues.
    pub(crate) fn queues_at_server(&self) -> check::Result<Option<TcpQueues>> {
        let Some((ours, server)) = self.ends() else { return Ok(None) };
        sys::tcp_queues(server, ours).or_unsupported("the queues of the server's connection")
    }

    /// Whether the server's end of the connection is open, as far as the system shows that.
    #[must_use]
    pub(crate) fn is_open_at_server(&self) -> bool {
        let Some((ours, server)) = self.ends() else { return !self.is_hung_up() };
        let Ok(state) = sys::tcp_state(server, ours) else { return true };
        matches!(state, Some(TcpState::Established | TcpState::CloseWait))
    }

    /// Receives the replies to all requests of the client. Returns false if the connection ends before the last reply.
    ///
    /// # Errors
    /// A failure if a reply is wrong, a timeout if nothing more arrives.
    pub(crate) fn receive_all_replies(&mut self) -> check::Result<bool> {
        while self.dialogue()?.codec.count_unanswered() > 0 {
            let writing = !self.dialogue()?.codec.bytes_to_send().is_empty();
            let ready = self.poll_for_progress(writing, true, self.deadlines.no_progress())?;
            if !ready.readable && !ready.writable {
                let waited = self.deadlines.no_progress().as_secs_f64();
                let actual = format!("{}, then nothing for {waited} s", self.describe_traffic());
                return Err(Finding::timeout("the replies to all requests", actual)
                    .because((self.hang_diagnosis.0)()));
            }
            if ready.readable && !self.read_replies()? {
                return Ok(false);
            }
            if ready.writable && self.write_some(&[]).is_err() {
                // The server may close before it has read all requests. Its replies are still to be read.
                while self.read_replies()? {}
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Receives what has arrived of the replies, in one read. Returns false if the connection has ended.
    fn read_replies(&mut self) -> check::Result<bool> {
        match self.connection.read(&mut self.buffer) {
            Ok(piece) if piece.length == 0 => {
                self.ended = true;
                // The end may complete a reply.
                let dialogue = self.dialogue()?;
                Ok(dialogue.receive(&[]).is_ok() && dialogue.codec.count_unanswered() == 0)
            }
            Ok(piece) => {
                let bytes = &self.buffer[..piece.length];
                if let Some(dialogue) = &mut self.dialogue {
                    dialogue.receive(bytes)?;
                }
                Ok(true)
            }
            Err(error) if is_transient(&error) => Ok(true),
            Err(_) => Ok(false),
        }
    }

    /// Sets the size of the client's receive buffer in bytes, so that replies that were left unread arrive fast.
    ///
    /// # Errors
    /// Broken if the system refuses.
    pub(crate) fn enlarge_receive_buffer(&self, bytes: usize) -> check::Result {
        let socket = self.connection.link.as_socket();
        socket.map_or(Ok(()), |socket| socket.set_recv_buffer_size(bytes)).or_broken("a large receive buffer")
    }

    /// Makes the client keep the first `limit` bytes of each reply for [`take_replies`](Client::take_replies).
    pub(crate) fn keep_replies(&mut self, limit: usize) -> check::Result {
        self.dialogue()?.codec.keep_replies(limit);
        Ok(())
    }

    /// Returns the replies that the client kept, and forgets them.
    pub(crate) fn take_replies(&mut self) -> Vec<Vec<u8>> {
        self.dialogue.as_mut().map(|dialogue| std::mem::take(&mut dialogue.kept)).unwrap_or_default()
    }

    /// Returns the number of bytes that have arrived of a reply that is not complete.
    #[must_use]
    pub(crate) fn partial_reply(&self) -> usize {
        let partial = self.dialogue.as_ref().map_or(0, |dialogue| dialogue.codec.partial_reply_length());
        usize::try_from(partial).unwrap_or(usize::MAX)
    }

    /// Whether the server's kernel has received all requests of the client.
    #[must_use]
    pub(crate) fn has_sent_all(&self) -> bool {
        self.is_all_sent(&[]) && self.is_delivered()
    }

    fn is_hung_up(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let mut interest = [PollFd::new(self.input_descriptor(), PollFlags::empty())];
        let _ = poll(&mut interest, PollTimeout::ZERO);
        interest[0].revents().is_some_and(|events| events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR))
    }
}
