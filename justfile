# Short names for what one does every day. `just --list` shows them.

# every server against every check
test-all:
    cargo xtask test-all

# what must hold before a change lands
ci:
    cargo xtask ci

# a process's descriptors: the lowest free number, and what it refers to
demo-fds *ARGS:
    cargo run --quiet -- demo fds {{ ARGS }}

# `command > a.txt`: only descriptor 1 changes
demo-redirect *ARGS:
    cargo run --quiet -- demo redirect {{ ARGS }}

# two programs, one pipe: A's descriptor 1 is B's descriptor 0
demo-pipe *ARGS:
    cargo run --quiet -- demo pipe {{ ARGS }}

# a child inherits descriptors, and two pipes join it to its parent
demo-fork *ARGS:
    cargo run --quiet -- demo fork {{ ARGS }}

# every system call of a TCP conversation, on both sides
demo-socket *ARGS:
    cargo run --quiet -- demo socket {{ ARGS }}

# a server that speaks first, and two who wait for each other
demo-greeting *ARGS:
    cargo run --quiet -- demo greeting {{ ARGS }}

# one server port, many connections: four-tuples, and who serves which
demo-many-clients *ARGS:
    cargo run --quiet -- demo many-clients {{ ARGS }}

# a FIN ends one direction, while data flows in the other
demo-half-close *ARGS:
    cargo run --quiet -- demo half-close {{ ARGS }}

# closing with unread data sends RST, and data is lost
demo-reset *ARGS:
    cargo run --quiet -- demo reset {{ ARGS }}

# who closes first remembers; a restart with and without SO_REUSEADDR
demo-time-wait *ARGS:
    cargo run --quiet -- demo time-wait {{ ARGS }}

# datagrams: no connection, boundaries, and what a buffer does to them
demo-udp *ARGS:
    cargo run --quiet -- demo udp {{ ARGS }}

# a path instead of a port, peer credentials, a descriptor that travels
demo-unix *ARGS:
    cargo run --quiet -- demo unix {{ ARGS }}

# a listening socket passed as fd 3, and a restart that loses nobody
demo-activation *ARGS:
    cargo run --quiet -- demo activation {{ ARGS }}

# the very same read/write loop over a pipe, a Unix socket, TCP and a file
demo-everything-is-a-file *ARGS:
    cargo run --quiet -- demo everything-is-a-file {{ ARGS }}
