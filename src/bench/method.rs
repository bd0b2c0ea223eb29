//! How a comparison measures, for whoever wants to know before believing it.

/// The method in full.
pub const METHOD: &str = "\
Two processes. Each round launches a server and a client anew, puts both where the placement says, and measures one
task after the other. The client is this program again; it makes the same calls that a program in C would make.

Round trip. The next message is sent when the one before is back. The clock (CLOCK_MONOTONIC) is read before the send
and after the last byte, and what reading it costs is subtracted. Making and comparing messages happens between two
round trips, outside of them. A histogram of three significant digits keeps every time (HdrHistogram).

Throughput. As many messages are under way as the mechanism holds without blocking the server. The clock stops at the
last byte received, never at the last sent. Every byte is compared on arrival; where both sides share one processor,
the time for that is subtracted, elsewhere it is only stated. Bytes are counted once, though each crosses twice.

Connections. Connect, one message there and back, close; at most 1,000 in a row, for each leaves a port in TIME_WAIT.

Rates. Messages are due at fixed times (open loop). A time counts from the moment for which a message was intended, so
that waiting behind a slow one is counted too.

Bytes. A seeded stream without end, of which each message is the next piece: a lost, doubled, stale or foreign byte
differs from what is due. One wrong byte voids the figure, and its place is named. What a mechanism does not carry as
one message is not measured rather than split; a stream is sent in pieces where it does not hold a message as a whole.

Rounds. In each, every mechanism is measured once at every placement, in an order drawn anew, so that a machine that
drifts treats all alike. A session during which others used more than 5 % of its processors (work of other processes,
or time stolen by the hypervisor) is repeated while there is time, at most twice, and counted.

Figures. The median of the rounds, with the middle 95 % of 2,000 medians of rounds drawn again with replacement
(percentile bootstrap). Ratios are taken within each round, and have an interval of their own.

Changes. Against a kept run (--baseline), the drift that all mechanisms have in common is taken out first. A change counts
if it is beyond --threshold and beyond what chance makes of so many figures; fewer than six rounds are not judged. Small
changes need more rounds and more time. One more system call for each round trip is no noise, and counts too.

Cost. Processor time and context switches of both processes around the timed part, by message. The client's own work
between messages is taken off. System calls are counted once before the rounds, in a pass that nobody times, for counting
slows them down (Linux: perf_event_open(2) at raw_syscalls:sys_enter, which takes root or CAP_PERFMON, and
kernel.perf_event_paranoid says who else may; macOS tells everyone). Where they cannot be counted, or messages are sent
at a rate, the column stays empty; `echospec doctor` says why.

Floors. What the machine itself costs, in the same run: the median of at least 6 batches, with its interval; else it is
missing, and a warning says why. One of sleeping counts only if the other side slept in nine of ten turns.

Machine. Everything known that changes figures is in --json, and shown by --machine; what is not known has its reason.
What makes figures doubtful is warned of, with what would mend it; `echospec doctor` tells it beforehand.

Placement decides more than the mechanism does: same, both on one processor; cross, on two that sleep when idle, where
all that block cost one interrupt and cannot be ranked; cross-polling, on two whose idle states are held off
(/dev/cpu_dma_latency); spin, on two with neither side ever asleep; free, wherever the scheduler puts them.
";
