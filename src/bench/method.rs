//! The method of a comparison, for `echospec explain compare`.

/// The full description of how `echospec compare` measures.
pub const METHOD: &str = "\
Two processes. Each round launches a new server and a new client for every mechanism at every placement, and measures one
task after the other. The client is this program; it makes the same system calls as a program in C.

Round trip. The next message is sent when the last one is back. The clock (CLOCK_MONOTONIC) is read before the send and
after the last byte, and the cost of reading it is subtracted. Messages are prepared and compared between two round trips,
outside of the timed interval. A histogram of three significant digits keeps every time (HdrHistogram).

Throughput. As many messages are in flight as the mechanism holds without blocking the server. The clock stops at the
last byte received, not at the last sent. Every byte is compared on arrival. If client and server share a processor, the
time for that is subtracted; otherwise it is only reported. Each byte crosses the mechanism twice and is counted once.

Connections. Connect, one message there and back, close. At most 1,000 in a row, because each leaves a port in TIME_WAIT.

Rates. Messages are due at fixed times (open loop). The time of a message counts from the moment at which it was due, so
that it includes waiting for a slow one before it.

Bytes. Each message is the next piece of an endless stream, which a seed determines. A lost, duplicated, stale or foreign
byte therefore differs from the expected one. After one wrong byte the measurement has no result, and the report shows its
position. A message that is too large for the mechanism is not measured. A byte stream is sent in pieces if it does not
hold a message as a whole.

Rounds. Each round measures every mechanism once at every placement, in a new random order, so that a machine that drifts
affects all alike. A session is disturbed if others used more than 5 % of its processors: other processes, or other guests
of the hypervisor. It is repeated at most twice while there is time, and the repetitions are counted.

Estimates. The median of the rounds, with the middle 95 % of 2,000 medians of resampled rounds (percentile bootstrap).
Ratios are computed within each round, and have intervals of their own.

Changes. Against a saved run (--baseline), the drift that all mechanisms have in common is removed first. A change counts
if it exceeds --threshold and what chance makes of so many measurements. Fewer than six rounds are not judged. Small
changes need more rounds and more time. One more system call for each round trip is no noise, and counts too.

Cost. Processor time and context switches of both processes during the timed part, divided by the messages. The client's
own work between messages is subtracted. System calls are counted once before the rounds, in a pass that is not timed,
because counting slows them down. Linux: perf_event_open(2) at raw_syscalls:sys_enter. It needs root or CAP_PERFMON, or a
kernel.perf_event_paranoid that permits it. macOS permits everyone. If they cannot be counted, or messages are sent at a
rate, the column is empty; `echospec doctor` says why.

Floors. The times of the machine's own operations, measured in the same run: the median of at least 6 batches, with its
interval. A warning says why one is missing. A floor of sleeping counts only if the other side slept in nine of ten
iterations.

Machine. --json includes everything known that affects the results, and --machine shows it. An unknown value has its
reason. Warnings name conditions that make results doubtful, and their remedies; `echospec doctor` shows them before a run.

Placement affects the results more than the mechanism does.
  same           both on one processor
  cross          on two processors that sleep when idle; mechanisms that block all wait for the same interrupt, and cannot
                 be ranked
  cross-polling  on two processors that are kept out of their idle states (/dev/cpu_dma_latency)
  spin           on two processors, with neither side ever asleep
  free           wherever the scheduler puts them
";
