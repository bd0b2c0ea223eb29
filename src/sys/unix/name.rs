//! The name of the system.

/// Returns the system's name, release and architecture, as uname(3) reports them: `Linux 6.1.0 x86_64`. Returns an
/// empty text if the call fails.
#[must_use]
pub fn system_name() -> String {
    let name = nix::sys::utsname::uname().map(|name| {
        let parts = [name.sysname(), name.release(), name.machine()];
        parts.map(|part| part.to_string_lossy().into_owned()).join(" ")
    });
    name.unwrap_or_default()
}
