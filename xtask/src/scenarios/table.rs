//! The table of Linuxes in `docs/systems.md`.

use std::fs;

use anyhow::{Context, Result};

use crate::root;

const PAGE: &str = "docs/systems.md";
const BEGIN: &str = "<!-- scenarios -->\n";
const END: &str = "<!-- /scenarios -->";

/// Writes `rows`, each with the name of its Linux, between the marks of the page. Other rows stay, in the order of
/// `names`.
pub fn write(rows: &[(&str, String)], names: &[&str]) -> Result<()> {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let page = merge(&page, rows, names).with_context(|| format!("{PAGE} has no {BEGIN}"))?;
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

fn merge(page: &str, rows: &[(&str, String)], names: &[&str]) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (old, after) = rest.split_once(END)?;
    let head = "| Linux | kernel | servers | checks passed | seconds | not run there, and why |\n|---|---|---|---|---|---|\n";
    let row = |name: &&str| {
        let new = rows.iter().find(|(of, _)| of == name).map(|(_, row)| row.clone());
        new.or_else(|| {
            Some(old.lines().find(|line| line.starts_with(&format!("| {name} |")))?.to_owned() + "\n")
        })
    };
    Some(format!("{before}{BEGIN}{head}{}{END}{after}", names.iter().filter_map(row).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_rows_replace_old_ones() {
        let page = format!("a\n{BEGIN}| x | 1 |\n| y | 1 |\n| z | 1 |\n{END}\nb\n");
        let new = merge(&page, &[("y", "| y | 2 |\n".to_owned())], &["x", "y"]).unwrap();
        assert!(new.starts_with(&format!("a\n{BEGIN}| Linux |")), "{new}");
        assert!(new.ends_with(&format!("|\n| x | 1 |\n| y | 2 |\n{END}\nb\n")), "{new}");
    }

    #[test]
    fn the_page_has_a_row_for_each_linux() {
        let page = fs::read_to_string(root().join(PAGE)).unwrap();
        for linux in super::super::linuxes::LINUXES {
            assert!(page.contains(&format!("| {} |", linux.name)), "{} is missing in {PAGE}", linux.name);
        }
    }
}
