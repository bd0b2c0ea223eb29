//! The files of `src/sys`, and where a name of a module is defined.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use quote::ToTokens;
use syn::{Attribute, Block, Expr, ImplItem, Item, Lit, Meta, UseTree, Visibility};

/// A function, a method or a constant of the contract as one file defines it.
#[derive(Clone)]
pub struct Definition {
    /// Its name, with the type in front of a method: `MessageQueue::send`.
    pub name: String,
    /// Its doc comment, one line a paragraph.
    pub docs: Vec<String>,
    /// The body of a function; none for a constant.
    pub body: Option<Block>,
}

/// One file of `src/sys`: the definitions that other files may use, and the names that it re-exports.
#[derive(Default)]
pub struct Module {
    pub definitions: Vec<Definition>,
    /// Each re-exported name, and the path that it comes from.
    pub exports: Vec<(String, Vec<String>)>,
    /// The functions and constants that no other file may use.
    pub private: Vec<Definition>,
    /// The values of the constants that are text.
    pub texts: BTreeMap<String, String>,
}

/// All files of `src/sys`, by folder and stem: `("macos", "peers")`. The folder of `mod.rs` itself is empty.
pub struct Sources(BTreeMap<(String, String), Module>);

impl Sources {
    /// Parses the files in `folder` and in its folders.
    pub fn read(folder: &Path) -> Result<Sources> {
        let mut texts = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let inner =
                if path.is_dir() { fs::read_dir(&path)?.collect::<Result<Vec<_>, _>>()? } else { vec![] };
            let files = inner.iter().map(fs::DirEntry::path).chain((!path.is_dir()).then(|| path.clone()));
            for file in files.filter(|file| file.extension().is_some_and(|it| it == "rs")) {
                let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let room = if path.is_dir() { stem(&path) } else { String::new() };
                texts.push((room, stem(&file), fs::read_to_string(&file)?));
            }
        }
        Sources::parse(texts.iter().map(|(room, stem, text)| (room.as_str(), stem.as_str(), text.as_str())))
    }

    /// Parses files: the folder, the stem and the text of each.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Result<Sources> {
        let mut modules = BTreeMap::new();
        for (folder, stem, text) in files {
            let file = syn::parse_file(text).with_context(|| format!("cannot parse {folder}/{stem}.rs"))?;
            modules.insert((folder.to_owned(), stem.to_owned()), Module::of(&file.items));
        }
        Ok(Sources(modules))
    }

    pub fn module(&self, folder: &str, stem: &str) -> Option<&Module> {
        self.0.get(&(folder.to_owned(), stem.to_owned()))
    }

    /// Returns every file of `src/sys`: folder, stem and content.
    pub fn modules(&self) -> impl Iterator<Item = (&str, &str, &Module)> {
        self.0.iter().map(|((folder, stem), module)| (folder.as_str(), stem.as_str(), module))
    }

    /// Returns the folder and the file that define `name` of the module `stem` of the system `folder`, which may
    /// re-export it from another folder.
    pub fn find(&self, folder: &str, stem: &str, name: &str) -> Option<(String, &Module)> {
        const FURTHEST: usize = 4;
        let (mut folder, mut stem) = (folder.to_owned(), stem.to_owned());
        for _ in 0..FURTHEST {
            let Some(module) = self.module(&folder, &stem) else {
                // The system re-exports the whole module.
                let exports = &self.module(&folder, "mod")?.exports;
                let (_, path) = exports.iter().find(|(local, _)| *local == stem)?;
                (folder, stem) = folder_and_stem(&folder, path, 0)?;
                continue;
            };
            if module.definitions.iter().any(|it| it.is_part_of(name)) {
                return Some((folder, module));
            }
            let (_, path) = module.exports.iter().find(|(local, _)| local == name)?;
            (folder, stem) = folder_and_stem(&folder, path, 1)?;
        }
        None
    }
}

/// Returns the folder and the stem in a path such as `crate::sys::bsd::kqueue::wait_for_exit`, whose last `rest`
/// segments name an item. `super` is the folder `own`.
fn folder_and_stem(own: &str, path: &[String], rest: usize) -> Option<(String, String)> {
    let [.., folder, stem] = path.get(..path.len() - rest)? else { return None };
    Some((if folder == "super" { own } else { folder }.to_owned(), stem.clone()))
}

impl Definition {
    /// Whether this is the item `name` or one of its methods.
    pub fn is_part_of(&self, name: &str) -> bool {
        self.name == name || self.name.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"))
    }

    /// Returns the text after `Verified: ` in the doc comment.
    pub fn verified(&self) -> Option<&str> {
        self.docs.iter().find_map(|line| line.strip_prefix("Verified: "))
    }
}

impl Module {
    fn of(items: &[Item]) -> Module {
        let mut module = Module::default();
        items.iter().for_each(|item| module.add(item));
        module
    }

    fn add(&mut self, item: &Item) {
        match item {
            Item::Fn(it) => {
                self.define(&it.vis, Definition::new(it.sig.ident.to_string(), &it.attrs, Some(&it.block)));
            }
            Item::Const(it) => {
                let name = it.ident.to_string();
                if let Expr::Lit(literal) = &*it.expr
                    && let Lit::Str(text) = &literal.lit
                {
                    self.texts.insert(name.clone(), text.value());
                }
                self.define(&it.vis, Definition::new(name, &it.attrs, None));
            }
            Item::Impl(it) if it.trait_.is_none() => {
                let owner = it.self_ty.to_token_stream().to_string();
                for part in &it.items {
                    let name = |ident: &syn::Ident| format!("{owner}::{ident}");
                    match part {
                        ImplItem::Fn(it) => self.define(
                            &it.vis,
                            Definition::new(name(&it.sig.ident), &it.attrs, Some(&it.block)),
                        ),
                        ImplItem::Const(it) => {
                            self.define(&it.vis, Definition::new(name(&it.ident), &it.attrs, None));
                        }
                        _ => {}
                    }
                }
            }
            Item::Use(it) if is_public(&it.vis) => {
                leaves(&it.tree, &mut Vec::new(), &mut self.exports);
            }
            Item::Use(it) => {
                // `unix` takes parts of the contract that nothing else sees from `system`.
                let mut imports = Vec::new();
                leaves(&it.tree, &mut Vec::new(), &mut imports);
                self.exports
                    .extend(imports.into_iter().filter(|(_, path)| path.iter().any(|it| it == "system")));
            }
            _ => {}
        }
    }

    fn define(&mut self, visibility: &Visibility, definition: Definition) {
        let list = if is_public(visibility) { &mut self.definitions } else { &mut self.private };
        list.push(definition);
    }
}

impl Definition {
    fn new(name: String, attributes: &[Attribute], body: Option<&Block>) -> Definition {
        Definition { name, docs: paragraphs(attributes), body: body.cloned() }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns the paragraphs of a doc comment, each in one line.
fn paragraphs(attributes: &[Attribute]) -> Vec<String> {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let mut found = vec![String::new()];
    for line in lines {
        match found.last_mut() {
            _ if line.is_empty() => found.push(String::new()),
            Some(paragraph) if paragraph.is_empty() => *paragraph = line,
            Some(paragraph) => *paragraph = format!("{paragraph} {line}"),
            None => {}
        }
    }
    found
}

/// Adds each name of a `use` to `found`, with its path.
fn leaves(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            leaves(&part.tree, path, found);
            path.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, path, found)),
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            found.push((name.clone(), [&path[..], &[name]].concat()));
        }
        UseTree::Rename(_) | UseTree::Glob(_) => {}
    }
}
