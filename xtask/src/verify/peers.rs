//! Every figure of others that we have too.

use super::peer::{Better, Peer, Served, Tells};

const LMBENCH: Option<&str> = Some("ECHOSPEC_LMBENCH");
const IPC_BENCH: Option<&str> = Some("ECHOSPEC_IPC_BENCH");

/// A mean round trip in µs, by a program that starts both sides.
const MEAN: Peer = Peer {
    name: "",
    mechanism: "",
    size: 64,
    better: Better::Less,
    tells: Tells::Mean,
    place: None,
    server: Served::ByItself,
    client: &[],
    figure: ("latency:", "microseconds"),
    unit: 1.0,
};

const SOCKPERF: Peer =
    Peer { name: "sockperf", tells: Tells::Median, figure: ("percentile 50.000 =", "\n"), ..MEAN };

/// Tells half a round trip.
const QPERF: Peer = Peer { name: "qperf", figure: ("latency  =", "us"), unit: 2.0, ..MEAN };

const QPERF_SERVER: Served = Served::Launched("tcp", &["qperf", "-lp", "{port}"]);

const LATENCY: Peer = Peer { name: "lmbench", tells: Tells::MedianOfMeans, place: LMBENCH, size: 1, ..MEAN };

const BANDWIDTH: Peer = Peer {
    name: "lmbench",
    place: LMBENCH,
    size: 65536,
    better: Better::More,
    figure: ("bandwidth:", "MB/sec"),
    ..MEAN
};

const BENCH: Peer = Peer { name: "ipc-bench", place: IPC_BENCH, figure: ("Average duration:", "us"), ..MEAN };

/// In the order of the table.
pub static PEERS: &[Peer] = &[
    Peer {
        name: "perf",
        mechanism: "pipe",
        size: 4,
        client: &["perf", "bench", "sched", "pipe", "-l", "100000"],
        figure: ("", "usecs/op"),
        ..MEAN
    },
    Peer { mechanism: "pipe", client: &["lat_pipe", "-N", "3"], ..LATENCY },
    Peer { mechanism: "pipe", client: &["pipe/pipe", "-s", "64", "-c", "100000"], ..BENCH },
    // Not lmbench's lat_fifo: on today's Linux it ends in endless errors.
    Peer { mechanism: "fifo", client: &["fifo/fifo", "-s", "64", "-c", "100000"], ..BENCH },
    Peer { mechanism: "unix", client: &["lat_unix", "-N", "3"], ..LATENCY },
    Peer { mechanism: "unix", client: &["domain/domain", "-s", "64", "-c", "100000"], ..BENCH },
    Peer {
        mechanism: "tcp",
        server: Served::Launched("tcp", &["sockperf", "sr", "--tcp", "-i", "{host}", "-p", "{port}"]),
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
        server: Served::Daemon(&["lat_tcp", "-s"], &["lat_tcp", "-S", "127.0.0.1"]),
        client: &["lat_tcp", "-m", "64", "-N", "3", "127.0.0.1"],
        figure: ("127.0.0.1:", "microseconds"),
        ..LATENCY
    },
    Peer {
        mechanism: "udp",
        server: Served::Launched("udp", &["sockperf", "sr", "-i", "{host}", "-p", "{port}"]),
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
        server: Served::Daemon(&["lat_udp", "-s"], &["lat_udp", "-S", "127.0.0.1"]),
        client: &["lat_udp", "-m", "64", "-N", "3", "127.0.0.1"],
        figure: ("127.0.0.1:", "microseconds"),
        ..LATENCY
    },
    Peer { mechanism: "mqueue", client: &["mq/mq", "-s", "64", "-c", "100000"], ..BENCH },
    // Not ipc-bench's signals: they carry nothing, may merge, and then it waits for ever.
    Peer { mechanism: "pipe", client: &["bw_pipe", "-N", "3"], ..BANDWIDTH },
    Peer { mechanism: "unix", client: &["bw_unix", "-N", "3"], ..BANDWIDTH },
];
