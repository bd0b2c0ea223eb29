//! Explanations of the terms that a learner's report uses.

/// A term, the texts by which it is recognised, and its meaning.
struct Word {
    term: &'static str,
    texts: &'static [&'static str],
    meaning: &'static str,
}

const fn word(term: &'static str, texts: &'static [&'static str], meaning: &'static str) -> Word {
    Word { term, texts, meaning }
}

const WORDS: &[Word] = &[
    word(
        "end of file",
        &["end of file"],
        "read(2) returns 0: the other side has closed, or has ended its direction",
    ),
    word(
        "descriptor",
        &["descriptor", "close-on-exec"],
        "the small number by which a process names an open file, pipe or socket",
    ),
    word(
        "listening socket",
        &["listen"],
        "the socket on which new clients arrive; accept(2) returns one of them",
    ),
    word(
        "half-close",
        &["half-close", "shuts down its write side", "shut down the write side"],
        "shutdown(2) with SHUT_WR ends one direction of a connection; the other still works",
    ),
    word("FIN", &["FIN"], "the TCP packet that says: this side sends no more bytes"),
    word(
        "reset",
        &["reset", "RST", "ECONNRESET"],
        "the end of a TCP connection without good-bye: bytes on the way are lost, and calls fail with ECONNRESET",
    ),
    word(
        "TIME_WAIT",
        &["TIME_WAIT"],
        "a closed TCP connection is remembered for a minute by the side that closed first",
    ),
    word("datagram", &["datagram"], "a message that is sent as a whole, without a connection"),
    word("SIGTERM", &["SIGTERM"], "the signal by which a process is asked to end; kill(1) sends it"),
    word("SIGPIPE", &["SIGPIPE"], "the signal at a write to a pipe or socket that no process reads any more"),
    word("SIGCHLD", &["SIGCHLD"], "the signal that tells a parent that a child has ended"),
    word("zombie", &["zombie"], "a process that has ended, and for which its parent has not waited"),
    word("orphan", &["orphan"], "a process whose parent has ended"),
    word("newline", &["newline"], "the byte 10, `\\n`, at which a line ends"),
    word("blocked in …accept", &["_accept"], "a thread waits in accept(2) for the next client"),
    word("blocked in …pipe_read", &["pipe_read"], "a thread waits in read(2) for bytes from a pipe"),
    word(
        "blocked in …pipe_write",
        &["pipe_write"],
        "a thread waits in write(2) until the other side reads from a pipe that is full",
    ),
    word(
        "blocked in …recv, wait_woken, …",
        &[
            "wait_woken",
            "sk_wait_data",
            "skb_wait_for_more_packets",
            "unix_stream_read",
            "unix_stream_data_wait",
        ],
        "a thread waits in read(2) or recv(2) for bytes from a socket",
    ),
    word(
        "blocked in …stream_wait_memory",
        &["stream_wait_memory", "sock_alloc_send_pskb"],
        "a thread waits in write(2) or send(2) until the client reads",
    ),
    word(
        "blocked in …poll, …select",
        &["do_poll", "do_sys_poll", "do_select", "ep_poll", "poll_schedule_timeout", "epoll_wait"],
        "a thread waits until one of several descriptors is ready: poll(2), select(2), epoll(7)",
    ),
    word("blocked in …nanosleep", &["nanosleep"], "a thread sleeps for a fixed time"),
    word(
        "blocked in futex_…",
        &["futex_"],
        "a thread waits for another: a lock, a condition, the end of a thread",
    ),
    word("blocked in do_wait", &["do_wait"], "the process waits in wait(2) for a child to end"),
];

/// Returns the terms that `text` uses, each with its meaning.
pub(super) fn words_in(text: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_used = |word: &&Word| word.texts.iter().any(|it| text.contains(it));
    let used: Vec<_> = WORDS.iter().filter(is_used).map(|word| (word.term, word.meaning)).collect();
    used.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_terms_of_a_text() {
        let terms = |text| words_in(text).map(|(term, _)| term).collect::<Vec<_>>();
        assert_eq!(terms("the server resets"), ["reset"]);
        assert_eq!(terms("7 (a) is blocked in inet_csk_accept"), ["blocked in …accept"]);
        assert!(terms("one byte").is_empty());
    }
}
