//! The text of the file that `echospec init` writes.

use std::fmt::Write;

use super::FoundServer;
/// The keys that a user may want to add.
const FURTHER_KEYS: &str = "\
# Other keys, each as an option of `echospec check --help`:
# env = { DATA = \"{dir}/data\" }    # variables; {dir} is a directory of the server's own
# ready-when = \"listening\"         # wait for this output as well
# stop = \"SIGINT\"                  # the signal that ends the server gracefully
# reload = \"SIGHUP\"                # the signal at which it reloads its configuration
";

impl FoundServer {
    /// Returns the text of an `echospec.toml` that describes the server.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text =
            String::from("# `echospec check` launches each server of this file and checks it.\n\n");
        let _ = writeln!(text, "[server.{}]", self.name);
        let _ = writeln!(text, "transport = {}", quoted(self.transport.name));
        if self.transport.is_inherited() {
            text.push_str(
                "# The command has no listening socket, so clients speak to its standard input and output.\n",
            );
        } else if self.fixed.is_none() {
            text.push_str(
                "# No shell is involved. echospec chooses an address and puts it in place of the braces.\n",
            );
        }
        let words: Vec<_> = self.command.iter().map(|word| quoted(&word.to_string_lossy())).collect();
        let _ = writeln!(text, "command = [{}]", words.join(", "));
        if let Some(address) = &self.fixed {
            text.push_str(
                "# The server always uses this address, so checks run one at a time. If its command can be told another\n\
                 # one, write {addr}, {port} or {path} there, and take this line out.\n",
            );
            let _ = writeln!(text, "addr = {}", quoted(&address.to_string()));
        }
        for other in &self.others {
            let _ = writeln!(text, "# It also listens on {other}.");
        }
        self.write_protocol(&mut text);
        text.push('\n');
        text.push_str(FURTHER_KEYS);
        text.push_str(self.example_of_protocol());
        text
    }

    fn write_protocol(&self, text: &mut String) {
        let Some(fit) = &self.fit else {
            text.push_str(
                "# No built-in protocol fits. Describe one exchange, as at the end of this file.\n",
            );
            return;
        };
        let summary = fit.rehearsal.as_ref().map(crate::server::Rehearsal::summary).unwrap_or_default();
        if !summary.is_empty() {
            let _ = writeln!(text, "# Found by speaking it: {summary}.");
        }
        let _ = writeln!(text, "protocol = {}", quoted(fit.protocol));
    }

    fn example_of_protocol(&self) -> &'static str {
        if self.fit.is_some() {
            return "";
        }
        "\n# The request, and the reply to it. `echospec explain protocol` tells more.\n\
         # protocol = { send = 'PING {token}\\r\\n', expect = 'PONG {token}\\r\\n' }\n"
    }
}

/// Returns `text` as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
