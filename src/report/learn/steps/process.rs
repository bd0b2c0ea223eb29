//! The steps about the process: idle time, descriptors, children, signals, and a restart.

use super::{Step, task};

pub(super) const STEPS: &[Step] = &[
    Step {
        title: "sleep while there is nothing to do",
        idea: "A server that waits for the kernel uses no processor time; one that asks again and again uses all of it.",
        demo: "many-clients",
        tasks: &[
            task(
                "load/idle",
                "Which call returns at once although there is nothing to do? A descriptor that has ended, and is still \
                 watched, is always ready.",
            ),
            task(
                "load/idle-while-stalled",
                "A socket that is watched for writing although there is nothing to write, or that cannot be written, wakes \
                 the server. Which descriptors are watched, and for which events?",
            ),
        ],
    },
    Step {
        title: "close what you have opened",
        idea: "Each connection is a descriptor, a process has a limited number of them, and only close gives one back.",
        demo: "fds",
        tasks: &[
            task(
                "fd/no-leak",
                "Follow one connection from accept to close on every path, also where an error leaves the function.",
            ),
            task(
                "fd/no-leak-after-resets",
                "Follow the path on which read or write fails. Where is that connection closed?",
            ),
            task(
                "fd/no-leak-of-peers",
                "Which descriptor does the server open for a peer, and when does it close that?",
            ),
        ],
    },
    Step {
        title: "know what a child inherits",
        idea: "After fork the child has a copy of every descriptor, and a parent must wait for each child that has ended.",
        demo: "fork",
        tasks: &[
            task(
                "fd/child-holds-no-listener",
                "After fork both processes hold all descriptors. Which of them does the child not need?",
            ),
            task(
                "fd/child-holds-no-sibling",
                "After fork both processes hold all descriptors. Which of them does the parent not need any more?",
            ),
            task(
                "life/no-zombies",
                "A child that has ended stays in the process table until its parent has waited for it. When does this \
                 server wait?",
            ),
            task(
                "load/no-thread-leak",
                "What is made for each client, and what makes it end when the client has gone?",
            ),
        ],
    },
    Step {
        title: "end when you are told to",
        idea: "A signal asks a process to end or to stop; the server ends in time, and takes its children with it.",
        demo: "fork",
        tasks: &[
            task(
                "life/ends-on-sigterm",
                "SIGTERM ends a process by default. What changes that here: a handler, a mask, a wait for clients that never \
                 ends?",
            ),
            task(
                "life/no-orphans",
                "The main process has ended. Which processes did it make, and who tells them?",
            ),
            task(
                "life/survives-stop-and-continue",
                "A system call that a signal interrupts may fail with EINTR. Is that taken for an error?",
            ),
            task(
                "stdio/ends-on-sigint",
                "SIGINT ends a process by default. What changes that here, and who tells the children?",
            ),
        ],
    },
    Step {
        title: "start again at the same address",
        idea: "The kernel keeps an address for a while after a server has gone, and a socket file even longer, so a server \
               has to say that it may take it over.",
        demo: "time-wait",
        tasks: &[
            task(
                "port/second-instance",
                "Two servers at one address share its clients by chance. Which option of the socket allows that?",
            ),
            task(
                "path/second-instance",
                "The socket file exists. How can the server find out whether a process still listens there, before it \
                 removes the file?",
            ),
            task(
                "port/restart-in-time-wait",
                "Old connections keep the port for a minute in the state TIME_WAIT. Which option, set before bind, says that \
                 a new listener may use it all the same? See socket(7).",
            ),
            task(
                "path/restart-after-crash",
                "The socket file of the killed server is still there, so bind fails with EADDRINUSE. What may the server do \
                 about a file at which no process listens?",
            ),
            task(
                "path/removed-at-exit",
                "Nothing but the server removes its socket file. On which paths does the program end, and which of them \
                 removes the file?",
            ),
        ],
    },
];
