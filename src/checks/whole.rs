//! A long reply that is the same for every client, and its comparison with one that was read late.

use crate::check::{self, Finding};
use crate::checks::stall::Plan;
use crate::server::Server;
use crate::text::describe_difference;
use crate::transport::Client;

/// The reply to a request, as a client that reads at once receives it, with which later replies are compared. `None`
/// if the reply holds its request's token or content: then every reply is verified as it arrives.
pub(super) struct Whole(Option<Vec<u8>>);

impl Whole {
    /// Reads one reply of `plan`'s exchange at once, so that replies that are read late can be compared with it.
    ///
    /// # Errors
    /// Unsupported if nothing in the reply can be recognised; otherwise those of an exchange.
    pub fn before(server: &mut Server, plan: &Plan) -> check::Result<Whole> {
        if plan.turn.token_comes_back() {
            return Ok(Whole(None));
        }
        if !plan.is_long {
            let actual = "the replies to all clients are the same";
            return Err(Finding::unsupported("a reply that is recognised", actual));
        }
        let whole = read(server, plan)?;
        if whole.is_empty() {
            let actual = "its content is chunked, and each reply may be cut elsewhere";
            return Err(Finding::unsupported("a long reply that can be compared", actual));
        }
        Ok(Whole(Some(whole)))
    }

    /// Compares each late-read reply that the client `late` has kept with a reply that was read at once.
    ///
    /// # Errors
    /// A failure if they differ. Unsupported if the server's replies differ anyway.
    pub fn compare(&self, server: &mut Server, plan: &Plan, late: &mut Client) -> check::Result {
        let Whole(Some(before)) = self else { return Ok(()) };
        let replies = late.take_replies();
        let Some(place) = replies.iter().find_map(|reply| describe_difference(before, body(reply), 0)) else {
            return Ok(());
        };
        if read(server, plan)? != *before {
            return Err(Finding::unsupported("the same reply to each request", "the replies differ"));
        }
        Err(Finding::fail("the reply that a client receives who reads at once", place))
    }
}

fn read(server: &mut Server, plan: &Plan) -> check::Result<Vec<u8>> {
    let mut client = server.connect()?;
    client.complete_opening()?;
    client.keep_replies(plan.reply)?;
    client.queue_request_of(&plan.turn, &[])?;
    client.receive_all_replies()?;
    Ok(client.take_replies().last().map(|reply| body(reply).to_vec()).unwrap_or_default())
}

/// Returns the body of a reply that is an HTTP response, and any other reply as it is. The body of a chunked response
/// is cut where its sender liked, so it counts as empty.
fn body(reply: &[u8]) -> &[u8] {
    let head = reply.windows(4).position(|four| four == b"\r\n\r\n").filter(|_| reply.starts_with(b"HTTP/"));
    let Some(end) = head else { return reply };
    let lines = String::from_utf8_lossy(&reply[..end]).to_ascii_lowercase();
    if lines.contains("transfer-encoding:") { &[] } else { &reply[end + 4..] }
}
