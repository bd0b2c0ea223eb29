//! Snapshots of the processes that a demo has launched.

use crate::check;
use crate::diagram::{ProcessSelection, Snapshot};
use crate::server;
use crate::transport::Client;

/// Takes a snapshot of processes in which files in the demo's temporary directory have short paths.
pub fn take_snapshot(shown: &[ProcessSelection]) -> check::Result<Snapshot> {
    let directory = server::run_directory().and_then(|directory| directory.canonicalize().ok());
    Ok(Snapshot { short_paths_in: directory, ..Snapshot::read_from_kernel(shown)? })
}

/// Selects for a diagram this process and the descriptors of `clients`.
pub fn select_clients<'a>(
    label: impl Into<String>,
    clients: impl IntoIterator<Item = &'a Client>,
) -> ProcessSelection {
    clients.into_iter().fold(ProcessSelection::select_this_process(label), |shown, client| {
        let shown = client.link().output_descriptor().iter().fold(shown, ProcessSelection::and_descriptor);
        shown.and_descriptor(&client.input_descriptor())
    })
}
