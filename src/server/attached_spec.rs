//! The specification of a server that runs already.

use std::sync::Arc;

use nix::unistd::Pid;

use super::attached_process::AttachedProcess;
use super::{LaunchError, Setup, Spec, Start};
use crate::protocol::Protocol;
use crate::transport::{Address, Transport};

impl Spec {
    /// Returns a server that runs already and listens at `address`. The harness connects to it, and never ends, signals
    /// or limits it. If `pid` names its process, checks look at that process too.
    ///
    /// # Errors
    /// [`LaunchError::NoAddress`] if servers of this transport have no address.
    pub fn attached(
        transport: &'static Transport,
        address: Address,
        pid: Option<Pid>,
    ) -> Result<Spec, LaunchError> {
        if transport.is_inherited() {
            return Err(LaunchError::NoAddress { transport: transport.name });
        }
        let setup = Setup { fixed_address: Some(address), ..Setup::default() };
        Ok(Spec {
            name: None,
            transport,
            start: Start::Attach,
            command: Vec::new(),
            lacks: Vec::new(),
            setup,
            protocol: Arc::new(Protocol::echo()),
            options: String::new(),
            rehearsal: None,
            process: pid.map(AttachedProcess),
        })
    }

    /// Whether the server runs already, so that the harness does not launch it.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.start == Start::Attach
    }

    /// Returns the process of a running server, if the user names it.
    pub(super) fn process(&self) -> Option<AttachedProcess> {
        self.process
    }
}
