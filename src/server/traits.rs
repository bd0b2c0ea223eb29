//! Capabilities that a server lacks, by its protocol or as the rehearsal found.

use super::Setup;
use crate::protocol::{Protocol, Turn};
use crate::transport::Capabilities;

/// Capabilities that a server lacks, and the reason in words.
#[derive(Debug, Clone)]
pub struct MissingCapabilities {
    /// The capabilities that the server lacks.
    pub capabilities: Capabilities,
    /// The reason why the server lacks them: a rule of its protocol, or a result of the rehearsal.
    pub reason: String,
}

impl MissingCapabilities {
    /// Records that a server lacks `capabilities`, for `reason`.
    #[must_use]
    pub fn new(capabilities: Capabilities, reason: impl Into<String>) -> MissingCapabilities {
        MissingCapabilities { capabilities, reason: reason.into() }
    }
}

/// Returns the capabilities that a server lacks because of its set-up.
pub(super) fn ruled_out_by_setup(setup: &Setup) -> Vec<MissingCapabilities> {
    let reason = "no signal is named at which the server reloads its configuration: --reload SIGHUP";
    let lack = || MissingCapabilities::new(Capabilities::RELOADS, reason);
    setup.reload.is_none().then(lack).into_iter().collect()
}

/// Returns the capabilities that every server of `protocol` lacks.
pub(super) fn ruled_out_by_protocol(protocol: &Protocol) -> Vec<MissingCapabilities> {
    if protocol.replies_equal_requests() {
        return Vec::new();
    }
    let name = protocol.name();
    let fills = protocol.carries_payload() && protocol.allows_pipelining() != Some(false);
    let facts = [
        (
            protocol.allows_several_exchanges() == Some(false),
            Capabilities::STAYS_OPEN,
            "has one exchange on a connection",
        ),
        (
            protocol.allows_pipelining() == Some(false),
            Capabilities::PIPELINES,
            "has no requests before a reply",
        ),
        (
            !protocol.token_comes_back(),
            Capabilities::DISTINCT_REPLIES,
            "has replies that hold nothing of their request",
        ),
        (protocol.speaks_first(), Capabilities::SILENT_FIRST, "begins with the server's greeting"),
        (
            !protocol.turns().iter().any(Turn::has_reply),
            Capabilities::REQUESTS,
            "has no request that is answered",
        ),
        (
            protocol.allows_pipelining() == Some(false) && !protocol.has_long_reply(),
            Capabilities::STALLS,
            "has no long reply, and no requests before a reply",
        ),
        (!fills, Capabilities::FILLABLE, "has no requests that carry any bytes and have them back"),
        (
            protocol.declared_properties().half_close == Some(false),
            Capabilities::HALF_CLOSE,
            "has no half-closed connections",
        ),
    ];
    let lacking = facts.into_iter().filter(|(lacks, ..)| *lacks);
    lacking
        .map(|(_, what, why)| MissingCapabilities::new(what, format!("the protocol {name} {why}")))
        .collect()
}
