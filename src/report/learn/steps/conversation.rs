//! The steps about one client: answers, bytes, messages, and the end of a conversation.

use super::{Step, task};

pub(super) const STEPS: &[Step] = &[
    Step {
        title: "answer one client",
        idea: "A server accepts a client (if there are connections), reads what has arrived, and writes the answer at once.",
        demo: "socket",
        tasks: &[
            task(
                "echo/one-byte",
                "Count the system calls for one byte: accept (if there are connections), read, write. Which of them does \
                 the server not reach? A call that waits for a line, for a full buffer or for the end of the input does \
                 not return for one byte. Output that is collected in a buffer is sent when the buffer is flushed.",
            ),
            task(
                "echo/message-sizes",
                "How long is the buffer into which the server receives? A longer message is cut, and the rest is lost. \
                 Does the answer have the length that was received, or the length of the buffer?",
            ),
        ],
    },
    Step {
        title: "treat bytes as bytes",
        idea: "A server that echoes does not look at the bytes: a zero, a newline or the letters `quit` are like any other.",
        demo: "everything-is-a-file",
        tasks: &[
            task(
                "echo/all-bytes",
                "Find the first byte that comes back wrong. What is special about it: is it zero, above 127, a carriage \
                 return? Is there a text type, a string function or a conversion between read and write?",
            ),
            task(
                "echo/control-words",
                "The server reacts to something that it has read. Which comparison, in the program or in a library, looks \
                 at the content?",
            ),
        ],
    },
    Step {
        title: "say nothing that was not asked",
        idea: "A client takes every byte that it receives for the answer, so a greeting, a prompt or a log line in between \
               is a wrong answer.",
        demo: "greeting",
        tasks: &[
            task(
                "echo/nothing-unasked",
                "Search the program for everything that is written before the first read. Where does its log go? If the \
                 connection is descriptor 1 or 2, each print goes to the client.",
            ),
            task(
                "reply/nothing-unasked",
                "Search the program for everything that is written before the request was read, and for a reply that is \
                 written twice. Where does its log go?",
            ),
            task(
                "stdio/protocol-only",
                "Standard output belongs to the protocol. Where do the program, and the libraries that it uses, write \
                 their log?",
            ),
        ],
    },
    Step {
        title: "keep the conversation going",
        idea: "After an answer the server reads again; only its client decides when the conversation is over.",
        demo: "socket",
        tasks: &[task(
            "echo/ping-pong",
            "What does the server do after its first write? Follow the program from there. Which condition leaves the loop?",
        )],
    },
    Step {
        title: "expect any number of bytes",
        idea: "A stream has no messages: one read returns any number of the bytes that have arrived, and one write may take \
               only some of them.",
        demo: "pipe",
        tasks: &[
            task(
                "echo/byte-by-byte",
                "The bytes arrive one at a time, and each must be answered. Does the server wait until it has several? Is a \
                 buffer flushed after each answer?",
            ),
            task(
                "echo/buffer-boundaries",
                "Compare the size at which it fails with the size of the server's buffer. What happens if one read fills \
                 the buffer completely? Is one byte kept for a terminating zero?",
            ),
            task(
                "echo/long-line",
                "Which function reads? One that reads a line has a longest line. What does the server do with a line that \
                 is longer?",
            ),
            task(
                "reply/byte-by-byte",
                "One read may return half a request. Where does the server keep that half until the rest arrives?",
            ),
            task(
                "reply/cut-anywhere",
                "The request arrives in two pieces. Where was it cut when the answer was wrong? What does the server \
                 remember between two reads?",
            ),
            task(
                "reply/together",
                "One read may return two requests. What does the server do with the bytes behind the first?",
            ),
        ],
    },
    Step {
        title: "take each message as a whole",
        idea: "A datagram is one message: it arrives as a whole or not at all, and one answer belongs to one message.",
        demo: "udp",
        tasks: &[
            task(
                "echo/message-boundaries",
                "Each receive returns one message, and each needs one send. Are messages joined, split, or compared with an \
                 earlier one?",
            ),
            task(
                "echo/empty-message",
                "Receiving 0 bytes is not the end here: an empty datagram is a message too. What does the server do when \
                 the length is 0?",
            ),
            task(
                "echo/large-messages",
                "How large can a message of this mechanism be, and how large is the buffer?",
            ),
            task(
                "echo/stale-tail",
                "The buffer still holds bytes of an earlier, longer message. Which length does the send use?",
            ),
            task(
                "echo/burst",
                "Several messages wait at once. Is one readiness event taken for one message?",
            ),
            task(
                "echo/reply-address",
                "From which socket is the answer sent? A client accepts an answer only from the address that it asked.",
            ),
        ],
    },
    Step {
        title: "notice that the client has finished",
        idea: "When a client has sent its last byte, read returns 0, which is called end of file; the server then closes, \
               and sends nothing more.",
        demo: "half-close",
        tasks: &[
            task(
                "echo/empty",
                "This client sends nothing at all. What does the server do if the very first read returns 0?",
            ),
            task(
                "echo/nothing-extra",
                "Look at the code behind the loop. What is written after the last read?",
            ),
            task(
                "fd/eof-ends-it",
                "Standard input has ended. Which branch handles a read that returns 0? Does a child or a thread keep the \
                 process or its standard output open?",
            ),
            task(
                "stdio/ends-at-eof",
                "Standard input has ended. Which branch handles a read that returns 0? Which process or thread still waits \
                 for something?",
            ),
            task(
                "stdio/ends-at-goodbye",
                "The protocol has a request that says goodbye. What does the server do after it has answered that one?",
            ),
        ],
    },
];
