//! The steps about several clients: one after another, at once, slow, and failing.

use super::{Step, task, task_without_limits};

/// The hint for a learner whose server does not serve many clients at once.
const MANY_CLIENTS: &str = "Is a second client answered while the first is still connected? If not: in which call does \
                            the server wait meanwhile? If it is: what do the clients share, such as a buffer, a \
                            variable, or a table with a fixed size?";

pub(super) const STEPS: &[Step] = &[
    Step {
        title: "take a socket from your launcher",
        idea: "A launcher may open the socket itself and pass it on, because descriptors survive fork and exec.",
        demo: "activation",
        tasks: &[
            task(
                "fd/serves-passed-listener",
                "The listening socket is descriptor 3, and LISTEN_FDS says how many there are. Does the server accept on \
                 that one, and again after its first client?",
            ),
            task(
                "fd/serves-passed-connection",
                "The client is connected already: it is standard input and standard output. Is there anything left to \
                 accept?",
            ),
        ],
    },
    Step {
        title: "serve the next client",
        idea: "A server outlives its clients: when one has gone, the server accepts the next.",
        demo: "many-clients",
        tasks: &[task(
            "life/serves-next-client",
            "What does the server do when its client has gone? Is accept called again, and is the listening socket still \
             open then?",
        )],
    },
    Step {
        title: "survive clients that fail",
        idea: "A client can vanish at any moment; then a read or a write fails, which ends that conversation and not the \
               server.",
        demo: "reset",
        tasks: &[
            task(
                "life/survives-reset",
                "Read fails with ECONNRESET, and write with EPIPE; a write can also raise SIGPIPE, whose default action ends \
                 the process. Which of these ends the whole server instead of one conversation?",
            ),
            task(
                "life/survives-reset-before-accept",
                "The client has gone before accept returned. Which call on the new connection fails, and what is done then?",
            ),
            task(
                "life/survives-vanished-client",
                "The answer cannot be delivered, and a later call reports that. Is that error taken for an error of the \
                 server?",
            ),
        ],
    },
    Step {
        title: "serve two clients at once",
        idea: "While a server waits for one client in read, it cannot serve another, unless it has a process or a thread for \
               each, or asks the kernel which client has something to say.",
        demo: "many-clients",
        tasks: &[
            task(
                "load/mute-client-blocks-none",
                "One client is connected and silent. In which call does the server wait meanwhile, and who accepts the \
                 other client?",
            ),
            task(
                "load/half-request-blocks-none",
                "One client has sent half a request. In which call does the server wait for the rest, and who reads the \
                 requests of others meanwhile?",
            ),
            task(
                "reply/while-others-leave",
                "A client leaves. Which places of the table of clients change then, and does everything that belongs to a \
                 client move with it?",
            ),
            task_without_limits("port/many-clients", MANY_CLIENTS),
            task_without_limits("path/many-clients", MANY_CLIENTS),
            task_without_limits("reply/one-of-many", MANY_CLIENTS),
        ],
    },
    Step {
        title: "answer after half-close",
        idea: "A client may end its own direction and still read: the end of its bytes is not the end of the connection.",
        demo: "half-close",
        tasks: &[
            task(
                "echo/half-close",
                "End of file can follow the last bytes at once. What happens to bytes that were read and not yet written \
                 when read returns 0? Is the connection closed before, or after, they are sent?",
            ),
            task(
                "reply/with-fin",
                "The request and the end of file arrive together. Is the request answered before the connection is closed?",
            ),
            task(
                "stdio/answers-before-eof",
                "The requests and the end of the input arrive together. Which answers are still missing when the process \
                 exits?",
            ),
            task(
                "fd/eof-arrives",
                "A connection ends when the last descriptor of it is closed. Which other process or variable still holds \
                 one while another client is connected?",
            ),
        ],
    },
    Step {
        title: "wait for slow readers",
        idea: "The kernel keeps only so many bytes for a client that does not read; then write waits, takes a part, or fails \
               with EAGAIN, and the server must keep the rest.",
        demo: "pipe",
        tasks: &[
            task(
                "echo/slow-reader",
                "Write returns how many bytes it took. Is that number used? What happens to the bytes that it did not take?",
            ),
            task(
                "echo/full-duplex",
                "Reading and writing go on at the same time. Can both sides wait for each other to read? Does a counter \
                 overflow?",
            ),
            task(
                "load/slow-client-blocks-none",
                "One client reads nothing. In which call does the server wait for it, and who serves the others?",
            ),
            task(
                "load/no-cross-talk",
                "Where are the bytes kept that one client does not take? Is that place used for other clients too?",
            ),
            task(
                "load/full-queue-blocks-none",
                "The queue of one client is full. Does the send to it wait? Who answers the others meanwhile?",
            ),
        ],
    },
];
