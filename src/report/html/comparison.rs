//! A saved comparison in the HTML page: its charts as images, and its tables.

use serde::Serialize;

/// A saved comparison, shown as a section of the HTML report.
#[derive(Serialize)]
pub struct ComparisonSection {
    /// The names of the mechanisms.
    pub title: String,
    /// The charts: the name of each, and its SVG.
    pub charts: Vec<(String, String)>,
    /// The tables, as text of fixed width.
    pub tables: String,
}

impl ComparisonSection {
    /// Puts the address of an image that holds it in the place of each chart.
    pub(super) fn with_images(&self) -> ComparisonSection {
        let image = |svg: &str| format!("data:image/svg+xml,{}", percent_encoded(svg));
        ComparisonSection {
            title: self.title.clone(),
            charts: self.charts.iter().map(|(name, svg)| (name.clone(), image(svg))).collect(),
            tables: self.tables.clone(),
        }
    }
}

/// Encodes every byte that has a meaning in a data URL or in an attribute of HTML: RFC 3986.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3 / 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b':'
            | b'='
            | b',' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
