//! How a system provides a function of the contract, judged by the function's body.

use quote::ToTokens;
use syn::{Expr, Lit, Stmt};

use super::source::{Definition, Module};

/// How one system provides one function, method or constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provision {
    /// The system's own folder has it.
    Own,
    /// It has the same code as other systems: the folder `bsd` or `unix`, or `posix` for code in `unsupported` that
    /// any system can run.
    Shared(&'static str),
    /// It returns `Unsupported` or an empty answer, or does nothing, for this reason.
    Lacking(String),
    /// It returns an empty answer or does nothing, and says no reason.
    Silent,
}

impl Provision {
    /// Judges `definition`, which the file `module` of `folder` defines.
    pub fn of(folder: &str, module: &Module, definition: &Definition) -> Provision {
        match answer(module, definition) {
            Answer::Reason(text) if text.is_empty() => Provision::Silent,
            Answer::Reason(text) => Provision::Lacking(text),
            Answer::Nothing => documented_reason(definition).map_or(Provision::Silent, Provision::Lacking),
            Answer::Value => match folder {
                "bsd" => Provision::Shared("bsd"),
                "unix" => Provision::Shared("unix"),
                "unsupported" => Provision::Shared("posix"),
                _ => Provision::Own,
            },
        }
    }
}

/// The kind of value that a function's body returns.
enum Answer {
    /// The error `Unsupported`, with its text.
    Reason(String),
    /// An empty or fixed value, or nothing at all.
    Nothing,
    /// A value that the body computes.
    Value,
}

fn answer(module: &Module, definition: &Definition) -> Answer {
    let Some(body) = &definition.body else { return Answer::Value };
    let only = match &body.stmts[..] {
        [] => return Answer::Nothing,
        [Stmt::Expr(only, _)] => only,
        _ => return Answer::Value,
    };
    if let Expr::Call(call) = only
        && let Expr::Path(path) = &*call.func
        && let Some(called) = path.path.get_ident()
    {
        if called == "unsupported" {
            return Answer::Reason(call.args.first().map(|reason| text(module, reason)).unwrap_or_default());
        }
        // One function may pass a question on to another one of its file.
        let all = module.definitions.iter().chain(&module.private);
        if let Some(other) = all.into_iter().find(|it| *called == it.name.as_str()) {
            return answer(module, other);
        }
    }
    if is_fixed(only) { Answer::Nothing } else { Answer::Value }
}

/// Returns the text of a literal, or of a constant of the file.
fn text(module: &Module, expression: &Expr) -> String {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.value(),
            _ => String::new(),
        },
        Expr::Path(path) => {
            let name = path.to_token_stream().to_string();
            module.texts.get(&name).cloned().unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Whether an expression is the same for every argument, as `None`, `Ok(None)`, `Vec::new()` and `false` are.
fn is_fixed(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(_) => true,
        Expr::Path(path) => is_constant(&path.to_token_stream().to_string()),
        Expr::Call(call) => is_constructor(&call.func) && call.args.iter().all(is_fixed),
        Expr::Match(it) => it.arms.is_empty(),
        Expr::Tuple(tuple) => tuple.elems.iter().all(is_fixed),
        _ => false,
    }
}

fn is_constant(path: &str) -> bool {
    path == "None" || path.starts_with("Errno ::") || path.contains("ErrorKind ::")
}

fn is_constructor(function: &Expr) -> bool {
    let path = function.to_token_stream().to_string();
    ["Ok", "Err", "Some"].contains(&path.as_str()) || path.ends_with(":: new") || path.ends_with(":: default")
}

/// Returns the reason in the first sentence of a doc comment: the text after a colon or after "because".
fn documented_reason(definition: &Definition) -> Option<String> {
    let paragraph = definition.docs.first()?;
    let sentence = paragraph.split(". ").next()?.trim_end_matches('.');
    let (_, reason) = sentence.split_once(": ").or_else(|| sentence.split_once(", because "))?;
    Some(reason.to_owned())
}
