//! The list of measurements of other programs that echospec can make, too.

use super::peer::{Better, Peer, ServerStart, Statistic};

const LMBENCH: Option<&str> = Some("ECHOSPEC_LMBENCH");
const IPC_BENCH: Option<&str> = Some("ECHOSPEC_IPC_BENCH");

/// Defaults: a mean round trip in µs, by a program that starts both sides.
const MEAN: Peer = Peer {
    name: "",
    mechanism: "",
    size: 64,
    better: Better::Lower,
    statistic: Statistic::Mean,
    directory_variable: None,
    server: ServerStart::ByClient,
    client: &[],
    delimiters: ("latency:", "microseconds"),
    factor: 1.0,
};

const SOCKPERF: Peer = Peer {
    name: "sockperf",
    statistic: Statistic::Median,
    delimiters: ("percentile 50.000 =", "\n"),
    ..MEAN
};

/// Prints half a round trip.
const QPERF: Peer = Peer { name: "qperf", delimiters: ("latency  =", "us"), factor: 2.0, ..MEAN };

const QPERF_SERVER: ServerStart = ServerStart::Launched("tcp", &["qperf", "-lp", "{port}"]);

const LATENCY: Peer = Peer {
    name: "lmbench",
    statistic: Statistic::MedianOfMeans,
    directory_variable: LMBENCH,
    size: 1,
    ..MEAN
};

const BANDWIDTH: Peer = Peer {
    name: "lmbench",
    directory_variable: LMBENCH,
    size: 65536,
    better: Better::Higher,
    delimiters: ("bandwidth:", "MB/sec"),
    ..MEAN
};

const BENCH: Peer = Peer {
    name: "ipc-bench",
    directory_variable: IPC_BENCH,
    delimiters: ("Average duration:", "us"),
    ..MEAN
};

/// All measurements, in the order of the table.
pub static PEERS: &[Peer] = &[
    Peer {
        name: "perf",
        mechanism: "pipe",
        size: 4,
        client: &["perf", "bench", "sched", "pipe", "-l", "100000"],
        delimiters: ("", "usecs/op"),
        ..MEAN
    },
    Peer { mechanism: "pipe", client: &["lat_pipe", "-N", "3"], ..LATENCY },
    Peer { mechanism: "pipe", client: &["pipe/pipe", "-s", "64", "-c", "100000"], ..BENCH },
    // Without lmbench's lat_fifo, which prints errors without end on current Linux.
    Peer { mechanism: "fifo", client: &["fifo/fifo", "-s", "64", "-c", "100000"], ..BENCH },
    Peer { mechanism: "unix", client: &["lat_unix", "-N", "3"], ..LATENCY },
    Peer { mechanism: "unix", client: &["domain/domain", "-s", "64", "-c", "100000"], ..BENCH },
    Peer {
        mechanism: "tcp",
        server: ServerStart::Launched("tcp", &["sockperf", "sr", "--tcp", "-i", "{host}", "-p", "{port}"]),
        client: &[
            "sockperf",
            "pp",
            "--tcp",
            "-i",
            "{host}",
            "-p",
            "{port}",
            "-t",
            "1",
            "-m",
            "64",
            "--full-rtt",
        ],
        ..SOCKPERF
    },
    Peer {
        mechanism: "tcp",
        server: QPERF_SERVER,
        client: &["qperf", "127.0.0.1", "-lp", "{port}", "-t", "1", "-m", "64", "tcp_lat"],
        ..QPERF
    },
    Peer {
        mechanism: "tcp",
        size: 64,
        server: ServerStart::Daemon(&["lat_tcp", "-s"], &["lat_tcp", "-S", "127.0.0.1"]),
        client: &["lat_tcp", "-m", "64", "-N", "3", "127.0.0.1"],
        delimiters: ("127.0.0.1:", "microseconds"),
        ..LATENCY
    },
    Peer {
        mechanism: "udp",
        server: ServerStart::Launched("udp", &["sockperf", "sr", "-i", "{host}", "-p", "{port}"]),
        client: &["sockperf", "pp", "-i", "{host}", "-p", "{port}", "-t", "1", "-m", "64", "--full-rtt"],
        ..SOCKPERF
    },
    Peer {
        mechanism: "udp",
        server: QPERF_SERVER,
        client: &["qperf", "127.0.0.1", "-lp", "{port}", "-t", "1", "-m", "64", "udp_lat"],
        ..QPERF
    },
    Peer {
        mechanism: "udp",
        size: 64,
        server: ServerStart::Daemon(&["lat_udp", "-s"], &["lat_udp", "-S", "127.0.0.1"]),
        client: &["lat_udp", "-m", "64", "-N", "3", "127.0.0.1"],
        delimiters: ("127.0.0.1:", "microseconds"),
        ..LATENCY
    },
    Peer { mechanism: "mqueue", client: &["mq/mq", "-s", "64", "-c", "100000"], ..BENCH },
    // Without ipc-bench's signals: they carry no data and may merge, and then it waits forever.
    Peer { mechanism: "pipe", client: &["bw_pipe", "-N", "3"], ..BANDWIDTH },
    Peer { mechanism: "unix", client: &["bw_unix", "-N", "3"], ..BANDWIDTH },
];
