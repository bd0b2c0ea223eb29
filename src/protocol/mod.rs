//! The requests that a client sends to a server, and the replies that must come back.
//!
//! A protocol is data: a file of a dozen lines with the bytes of a request and the shape of its reply. The
//! built-in ones are files of the same kind, in the folder `protocols`. `docs/protocols.md` explains the format.
//!
//! This room does no input or output. A [`Turn`] makes a [`Request`]; its [`ExpectedReply`] makes a
//! [`ReplyMatcher`], which takes the reply as it arrives; a [`Codec`] keeps both for a whole connection.
//!
//! ```
//! use echospec::protocol::{Protocol, ReplyProgress, Token};
//!
//! let protocol = Protocol::inline(r"{token}\n", r"received msg: {token}\n")?;
//! let request = protocol.turns()[0].new_request(Token::new(1), None);
//! let mut matcher = request.expected().matcher();
//! assert_eq!(matcher.push(b"received "), ReplyProgress::NeedMore);
//! let ReplyProgress::Mismatch(mismatch) = matcher.push(b"mail") else { panic!() };
//! assert_eq!(mismatch.offset, 10);
//! # Ok::<(), echospec::protocol::FileError>(())
//! ```

mod built_in;
mod codec;
mod definition;
mod error;
mod http;
mod json;
#[cfg(feature = "cli")]
mod known_parts;
mod mismatch;
mod number;
mod parse;
mod pattern;
mod reply;
mod rules;
mod template;
mod token;
mod turn;

pub use built_in::BuiltInProtocol;
pub(crate) use built_in::protocol_of_words;
pub use codec::{Codec, CorrectReply, ReplyKind, Tolerance, WrongReply};
pub use definition::{DeclaredProperties, Protocol, TransportKind};
pub use error::{FileError, MistakePlace};
pub(crate) use error::{SourceText, join_with_or};
pub use json::Stray;
#[cfg(feature = "cli")]
pub(crate) use known_parts::KnownPart;
pub use mismatch::Mismatch;
pub(crate) use parse::{syntax_error, table::Table};
pub use reply::{ExpectedReply, Reply, ReplyMatcher, ReplyProgress};
pub use token::{Token, Tokens};
pub use turn::{Request, Turn};

#[cfg(test)]
mod tests;
