//! How much a mechanism holds between its two ends before whoever sends must wait.

use std::io;
use std::os::fd::AsFd;

use socket2::Socket;

use super::Tuning;
use crate::payload::KIB;
use crate::sys;

/// What each direction of a conversation holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    bytes: usize,
    /// What a message takes up beside its bytes.
    overhead: usize,
    /// What a message begins in, if it does not fit into what is left of the last one; 0 where there is no such thing.
    page: usize,
    /// How many messages there can be at most.
    places: usize,
}

/// Of a socket buffer's header and the shortest allocation for its data (`SKB_TRUESIZE` of Linux, some 700 bytes).
const HEADER: usize = KIB;

impl Room {
    /// Of a pipe: a message that does not fit into what is left of the last page begins a new one (pipe(7)).
    pub fn of_pipe(end: impl AsFd) -> io::Result<Room> {
        let bytes = sys::pipe_capacity(end.as_fd())?;
        Ok(Room { bytes, overhead: 0, page: 4 * KIB, places: usize::MAX })
    }

    /// The same where nothing is copied: each page of memory that a message touches takes up a page of the pipe.
    pub fn of_lent_pages(end: impl AsFd) -> io::Result<Room> {
        let room = Room::of_pipe(end)?;
        Ok(Room { overhead: 2 * room.page, page: 0, ..room })
    }

    /// Of a socket before it is connected, which stands for the server's as well: unless tuned, both have what the
    /// system gives. Each message counts against the sender's buffer with its header (socket(7)).
    pub fn of_socket(socket: &Socket, tuning: &Tuning) -> io::Result<Room> {
        let default = socket.send_buffer_size()?;
        let bytes = tuning.socket_buffer.map_or(default, |bytes| bytes.min(default));
        Ok(Room::of(bytes))
    }

    /// Of `bytes`, of which each message takes up a socket buffer's header.
    pub fn of(bytes: usize) -> Room {
        Room { bytes, overhead: HEADER, page: 0, places: usize::MAX }
    }

    /// Of `bytes`, of which nothing but a message's own are taken up.
    pub fn exactly(bytes: usize) -> Room {
        Room { bytes, overhead: 0, page: 0, places: usize::MAX }
    }

    /// The same of UDP datagrams, of which what finds no room is lost. Each lies in memory of the next power of two; and
    /// Linux gives room back only once a quarter of the buffer has been read (`udp_rmem_release`).
    pub fn of_datagrams(self) -> Room {
        Room { bytes: self.bytes / 2 / 4 * 3, ..self }
    }

    /// The same with at most so many messages in it.
    pub fn with_places(self, places: usize) -> Room {
        Room { places, ..self }
    }

    /// What large pieces fill.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many messages of `size` bytes fit, or one.
    pub fn messages(&self, size: usize) -> usize {
        let fit = if self.page == 0 {
            self.bytes / (size + self.overhead).max(1)
        } else if size <= self.page {
            self.bytes / self.page * (self.page / size.max(1))
        } else {
            self.bytes / size.next_multiple_of(self.page)
        };
        fit.clamp(1, self.places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_messages_share_a_page_of_a_pipe_and_larger_ones_begin_their_own() {
        let pipe = Room { bytes: 64 * KIB, overhead: 0, page: 4 * KIB, places: usize::MAX };
        assert_eq!(pipe.messages(64), 1024);
        assert_eq!(pipe.messages(3000), 16);
        assert_eq!(pipe.messages(5000), 8);
        assert_eq!(pipe.messages(1024 * KIB), 1);
    }

    #[test]
    fn a_message_that_is_lent_may_begin_and_end_amid_a_page() {
        let pipe = Room { bytes: 64 * KIB, overhead: 8 * KIB, page: 0, places: usize::MAX };
        assert_eq!(pipe.messages(2), 7);
        assert_eq!(pipe.messages(8 * KIB), 4);
        assert_eq!(pipe.messages(64 * KIB), 1);
    }

    /// Of Linux 6: what a datagram counts for is its `sk_buff`, 256 bytes, and the memory of its data, headers and
    /// `skb_shared_info`, 362 bytes more.
    #[test]
    fn datagrams_of_any_size_are_fewer_than_the_kernel_drops() {
        let buffer = 208 * KIB;
        for size in (1..16 * KIB).chain([65_507]) {
            let counts = (size + 362).next_power_of_two() + 256;
            let fit = Room::of(buffer).of_datagrams().messages(size);
            assert!(fit == 1 || fit * counts <= buffer / 4 * 3, "{fit} of {size} bytes");
        }
    }

    #[test]
    fn each_message_in_a_socket_takes_up_its_header_too() {
        assert_eq!(Room::of(200 * KIB).messages(0), 200);
        assert_eq!(Room::of(200 * KIB).messages(63 * KIB), 3);
        assert_eq!(Room::of(200 * KIB).with_places(10).messages(1), 10);
    }
}
