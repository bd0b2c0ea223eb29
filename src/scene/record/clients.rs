//! The clients of a recording: their names, and the bytes that they have sent and not received yet.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::Script;
use crate::scene::literal::{length, literal};
use crate::text::count_with_noun;
use crate::trace::{Action, Actor, SENDS_HALF_A_REQUEST, SPEAKS_PROTOCOL, Step, Transfer};

/// The reason why a step is not writable.
type Written = Result<(), String>;

/// The connected clients of a recording.
#[derive(Debug)]
pub(super) struct Clients {
    connected: BTreeMap<usize, Connected>,
    /// The kind of content of a client that speaks no protocol.
    usual: Speech,
}

/// The kind of content that a client sends and receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// Bytes that come back.
    Echo,
    /// Requests of the server's protocol. The recording has their contents, and not their bytes.
    Requests,
    /// Bytes that are no request of the server's protocol.
    Bytes,
}

#[derive(Debug)]
struct Connected {
    name: String,
    /// The number of bytes that the client has sent and whose echo it has not received.
    unanswered: usize,
    /// The number of bytes of the reply that the client has received so far. The scene receives the whole reply in one
    /// step, when its last byte has come.
    received: usize,
    /// Whether the scene has received a part of an echo as bytes, so that `receives reply` no longer knows the rest.
    in_parts: bool,
    speech: Speech,
    /// Whether the client has sent the first half of a request.
    half: bool,
}

/// Returns how many of `steps`, from the first on, are transfers of one client.
pub(super) fn transfers(steps: &[Step]) -> usize {
    let is_transfer = |step: &Step| matches!(step.action, Action::Sends(_) | Action::Receives(_));
    let same = |step: &&Step| step.actor == steps[0].actor && is_transfer(step);
    steps.iter().take_while(same).count()
}

impl Clients {
    /// Returns no clients. `usual` is the kind of content of a client that speaks no protocol.
    pub fn new(usual: Speech) -> Clients {
        Clients { connected: BTreeMap::new(), usual }
    }

    /// Writes an action of client `number`.
    pub fn act(&mut self, number: usize, action: &Action, failed: bool, script: &mut Script) -> Written {
        if let Action::Connects(from) = action {
            return self.connect(number, from.as_deref(), script);
        }
        let client = self.connected.get_mut(&number).ok_or("its connect is not in the timeline")?;
        client.end_unfinished_reply(action, failed, script)?;
        match action {
            Action::Sends(transfer) => {
                client.send(transfer, script);
                return Ok(());
            }
            Action::Receives(transfer) => return client.receive(transfer, failed, script),
            Action::Other(text) if text == SPEAKS_PROTOCOL => {
                client.speech = Speech::Requests;
                return Ok(());
            }
            Action::Other(text) if text == SENDS_HALF_A_REQUEST => {
                client.half = true;
                script.write(format!("{} {text}", client.name));
                return Ok(());
            }
            _ => {}
        }
        let Connected { name, unanswered, .. } = &*client;
        let awaited = if *unanswered > 0 { "reply" } else { "end" };
        match action {
            // The end, or a reset, in the place of a reply is the server's fault: the scene asks for the reply.
            Action::ReceivesEnd if failed => script.write(format!("{name} receives {awaited}")),
            Action::ReceivesEnd => script.write(format!("{name} receives end")),
            Action::EndsDirection => script.write(format!("{name} ends its direction")),
            Action::AllRead => script.write(format!("server has read all that {name} sent")),
            Action::InVain(wanted) if wanted.ends_with("read by the server") => {
                script.write(format!("server has read all that {name} sent"));
            }
            Action::InVain(_) => script.write(format!("{name} receives {awaited}")),
            Action::Other(text) if text == "sends urgent data" => {
                script.write(format!("{name} sends urgent byte"));
            }
            Action::Other(text) if text.starts_with("is told:") && failed => {
                script.write(format!("{name} receives {awaited}"));
            }
            Action::Other(text) if text.contains("reset") => script.write(format!("{name} receives reset")),
            Action::Closes | Action::Resets => {
                script.write(format!("{name} {action}"));
                self.connected.remove(&number);
            }
            _ => return Err("no step of a scene does that".into()),
        }
        Ok(())
    }

    fn connect(&mut self, number: usize, from: Option<&str>, script: &mut Script) -> Written {
        let name = self.free_name();
        let address = from.and_then(|from| from.parse::<SocketAddr>().ok()).map(|from| from.ip());
        let unusual = address.filter(|ip| *ip != IpAddr::from([127, 0, 0, 1]) && ip.is_ipv4());
        script.write(match unusual {
            Some(ip) => format!("{name} connects from {ip}"),
            None => format!("{name} connects"),
        });
        let client =
            Connected { name, unanswered: 0, received: 0, in_parts: false, speech: self.usual, half: false };
        self.connected.insert(number, client);
        Ok(())
    }

    /// Returns the first of the names a to z, aa to az … that no connected client has.
    fn free_name(&self) -> String {
        let letters = || ('a'..='z').map(String::from);
        let longer = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
        let longest =
            letters().flat_map(|first| (0..).take(10_000).map(move |number| format!("{first}{number}")));
        let taken = |name: &String| self.connected.values().any(|client| client.name == *name);
        letters().chain(longer).chain(longest).find(|name| !taken(name)).unwrap_or_default()
    }

    /// Writes the first transfers of one client that are complete exchanges. Returns how many of `steps` these are.
    pub fn exchange(&self, steps: &[Step], script: &mut Script) -> usize {
        let Some(Step { actor: Actor::Client(number), .. }) = steps.first() else { return 0 };
        self.connected.get(number).map_or(0, |client| client.write_exchanges(steps, script))
    }
}

impl Connected {
    /// Writes `exchanges` for the first of these transfers that are complete exchanges. Returns their number.
    fn write_exchanges(&self, steps: &[Step], script: &mut Script) -> usize {
        let (mut complete, mut sent, mut received) = (0, Vec::new(), 0);
        if self.unanswered > 0 || self.in_parts || self.half || self.speech == Speech::Bytes {
            return 0;
        }
        for (at, step) in steps.iter().enumerate() {
            match &step.action {
                Action::Sends(transfer) => sent.push(transfer),
                Action::Receives(transfer) => received += transfer.bytes,
                _ => break,
            }
            let total: usize = sent.iter().map(|transfer| transfer.bytes).sum();
            if received == total {
                let what = match sent.as_slice() {
                    [one] => bytes(one),
                    _ => length(total),
                };
                script.write(format!("{} exchanges {what}", self.name));
                (complete, sent, received) = (at + 1, Vec::new(), 0);
            }
        }
        complete
    }

    /// Checks that `action` may follow while only a part of a reply has come. In a check that failed the scene asks
    /// for the whole reply in its place.
    fn end_unfinished_reply(&mut self, action: &Action, failed: bool, script: &mut Script) -> Written {
        let ends = matches!(action, Action::Closes | Action::Resets);
        let tells_of_fault =
            matches!(action, Action::InVain(_) | Action::ReceivesEnd | Action::Other(_)) || ends;
        if self.received == 0 || matches!(action, Action::Receives(_)) {
            return Ok(());
        }
        if !(failed && tells_of_fault) {
            return Err(format!(
                "the client has received {} of {}, and a scene receives a reply as a whole",
                self.received,
                count_with_noun(self.unanswered, "byte")
            ));
        }
        if ends {
            script.write(format!("{} receives reply", self.name));
        }
        self.received = 0;
        Ok(())
    }

    fn send(&mut self, transfer: &Transfer, script: &mut Script) {
        self.unanswered += transfer.bytes;
        // The content of a request whose first half is sent.
        if self.half {
            return;
        }
        let what = if self.speech == Speech::Requests { "sends request of" } else { "sends" };
        script.write(format!("{} {what} {}", self.name, bytes(transfer)));
    }

    fn receive(&mut self, transfer: &Transfer, failed: bool, script: &mut Script) -> Written {
        let name = &self.name;
        if self.speech == Speech::Bytes {
            return Err("the answer to bytes that are no request can differ from run to run".into());
        }
        let received = self.received + transfer.bytes;
        if failed && received > self.unanswered && !self.in_parts {
            // More than an echo is the server's fault: the scene asks for the echo alone.
            if self.unanswered > 0 {
                script.write(format!("{name} receives reply"));
            }
            script.write(format!("{name} receives nothing"));
            (self.unanswered, self.received) = (0, 0);
            return Ok(());
        }
        if received == self.unanswered && !self.in_parts {
            if std::mem::take(&mut self.half) {
                script.write(format!("{name} sends the rest"));
            }
            script.write(format!("{name} receives reply"));
            (self.unanswered, self.received) = (0, 0);
            return Ok(());
        }
        if self.speech == Speech::Requests {
            return Err("a scene receives the replies to all requests of a client, and not to some".into());
        }
        let Some(content) = transfer.content.as_deref().filter(|_| self.received == 0) else {
            self.received = received;
            return Ok(());
        };
        script.write(format!("{name} receives {}", literal(content)));
        self.unanswered = self.unanswered.saturating_sub(transfer.bytes);
        self.in_parts = self.unanswered > 0;
        Ok(())
    }
}

/// Returns the bytes of a transfer as a scene writes them: themselves if the recording has them, or else their number.
fn bytes(transfer: &Transfer) -> String {
    transfer.content.as_deref().map_or_else(|| length(transfer.bytes), literal)
}
