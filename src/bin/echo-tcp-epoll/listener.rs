//! The kinds of listening sockets whose clients the loop can serve.

use std::io::{self, Read, Write};

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

pub trait Listener: Source {
    type Stream: Source + Read + Write;

    /// Whether a read that does not fill the buffer can leave data behind, and no event says so.
    const READS_STOP_EARLY: bool;

    fn accept_stream(&self) -> io::Result<Self::Stream>;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    /// On other systems than Linux the server reads until the kernel says that nothing is left.
    const READS_STOP_EARLY: bool = cfg!(not(target_os = "linux"));

    fn accept_stream(&self) -> io::Result<TcpStream> {
        self.accept().map(|(stream, _)| stream)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    /// A read never takes data from beyond a descriptor that the client passes: unix(7).
    const READS_STOP_EARLY: bool = true;

    fn accept_stream(&self) -> io::Result<UnixStream> {
        self.accept().map(|(stream, _)| stream)
    }
}
