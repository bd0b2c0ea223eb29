//! The servers and the checks that are run on other Linuxes and machines.

use anyhow::{Result, ensure};

use crate::bundled;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Selection {
    /// Run only the quick checks on other Linuxes or machines
    #[arg(long, requires = "others")]
    pub quick: bool,

    /// Check only the servers whose command contains TEXT on other Linuxes or machines
    #[arg(long, value_name = "TEXT", requires = "others")]
    servers: Option<String>,
}

impl Selection {
    /// Returns the commands that check the selected servers.
    pub fn commands(&self) -> Result<Vec<String>> {
        let mut commands = bundled::commands()?;
        let text = self.servers.as_deref().unwrap_or_default();
        commands.retain(|command| command.contains(text));
        ensure!(!commands.is_empty(), "no command of a bundled server contains '{text}'");
        Ok(commands)
    }

    /// Returns a note that follows the number of checks if not all were selected.
    pub fn note(&self) -> String {
        let servers = self.servers.as_ref().map(|text| format!("only `{text}`"));
        let parts: Vec<_> = self.quick.then(|| "quick".to_owned()).into_iter().chain(servers).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_names_what_was_selected() {
        let select = |quick, servers: Option<&str>| Selection { quick, servers: servers.map(str::to_owned) };
        assert_eq!(select(false, None).note(), "");
        assert_eq!(select(true, None).note(), " (quick)");
        assert_eq!(select(true, Some("echo-shm")).note(), " (quick, only `echo-shm`)");
        assert!(select(false, Some("echo-shm")).commands().unwrap().len() >= 2);
        assert!(select(false, Some("echo-nothing")).commands().is_err());
    }
}
