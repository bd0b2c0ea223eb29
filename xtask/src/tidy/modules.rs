//! The modules of a crate, and which file refers to which.

use std::collections::HashMap;

use super::reader::{Mention, Reader};
use super::source::split_rust;

/// A file that refers to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference {
    pub from: usize,
    pub to: usize,
    pub line: usize,
    /// Whether it stands in a `#[cfg(test)]` module.
    pub in_test: bool,
}

/// All modules of one crate.
pub struct Crate {
    modules: Vec<Module>,
    by_path: HashMap<Vec<String>, usize>,
}

struct Module {
    file: String,
    path: Vec<String>,
    /// Each name that `use` brings into scope, or `*` for a glob, and its path.
    imports: Vec<(String, Vec<String>)>,
    /// Names of the items that the file defines.
    items: Vec<String>,
    mentions: Vec<Mention>,
}

impl Crate {
    /// Parses the files of a crate: their names relative to its `src` folder, and their text.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Crate {
        let modules: Vec<_> = files.into_iter().map(|(name, text)| Module::parse(name, text)).collect();
        let by_path =
            modules.iter().enumerate().map(|(index, module)| (module.path.clone(), index)).collect();
        Crate { modules, by_path }
    }

    pub fn file(&self, index: usize) -> &str {
        &self.modules[index].file
    }

    /// Returns every reference to another file. A module that refers to its own submodules is left out: it
    /// declares them, and lists or exports what they hold.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for (from, module) in self.modules.iter().enumerate() {
            for mention in &module.mentions {
                let Some((to, _)) = self.resolve(from, &mention.segments, mention.depth, 0) else { continue };
                if to != from && !self.modules[to].path.starts_with(&module.path) {
                    found.push(Reference { from, to, line: mention.line, in_test: mention.in_test });
                }
            }
        }
        found
    }

    /// Returns the module that a path leads to, and whether the path names the module itself.
    fn resolve(&self, from: usize, segments: &[String], depth: usize, hops: usize) -> Option<(usize, bool)> {
        let module = &self.modules[from];
        let (first, rest) = segments.split_first()?;
        if hops > 16 {
            return None;
        }
        match first.as_str() {
            "crate" => self.walk(*self.by_path.get(&Vec::new())?, rest, hops),
            "self" => self.walk(from, rest, hops),
            "super" => {
                let ups = segments.iter().take_while(|segment| *segment == "super").count();
                let length = module.path.len().checked_sub(ups.saturating_sub(depth))?;
                self.walk(*self.by_path.get(&module.path[..length])?, &segments[ups..], hops)
            }
            name if self.child(from, name).is_some() => self.walk(from, segments, hops),
            name if module.imports.iter().any(|(local, _)| local == name) => self.walk(from, segments, hops),
            _ => None,
        }
    }

    fn walk(&self, start: usize, segments: &[String], hops: usize) -> Option<(usize, bool)> {
        let mut module = start;
        for (place, segment) in segments.iter().enumerate() {
            if let Some(child) = self.child(module, segment) {
                module = child;
                continue;
            }
            let rest = &segments[place + 1..];
            return match self.imported(module, segment, hops) {
                Some((target, true)) => self.walk(target, rest, hops + 1),
                Some(item) => Some(item),
                None => Some((module, false)),
            };
        }
        Some((module, true))
    }

    /// Follows `use` in `module`: where `name` comes from.
    fn imported(&self, module: usize, name: &str, hops: usize) -> Option<(usize, bool)> {
        let Module { imports, items, .. } = &self.modules[module];
        if items.iter().any(|item| item == name) {
            return None;
        }
        let named = imports.iter().filter(|(local, _)| local == name);
        let direct = named.into_iter().find_map(|(_, path)| self.resolve(module, path, 0, hops + 1));
        direct.or_else(|| {
            let globs = imports.iter().filter(|(local, _)| local == "*");
            globs.into_iter().find_map(|(_, path)| {
                let (target, _) = self.resolve(module, path, 0, hops + 1)?;
                let is_defined =
                    target != module && self.modules[target].items.iter().any(|item| item == name);
                is_defined.then_some((target, false))
            })
        })
    }

    fn child(&self, module: usize, name: &str) -> Option<usize> {
        let path: Vec<_> = self.modules[module].path.iter().cloned().chain([name.to_owned()]).collect();
        self.by_path.get(&path).copied()
    }
}

impl Module {
    fn parse(name: &str, text: &str) -> Module {
        let code = split_rust(text).code;
        let Reader { imports, items, mentions, .. } = Reader::read(&code);
        Module { file: name.to_owned(), path: path_of(name), imports, items, mentions }
    }
}

/// `["server", "spec"]` of `server/spec.rs`, `["server"]` of `server/mod.rs`.
fn path_of(name: &str) -> Vec<String> {
    let stem = name.trim_end_matches(".rs");
    let mut path: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(files: &[(&str, &str)]) -> Vec<(String, String, bool)> {
        let parsed = Crate::parse(files.iter().copied());
        let references = parsed.references().into_iter();
        references
            .map(|it| (parsed.file(it.from).to_owned(), parsed.file(it.to).to_owned(), it.in_test))
            .collect()
    }

    fn edge(from: &str, to: &str) -> (String, String, bool) {
        (from.to_owned(), to.to_owned(), false)
    }

    #[test]
    fn follows_exports_to_the_file() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::Thing;"),
            ("b/mod.rs", "mod thing; pub use thing::Thing;"),
            ("b/thing.rs", "pub struct Thing;"),
        ];
        assert_eq!(edges(&files), [edge("a.rs", "b/thing.rs")]);
    }

    #[test]
    fn understands_nested_imports_and_paths() {
        let files = [
            ("lib.rs", ""),
            ("a.rs", "use crate::{b::{self, X}, c}; fn f() { b::g(); c::h(); super::d::i(); }"),
            ("b.rs", ""),
            ("c.rs", ""),
            ("d.rs", ""),
        ];
        let mut found = edges(&files);
        found.dedup();
        assert_eq!(found, ["b.rs", "c.rs", "b.rs", "c.rs", "d.rs"].map(|to| edge("a.rs", to)));
    }

    #[test]
    fn an_inline_module_is_part_of_its_file() {
        let files = [
            ("lib.rs", ""),
            ("a.rs", "fn f() {} #[cfg(test)] mod tests { use super::*; use crate::b; }"),
            ("b.rs", "mod inner { use super::super::a; }"),
        ];
        let expected = [("a.rs".to_owned(), "b.rs".to_owned(), true), edge("b.rs", "a.rs")];
        assert_eq!(edges(&files), expected);
    }

    #[test]
    fn follows_globs_to_the_definition() {
        let files = [
            ("lib.rs", ""),
            ("a.rs", "use crate::sys::f;"),
            ("sys/mod.rs", "pub use linux::*;"),
            ("sys/linux.rs", "pub fn f() {}"),
        ];
        assert_eq!(edges(&files), [edge("a.rs", "sys/linux.rs")]);
    }
}
