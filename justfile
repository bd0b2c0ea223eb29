# Short names for what one does every day. `just --list` shows them.

# every server against every check
test-all:
    cargo xtask test-all

# what must hold before a change lands
ci:
    cargo xtask ci

# two programs, one pipe: A's descriptor 1 is B's descriptor 0
demo-pipe *ARGS:
    cargo run --quiet -- demo pipe {{ ARGS }}

# a child inherits descriptors, and two pipes join it to its parent
demo-fork *ARGS:
    cargo run --quiet -- demo fork {{ ARGS }}

# a listening socket, the accepted one, four-tuples and TIME_WAIT
demo-tcp *ARGS:
    cargo run --quiet -- demo tcp {{ ARGS }}
