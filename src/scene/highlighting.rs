//! Highlighting of scenes for editors, made from the list of steps: a TextMate grammar, and a Vim syntax file.

use std::collections::BTreeSet;

use super::header;
use super::slot::slot;
use super::verb::Verb;
use super::verbs;

/// The words of blocks, and the words that may stand before or behind a step.
const OTHERS: [&str; 11] =
    ["repeat", "together", "for", "each", "offset", "request", "include", "end", "given", "within", "of"];

/// Returns every word of the language that is no name and no value.
#[must_use]
pub fn keywords() -> BTreeSet<&'static str> {
    let verbs = verbs::all().flat_map(Verb::words).filter(|word| slot(word).is_none());
    verbs.chain(header::WORDS).chain(OTHERS).collect()
}

/// Returns the grammar of `.scene` files for editors that read TextMate grammars, such as VS Code.
#[must_use]
pub fn textmate_grammar() -> String {
    let words = keywords().into_iter().collect::<Vec<_>>().join("|");
    let head = header::WORDS.join("|");
    format!(
        r##"{{
  "name": "echospec scene",
  "scopeName": "source.echospec-scene",
  "fileTypes": ["scene"],
  "patterns": [
    {{ "name": "comment.line.number-sign", "match": "#.*$" }},
    {{
      "name": "string.quoted.double",
      "begin": "\"",
      "end": "\"|$",
      "patterns": [
        {{ "name": "constant.character.escape", "match": "\\\\(x[0-9a-fA-F]{{2}}|.)" }},
        {{ "name": "variable.other", "match": "\\{{[a-z][a-z0-9_-]*\\}}" }}
      ]
    }},
    {{ "name": "keyword.other", "match": "^\\s*({head})\\b(?!\\s+connects)" }},
    {{ "name": "variable.other", "match": "\\{{[a-z][a-z0-9_-]*\\}}" }},
    {{ "name": "constant.other", "match": "\\b([A-Z]+_[A-Z0-9]+|SIG[A-Z0-9]+|ESTABLISHED|CLOSING)\\b" }},
    {{ "name": "constant.numeric", "match": "\\b[0-9][0-9,.]*(ms|s|min)?\\b" }},
    {{ "name": "keyword.control", "match": "(?<![\\w-])({words})(?![\\w-])" }}
  ]
}}
"##
    )
}

/// Returns the syntax file of `.scene` files for Vim.
#[must_use]
pub fn vim_syntax() -> String {
    let words = keywords().into_iter().collect::<Vec<_>>().join(" ");
    format!(
        r##"" Vim syntax file: scenes of echospec. Made from the list of steps by `cargo test --test docs`.
if exists("b:current_syntax")
  finish
endif
syntax iskeyword @,48-57,_,45
syntax keyword sceneKeyword {words}
syntax match sceneNumber "\<[0-9][0-9,.]*\(ms\|s\|min\)\?\>"
syntax match sceneSignal "\<\(SIG[A-Z0-9]\+\|[A-Z]\+_[A-Z0-9]\+\|ESTABLISHED\|CLOSING\)\>"
syntax match sceneName "{{[a-z][a-z0-9_-]*}}"
syntax match sceneEscape "\\\(x\x\x\|.\)" contained
syntax region sceneText start=+"+ skip=+\\.+ end=+"\|$+ contains=sceneEscape,sceneName
syntax match sceneComment "#.*$"
highlight default link sceneKeyword Keyword
highlight default link sceneNumber Number
highlight default link sceneSignal Constant
highlight default link sceneName Identifier
highlight default link sceneEscape SpecialChar
highlight default link sceneText String
highlight default link sceneComment Comment
let b:current_syntax = "echospec-scene"
"##
    )
}
