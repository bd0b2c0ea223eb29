//! How much a mechanism holds between its two ends before a sender must wait.

use std::io;
use std::os::fd::AsFd;

use socket2::Socket;

use super::Tuning;
use crate::payload::KIB;
use crate::sys;

/// The capacity of each direction of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    bytes: usize,
    /// The number of bytes that each message takes up in the connection's buffers besides its content.
    overhead: usize,
    /// The size of a page in bytes, or 0 if the buffer has no pages. A message that does not fit into the rest of the
    /// last page begins a new one.
    page: usize,
    /// The maximum number of messages that one direction of the connection holds.
    slots: usize,
}

/// The number of bytes that a message takes up in a socket buffer besides its content: the header and the shortest
/// allocation for data, `SKB_TRUESIZE` of Linux, some 700 bytes.
const HEADER: usize = KIB;

impl Capacity {
    /// Returns the capacity of a pipe. A message that does not fit into the rest of the last page begins a new page
    /// (pipe(7)).
    pub fn of_pipe(end: impl AsFd) -> io::Result<Capacity> {
        let bytes = sys::pipe_capacity(end.as_fd())?;
        Ok(Capacity { page: 4 * KIB, ..Capacity::of_bytes(bytes) })
    }

    /// Returns the capacity of a pipe to which memory is lent by vmsplice(2): each page that a message touches takes up
    /// a page of the pipe.
    pub fn of_spliced_pipe(end: impl AsFd) -> io::Result<Capacity> {
        let capacity = Capacity::of_pipe(end)?;
        Ok(Capacity { overhead: 2 * capacity.page, page: 0, ..capacity })
    }

    /// Returns the capacity of a socket that is not yet connected. The server's socket is assumed to have the same
    /// capacity: unless tuned, both have the system's default. Each message and its header count against the send
    /// buffer (socket(7)).
    pub fn of_socket(socket: &Socket, tuning: &Tuning) -> io::Result<Capacity> {
        let default = socket.send_buffer_size()?;
        let bytes = tuning.socket_buffer.map_or(default, |bytes| bytes.min(default));
        Ok(Capacity::of_socket_buffer(bytes))
    }

    /// Returns the capacity of a socket buffer of `bytes`. Each message also takes up a header.
    pub fn of_socket_buffer(bytes: usize) -> Capacity {
        Capacity { overhead: HEADER, ..Capacity::of_bytes(bytes) }
    }

    /// Returns a capacity of `bytes`, in which messages have no overhead.
    pub fn of_bytes(bytes: usize) -> Capacity {
        Capacity { bytes, overhead: 0, page: 0, slots: usize::MAX }
    }

    /// Reduces the capacity for UDP, which loses datagrams that do not fit. The memory of a datagram is rounded up to a
    /// power of two, and Linux frees room only once a quarter of the buffer has been read (`udp_rmem_release`).
    pub fn for_udp(self) -> Capacity {
        Capacity { bytes: self.bytes / 2 / 4 * 3, ..self }
    }

    /// Limits the number of messages in one direction of the connection to `slots`.
    pub fn with_slots(self, slots: usize) -> Capacity {
        Capacity { slots, ..self }
    }

    /// Returns the number of bytes that one direction of the connection holds if they are sent in large pieces.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of messages of `size` bytes that one direction of the connection holds, at least one.
    pub fn messages(&self, size: usize) -> usize {
        let fit = if self.page == 0 {
            self.bytes / (size + self.overhead).max(1)
        } else if size <= self.page {
            self.bytes / self.page * (self.page / size.max(1))
        } else {
            self.bytes / size.next_multiple_of(self.page)
        };
        fit.clamp(1, self.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_messages_share_a_page_of_a_pipe() {
        let pipe = Capacity { bytes: 64 * KIB, overhead: 0, page: 4 * KIB, slots: usize::MAX };
        assert_eq!(pipe.messages(64), 1024);
        assert_eq!(pipe.messages(3000), 16);
        assert_eq!(pipe.messages(5000), 8);
        assert_eq!(pipe.messages(1024 * KIB), 1);
    }

    #[test]
    fn a_lent_message_touches_one_page_more() {
        let pipe = Capacity { bytes: 64 * KIB, overhead: 8 * KIB, page: 0, slots: usize::MAX };
        assert_eq!(pipe.messages(2), 7);
        assert_eq!(pipe.messages(8 * KIB), 4);
        assert_eq!(pipe.messages(64 * KIB), 1);
    }

    /// On Linux 6 a datagram takes up its `sk_buff`, 256 bytes, and the memory of its data, headers and
    /// `skb_shared_info`, 362 bytes more than the data.
    #[test]
    fn datagrams_in_flight_fit_into_the_receive_buffer() {
        let buffer = 208 * KIB;
        for size in (1..16 * KIB).chain([65_507]) {
            let memory = (size + 362).next_power_of_two() + 256;
            let fit = Capacity::of_socket_buffer(buffer).for_udp().messages(size);
            assert!(fit == 1 || fit * memory <= buffer / 4 * 3, "{fit} of {size} bytes");
        }
    }

    #[test]
    fn a_message_in_a_socket_has_a_header() {
        assert_eq!(Capacity::of_socket_buffer(200 * KIB).messages(0), 200);
        assert_eq!(Capacity::of_socket_buffer(200 * KIB).messages(63 * KIB), 3);
        assert_eq!(Capacity::of_socket_buffer(200 * KIB).with_slots(10).messages(1), 10);
    }
}
