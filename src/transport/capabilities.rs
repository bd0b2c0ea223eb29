//! The properties of a transport that decide which checks apply.

use bitflags::bitflags;

bitflags! {
    /// The capabilities of a server's transport and way of starting, or those that a check requires.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Capabilities: u64 {
        /// The transport carries a stream of bytes without boundaries.
        const STREAM = 1;
        /// The transport carries messages and keeps their boundaries.
        const MESSAGES = 1 << 1;
        /// The client can end its direction of the connection alone, and sees when the server ends the other direction.
        const HALF_CLOSE = 1 << 2;
        /// One server process, or tree of processes, serves many clients. Without this, each client has a process of
        /// its own.
        const MANY_CLIENTS = 1 << 3;
        /// Many clients can be connected to the server at the same time.
        const CONCURRENT_CLIENTS = 1 << 4;
        /// The server accepts a separate connection for each client.
        const CONNECTIONS = 1 << 5;
        /// A client can choose its own IP address and port.
        const SOURCE_ADDRESS = 1 << 6;
        /// The server itself binds its address, so it can be started again on that address.
        const BINDS = 1 << 7;
        /// The server's address is a TCP or UDP port.
        const PORT = 1 << 8;
        /// The server's address is the path of a socket.
        const SOCKET_PATH = 1 << 9;
        /// The server's transport is TCP.
        const TCP = 1 << 10;
        /// The server's transport is UDP.
        const UDP = 1 << 11;
        /// The server reads a stream of bytes from standard input, and writes one to standard output. Its client is the
        /// only one.
        const STDIO = 1 << 12;
        /// The server's standard input and output are two pipes.
        const PIPES = 1 << 32;
        /// The client can end the server's standard input and still read its standard output, whether the server heeds
        /// that ([`HALF_CLOSE`](Capabilities::HALF_CLOSE)) or not.
        const END_OF_INPUT = 1 << 33;
        /// The server is passed a listening socket as descriptor 3.
        const PASSED_LISTENER = 1 << 13;
        /// The server is passed each connection as descriptors 0, 1 and 2.
        const PASSED_CONNECTION = 1 << 14;
        /// The transport carries messages without a connection: any socket may send one, and the reply goes to its
        /// sender.
        const CONNECTIONLESS = 1 << 15;
        /// The server binds any address that it is told, so another instance can be launched beside it.
        const ANY_ADDRESS = 1 << 16;
        /// The server's protocol is echo: every reply equals its request, and any bytes are a request.
        const ECHO = 1 << 17;
        /// A connection to the server stays open after an exchange.
        const STAYS_OPEN = 1 << 18;
        /// If a client sends requests before earlier ones are answered, the server answers them in order.
        const PIPELINES = 1 << 19;
        /// A reply holds bytes of its request, so that a reply to another client's request is recognised.
        const DISTINCT_REPLIES = 1 << 20;
        /// The server sends nothing before it receives a request.
        const SILENT_FIRST = 1 << 21;
        /// Requests carry any number of bytes that come back in the replies, so that every buffer can be filled.
        const FILLABLE = 1 << 22;
        /// The server's protocol has requests and replies, and is not echo.
        const REQUESTS = 1 << 23;
        /// The server writes nothing to its standard output but messages of its protocol.
        const CLEAN_OUTPUT = 1 << 24;
        /// The server answers requests alone: a notification of JSON-RPC gets no answer.
        const ANSWERS_REQUESTS_ALONE = 1 << 31;
        /// The server reloads its configuration at a known signal.
        const RELOADS = 1 << 25;
        /// The harness launches the server itself, so it may end, signal, limit and restart it, and reads its output.
        const LAUNCHED = 1 << 26;
        /// The harness knows the server's processes.
        const PROCESSES = 1 << 27;
        /// The kernel of this machine carries both directions of the server's connections, and shows the server's ends.
        const LOCAL = 1 << 30;
        /// The server's address is the path of a file that the server makes: a socket, or the first part of the names
        /// of two named pipes.
        const FILE = 1 << 28;
        /// A client that does not read can keep the server from sending: a reply is long, or many requests may wait for
        /// their replies.
        const STALLS = 1 << 29;

        /// The set of capabilities that a server has by its protocol, and not by its transport.
        const OF_PROTOCOLS = Self::ECHO.bits()
            | Self::STAYS_OPEN.bits()
            | Self::PIPELINES.bits()
            | Self::DISTINCT_REPLIES.bits()
            | Self::SILENT_FIRST.bits()
            | Self::FILLABLE.bits()
            | Self::REQUESTS.bits()
            | Self::CLEAN_OUTPUT.bits()
            | Self::ANSWERS_REQUESTS_ALONE.bits()
            | Self::STALLS.bits();

        /// The set of capabilities that every server has which the harness launches.
        const OF_LAUNCHED =
            Self::LAUNCHED.bits() | Self::PROCESSES.bits() | Self::LOCAL.bits() | Self::RELOADS.bits();
    }
}
