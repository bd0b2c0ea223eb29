//! The capabilities that a server offers: by its transport, its start, its protocol, and as the rehearsal found.

use super::{Spec, Start};
use crate::transport::{Address, Capabilities};

impl Spec {
    /// Returns the capabilities that the server has: those that its transport and protocol promise, without those that
    /// it lacks.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.lacks.iter().fold(self.promised_capabilities(), |all, lack| all.difference(lack.capabilities))
    }

    /// Returns the capabilities that the transport, the way of starting and the protocol promise, whether or not this
    /// server has them. A check that requires others does not apply. A check that requires one that the server lacks
    /// is *unsupported*.
    #[must_use]
    pub fn promised_capabilities(&self) -> Capabilities {
        let promised = self.with_protocol(self.offered_by_transport());
        // That a client of requests stalls the server is proven from the server's end of its connection.
        let proves_stalls = promised.contains(Capabilities::LOCAL) || self.protocol.replies_equal_requests();
        if proves_stalls { promised } else { promised.difference(Capabilities::STALLS) }
    }

    /// Returns the capabilities that a server like this one promises if the harness launches it.
    #[must_use]
    pub(crate) fn promised_if_launched(&self) -> Capabilities {
        let capabilities = self.transport.capabilities.union(Capabilities::OF_LAUNCHED);
        self.with_protocol(capabilities.union(Capabilities::ANY_ADDRESS))
    }

    fn with_protocol(&self, offered: Capabilities) -> Capabilities {
        let all = offered.union(Capabilities::OF_PROTOCOLS);
        let other =
            if self.protocol.replies_equal_requests() { Capabilities::REQUESTS } else { Capabilities::ECHO };
        all.difference(other)
    }

    fn offered_by_transport(&self) -> Capabilities {
        let capabilities = self.transport.capabilities.union(Capabilities::OF_LAUNCHED);
        match self.start {
            Start::Attach => self.offered_by_attached(),
            Start::Bind if self.can_be_told_an_address() => capabilities.union(Capabilities::ANY_ADDRESS),
            Start::Bind => capabilities,
            Start::ListenFds => {
                capabilities.difference(Capabilities::BINDS).union(Capabilities::PASSED_LISTENER)
            }
            Start::Inetd => capabilities
                .difference(Capabilities::BINDS.union(Capabilities::MANY_CLIENTS))
                .union(Capabilities::PASSED_CONNECTION),
        }
    }

    fn offered_by_attached(&self) -> Capabilities {
        let mut capabilities = self.transport.capabilities.difference(Capabilities::BINDS);
        if self.process.is_some() {
            capabilities |= Capabilities::PROCESSES;
        }
        // Only on the loopback interface are both ends of a connection sure to be in this network namespace.
        let inet = self.setup.fixed_address.as_ref().and_then(Address::inet);
        if inet.is_none_or(|inet| inet.ip().is_loopback()) {
            return capabilities | Capabilities::LOCAL;
        }
        capabilities.difference(Capabilities::SOURCE_ADDRESS)
    }

    fn can_be_told_an_address(&self) -> bool {
        self.transport.capabilities.contains(Capabilities::BINDS) && self.setup.fixed_address.is_none()
    }
}
