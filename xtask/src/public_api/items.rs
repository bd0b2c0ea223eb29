//! Names, visibility and attributes of items, and items without their private parts.

use std::path::{Path, PathBuf};

use proc_macro2::{Group, TokenStream, TokenTree};
use syn::{Attribute, Fields, ImplItem, Item, ItemImpl, UseTree, Visibility};

/// Ends a function with a semicolon instead of an empty body.
pub(super) fn without_body(line: &str) -> String {
    let is_function = line.contains("fn ") || line.trim_start().starts_with(')');
    match line.strip_suffix(" {}") {
        Some(head) if is_function => format!("{head};"),
        _ => line.to_owned(),
    }
}

pub(super) fn module_file(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")].into_iter().find(|it| it.is_file())
}

/// The names that a `use` brings into scope, and their paths.
pub(super) fn leaves(tree: &UseTree) -> Vec<(String, Vec<String>)> {
    let below = |first: String, trees: Vec<(String, Vec<String>)>| {
        trees.into_iter().map(move |(name, path)| (name, [vec![first.clone()], path].concat())).collect()
    };
    match tree {
        UseTree::Name(leaf) => vec![(leaf.ident.to_string(), vec![leaf.ident.to_string()])],
        UseTree::Rename(leaf) => vec![(leaf.rename.to_string(), vec![leaf.ident.to_string()])],
        UseTree::Path(path) => below(path.ident.to_string(), leaves(&path.tree)),
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
        UseTree::Glob(_) => Vec::new(),
    }
}

pub(super) fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Struct(it) => &it.ident,
        Item::Enum(it) => &it.ident,
        Item::Trait(it) => &it.ident,
        Item::Type(it) => &it.ident,
        Item::Const(it) => &it.ident,
        Item::Fn(it) => &it.sig.ident,
        // A type made by a macro, such as bitflags.
        Item::Macro(it) => {
            let text = it.mac.tokens.to_string();
            let after = text.split_once("pub struct ")?.1;
            return Some(after.split(|letter: char| !letter.is_alphanumeric()).next()?.to_owned());
        }
        _ => return None,
    };
    Some(name.to_string())
}

pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Struct(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Const(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

pub(super) fn is_public(item: &Item) -> bool {
    let visibility = match item {
        Item::Struct(it) => &it.vis,
        Item::Enum(it) => &it.vis,
        Item::Trait(it) => &it.vis,
        Item::Type(it) => &it.vis,
        Item::Const(it) => &it.vis,
        Item::Fn(it) => &it.vis,
        Item::Mod(it) => &it.vis,
        Item::Use(it) => &it.vis,
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_))
}

pub(super) fn text_of(attribute: &Attribute) -> String {
    quote::ToTokens::to_token_stream(attribute).to_string().replace(' ', "")
}

pub(super) fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| text_of(attribute).contains("doc(hidden)"))
}

/// Whether the item is for the program or for tests alone.
pub(super) fn is_left_out(attributes: &[Attribute]) -> bool {
    let conditions = ["#[cfg(test)]", "#[cfg(feature=\"cli\")]", "#[cfg(doctest)]"];
    attributes.iter().any(|attribute| conditions.contains(&text_of(attribute).as_str()))
}

/// Keeps the attributes that are part of the surface.
pub(super) fn keep(attributes: &mut Vec<Attribute>) {
    attributes.retain(|it| it.path().is_ident("derive") || it.path().is_ident("non_exhaustive"));
}

pub(super) fn without_private_parts(mut item: Item) -> Item {
    match &mut item {
        Item::Struct(it) => {
            keep(&mut it.attrs);
            if let Fields::Named(fields) = &mut it.fields {
                let named = std::mem::take(&mut fields.named).into_iter();
                fields.named = named.filter(|field| matches!(field.vis, Visibility::Public(_))).collect();
                fields.named.iter_mut().for_each(|field| keep(&mut field.attrs));
            } else if !it.fields.iter().all(|field| matches!(field.vis, Visibility::Public(_))) {
                it.fields = Fields::Unit;
                it.semi_token = Some(Default::default());
            }
        }
        Item::Enum(it) => {
            keep(&mut it.attrs);
            for variant in &mut it.variants {
                keep(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| keep(&mut field.attrs));
            }
        }
        Item::Trait(it) => {
            keep(&mut it.attrs);
            for item in &mut it.items {
                if let syn::TraitItem::Fn(function) = item {
                    keep(&mut function.attrs);
                }
            }
        }
        Item::Type(it) => keep(&mut it.attrs),
        Item::Fn(it) => {
            keep(&mut it.attrs);
            it.block.stmts.clear();
        }
        Item::Macro(it) => {
            keep(&mut it.attrs);
            it.mac.tokens = without_docs(std::mem::take(&mut it.mac.tokens));
        }
        _ => {}
    }
    item
}

/// Removes doc comments, which are `#[doc = …]` among tokens.
pub(super) fn without_docs(tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.to_string().starts_with("[doc") => drop(kept.pop()),
            TokenTree::Group(group) => {
                kept.push(Group::new(group.delimiter(), without_docs(group.stream())).into());
            }
            token => kept.push(token),
        }
    }
    kept.into_iter().collect()
}

/// The public methods and constants of an `impl`, or its head if it is one of a trait.
pub(super) fn public_parts(mut block: ItemImpl) -> Option<ItemImpl> {
    keep(&mut block.attrs);
    if block.trait_.is_some() {
        block.items.clear();
        return Some(block);
    }
    block.items.retain_mut(|item| match item {
        ImplItem::Fn(it) => {
            let shown =
                matches!(it.vis, Visibility::Public(_)) && !is_hidden(&it.attrs) && !is_left_out(&it.attrs);
            keep(&mut it.attrs);
            it.block.stmts.clear();
            shown
        }
        ImplItem::Const(it) => {
            let shown = matches!(it.vis, Visibility::Public(_)) && !is_hidden(&it.attrs);
            keep(&mut it.attrs);
            it.expr = syn::parse_quote!(_);
            shown
        }
        _ => false,
    });
    (!block.items.is_empty()).then_some(block)
}
