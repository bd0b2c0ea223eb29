//! The public surface of the library, kept in `docs/public-api.txt`.
//!
//! The surface is everything that `src/lib.rs` exports and does not hide: the items, their public fields, methods and
//! traits. It is read from the source, so it needs no nightly compiler.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use syn::{Item, Type};

use crate::root;

mod items;

use items::{
    attributes, is_hidden, is_left_out, is_public, leaves, module_file, name_of, public_parts, without_body,
    without_private_parts,
};

const SNAPSHOT: &str = "docs/public-api.txt";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the snapshot instead of comparing it.
    #[arg(long)]
    update: bool,
}

pub fn run(args: &Args) -> Result<bool> {
    let (current, path) = (surface()?, root().join(SNAPSHOT));
    if args.update {
        fs::write(&path, current)?;
        return Ok(true);
    }
    let kept = fs::read_to_string(&path).with_context(|| format!("cannot read {SNAPSHOT}"))?;
    for line in kept.lines().filter(|line| !current.lines().any(|it| it == *line)) {
        println!("- {line}");
    }
    for line in current.lines().filter(|line| !kept.lines().any(|it| it == *line)) {
        println!("+ {line}");
    }
    let same = kept == current;
    println!("public-api: {}", if same { "unchanged" } else { "changed: `cargo xtask public-api --update`" });
    Ok(same)
}

/// The names of the modules around an item, from the crate's root.
type ModulePath = Vec<String>;

/// The items of every module of the library.
struct Library(BTreeMap<ModulePath, Vec<Item>>);

/// A public name, and where it leads.
enum Definition<'a> {
    Ours(ModulePath, &'a Item),
    /// A path into another crate.
    External(String),
}

fn surface() -> Result<String> {
    let mut library = Library(BTreeMap::new());
    let source = root().join("src");
    library.load(Vec::new(), &source.join("lib.rs"), &source)?;
    let mut parts = Vec::new();
    library.describe_module(&Vec::new(), &mut parts);
    Ok(parts.join("\n"))
}

impl Library {
    /// Reads the module in `file`, whose submodules are in `folder`.
    fn load(&mut self, path: ModulePath, file: &Path, folder: &Path) -> Result<()> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        self.add(path, parsed.items, folder)
    }

    fn add(&mut self, path: ModulePath, items: Vec<Item>, folder: &Path) -> Result<()> {
        for item in &items {
            let Item::Mod(module) = item else { continue };
            if is_left_out(&module.attrs) {
                continue;
            }
            let name = module.ident.to_string();
            let (inner, inner_folder) =
                ([&path[..], std::slice::from_ref(&name)].concat(), folder.join(&name));
            if let Some((_, items)) = &module.content {
                self.add(inner, items.clone(), &inner_folder)?;
            } else if let Some(file) = module_file(folder, &name) {
                self.load(inner, &file, &inner_folder)?;
            }
        }
        self.0.insert(path, items);
        Ok(())
    }

    fn describe_module(&self, path: &ModulePath, parts: &mut Vec<String>) {
        for item in self.0.get(path).into_iter().flatten() {
            if !is_public(item) || is_hidden(attributes(item)) || is_left_out(attributes(item)) {
                continue;
            }
            match item {
                Item::Use(import) => {
                    for (name, target) in leaves(&import.tree) {
                        match self.resolve(path, &target) {
                            Some(definition) => self.describe(&name, &definition, parts),
                            None => parts.push(format!("unresolved: {}\n", target.join("::"))),
                        }
                    }
                }
                Item::Mod(module) => {
                    parts.push(format!("// mod {}\n", module.ident));
                    self.describe_module(&[&path[..], &[module.ident.to_string()]].concat(), parts);
                    parts.push(format!("// end of mod {}\n", module.ident));
                }
                _ => {
                    let name = name_of(item).unwrap_or_default();
                    self.describe(&name, &Definition::Ours(path.clone(), item), parts);
                }
            }
        }
    }

    fn describe(&self, name: &str, definition: &Definition<'_>, parts: &mut Vec<String>) {
        let (module, item) = match definition {
            Definition::External(path) => return parts.push(format!("pub use {path};\n")),
            Definition::Ours(module, item) => (module, *item),
        };
        let mut items = vec![without_private_parts(item.clone())];
        for (place, others) in &self.0 {
            for other in others {
                let Item::Impl(block) = other else { continue };
                let Type::Path(of) = &*block.self_ty else { continue };
                let target: Vec<_> = of.path.segments.iter().map(|part| part.ident.to_string()).collect();
                if target.last().is_none_or(|last| last != name) || is_left_out(&block.attrs) {
                    continue;
                }
                let found = self.resolve(place, &target);
                let is_it = matches!(found, Some(Definition::Ours(at, it)) if at == *module && std::ptr::eq(it, item));
                items.extend(is_it.then(|| public_parts(block.clone())).flatten().map(Item::Impl));
            }
        }
        let text = prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items });
        parts.push(text.lines().map(|line| without_body(line) + "\n").collect());
    }

    /// Finds what `target` means in the module `place`.
    fn resolve(&self, place: &ModulePath, target: &[String]) -> Option<Definition<'_>> {
        let (first, rest) = target.split_first()?;
        let (place, target) = match first.as_str() {
            "crate" => (Vec::new(), rest),
            "self" => (place.clone(), rest),
            "super" => return self.resolve(&place[..place.len() - 1].to_vec(), rest),
            _ => (place.clone(), target),
        };
        let (first, rest) = target.split_first()?;
        let inner = [&place[..], std::slice::from_ref(first)].concat();
        if !rest.is_empty() && self.0.contains_key(&inner) {
            return self.resolve(&inner, rest);
        }
        let items = self.0.get(&place)?;
        if rest.is_empty()
            && let Some(item) = items.iter().find(|it| name_of(it).as_ref() == Some(first))
        {
            return Some(Definition::Ours(place, item));
        }
        let imports =
            items.iter().filter_map(|item| if let Item::Use(import) = item { Some(import) } else { None });
        let import = imports.flat_map(|import| leaves(&import.tree)).find(|(name, _)| name == first);
        match import {
            Some((_, path)) => self.resolve(&place, &[&path[..], rest].concat()),
            None if place.is_empty() || !rest.is_empty() => Some(Definition::External(target.join("::"))),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snapshot_is_current() {
        assert!(run(&Args { update: false }).unwrap(), "run `cargo xtask public-api --update`");
    }

    #[test]
    fn every_export_is_found() {
        let surface = surface().unwrap();
        assert!(!surface.contains("unresolved"), "{surface}");
        for part in ["pub fn check<", "pub const TCP", "pub use nix::unistd::Pid", "// mod inspect"] {
            assert!(surface.contains(part), "{part} is missing");
        }
    }
}
