# Short names for common commands. `just --list` shows them.

# run every check on every bundled server
test-all:
    cargo xtask test-all

# run everything that must pass before a change lands
ci:
    cargo xtask ci

# descriptors 0, 1 and 2, one table per process, the lowest free number
demo-fds *ARGS:
    cargo run --quiet -- demo fds {{ ARGS }}

# `command > a.txt`: one descriptor changes, the command does not notice
demo-redirect *ARGS:
    cargo run --quiet -- demo redirect {{ ARGS }}

# `A | B > file`: one pipe, two processes; empty, full, closed at each end
demo-pipe *ARGS:
    cargo run --quiet -- demo pipe {{ ARGS }}

# parent and child: what fork copies, what both share, what exec closes
demo-fork *ARGS:
    cargo run --quiet -- demo fork {{ ARGS }}

# every system call of a TCP conversation, on both sides
demo-socket *ARGS:
    cargo run --quiet -- demo socket {{ ARGS }}

# a server that sends first, and two sides that wait for each other
demo-greeting *ARGS:
    cargo run --quiet -- demo greeting {{ ARGS }}

# one server port, many connections, and who serves which
demo-many-clients *ARGS:
    cargo run --quiet -- demo many-clients {{ ARGS }}

# a FIN ends one direction, while data flows in the other
demo-half-close *ARGS:
    cargo run --quiet -- demo half-close {{ ARGS }}

# closing with unread data sends RST, not FIN, and data is lost
demo-reset *ARGS:
    cargo run --quiet -- demo reset {{ ARGS }}

# TIME_WAIT after close; a restart with and without SO_REUSEADDR
demo-time-wait *ARGS:
    cargo run --quiet -- demo time-wait {{ ARGS }}

# no connection, message boundaries, a buffer too small and one reused
demo-udp *ARGS:
    cargo run --quiet -- demo udp {{ ARGS }}

# a path instead of a port, the peer's user, and a passed descriptor
demo-unix *ARGS:
    cargo run --quiet -- demo unix {{ ARGS }}

# a listening socket passed as fd 3; a restart that loses no client
demo-activation *ARGS:
    cargo run --quiet -- demo activation {{ ARGS }}

# the same read/write loop on pipe, Unix socket, TCP, file
demo-everything-is-a-file *ARGS:
    cargo run --quiet -- demo everything-is-a-file {{ ARGS }}
