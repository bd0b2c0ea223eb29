//! Snapshots of the processes that a demo has launched.

use crate::check;
use crate::diagram::{Selection, Snapshot};
use crate::server;
use crate::transport::Client;

/// Takes a snapshot in which files in the demo's temporary directory have short paths.
pub fn take_snapshot(shown: &[Selection]) -> check::Result<Snapshot> {
    let directory = server::directory().and_then(|directory| directory.canonicalize().ok());
    Ok(Snapshot { short_paths_in: directory, ..Snapshot::take(shown)? })
}

/// Selects this process and the descriptors of `clients`.
pub fn select_clients<'a>(
    label: impl Into<String>,
    clients: impl IntoIterator<Item = &'a Client>,
) -> Selection {
    clients.into_iter().fold(Selection::select_this_process(label), |shown, client| {
        let shown = client.link().writer().iter().fold(shown, Selection::and_descriptor);
        shown.and_descriptor(&client.reader())
    })
}
