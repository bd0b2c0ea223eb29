//! Reads the paths in Rust code: what a file imports, and what it mentions.

/// A path in the code of a module.
pub struct Mention {
    pub segments: Vec<String>,
    /// How many inline modules it stands in.
    pub depth: usize,
    pub line: usize,
    pub in_test: bool,
}

/// A word, `::` or another character of the code, and its line.
type Token<'a> = (&'a str, usize);

fn tokens(code: &str) -> Vec<Token<'_>> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (mut found, mut place, mut line) = (Vec::new(), 0, 1);
    while let Some(letter) = code[place..].chars().next() {
        let rest = &code[place..];
        let length = match letter {
            _ if is_word(letter) => rest.find(|it| !is_word(it)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => letter.len_utf8(),
        };
        line += usize::from(letter == '\n');
        if !letter.is_whitespace() {
            found.push((&rest[..length], line));
        }
        place += length;
    }
    found
}

/// The imports, items and paths of one file.
#[derive(Default)]
pub struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    place: usize,
    braces: usize,
    /// For each inline module that is open: the braces around it, and whether it is one of tests.
    inline: Vec<(usize, bool)>,
    /// Each name that `use` brings into scope, or `*` for a glob, and its path.
    pub imports: Vec<(String, Vec<String>)>,
    /// Names of the items that the file defines.
    pub items: Vec<String>,
    pub mentions: Vec<Mention>,
}

impl<'a> Reader<'a> {
    fn word(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.place + ahead).map_or("", |token| token.0)
    }

    /// Reads code without comments and literals.
    pub fn read(code: &'a str) -> Reader<'a> {
        let mut reader = Reader { tokens: tokens(code), ..Reader::default() };
        reader.read_all();
        reader
    }

    fn read_all(&mut self) {
        while self.place < self.tokens.len() {
            match self.word(0) {
                // `use<'a>` names what a type captures.
                "use" if self.word(1) != "<" => self.import(),
                "mod" if self.word(2) == "{" => {
                    let is_test = self.place >= 2 && self.is_preceded_by_cfg_test();
                    self.inline.push((self.braces, is_test));
                    self.place += 2;
                }
                "{" => {
                    self.braces += 1;
                    self.place += 1;
                }
                "}" => {
                    self.braces = self.braces.saturating_sub(1);
                    self.inline.retain(|(around, _)| *around < self.braces);
                    self.place += 1;
                }
                "fn" | "struct" | "enum" | "trait" | "const" | "static" | "type" | "union" => {
                    let name = self.word(1).to_owned();
                    self.items.push(name);
                    self.place += 1;
                }
                _ => self.path(),
            }
        }
    }

    fn is_preceded_by_cfg_test(&self) -> bool {
        let before = self.tokens[..self.place].iter().rev().take(8).map(|token| token.0);
        before.collect::<Vec<_>>().windows(3).any(|it| it == [")", "test", "("])
    }

    /// Reads a `use` up to its semicolon.
    fn import(&mut self) {
        self.place += 1;
        let line = self.tokens.get(self.place).map_or(0, |token| token.1);
        self.tree(&[], line);
    }

    fn tree(&mut self, prefix: &[String], line: usize) {
        let mut path = prefix.to_vec();
        loop {
            match self.word(0) {
                "{" => {
                    self.place += 1;
                    while !matches!(self.word(0), "}" | ";" | "") {
                        self.tree(&path, line);
                        self.place += usize::from(self.word(0) == ",");
                    }
                    self.place += 1;
                    return;
                }
                "*" => {
                    self.place += 1;
                    return self.add_import("*".into(), path, line);
                }
                "::" => self.place += 1,
                "as" => {
                    let alias = self.word(1).to_owned();
                    self.place += 2;
                    return self.add_import(alias, path, line);
                }
                "," | "}" | ";" | "" => {
                    // `self` in braces names the module before them.
                    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                        path.pop();
                    }
                    let name = path.last().cloned().unwrap_or_default();
                    return self.add_import(name, path, line);
                }
                word => {
                    path.push(word.to_owned());
                    self.place += 1;
                }
            }
        }
    }

    fn add_import(&mut self, name: String, path: Vec<String>, line: usize) {
        self.mention(path.clone(), line);
        // The imports of an inline module are its own.
        if self.inline.is_empty() {
            self.imports.push((name, path));
        }
    }

    /// Reads `a::b::c`.
    fn path(&mut self) {
        let (word, line) = self.tokens[self.place];
        let starts = word.starts_with(|first: char| first.is_alphabetic() || first == '_');
        let continues = self.place > 0 && self.tokens[self.place - 1].0 == "::";
        if !starts || continues || self.word(1) != "::" {
            self.place += 1;
            return;
        }
        let mut path = vec![word.to_owned()];
        while self.word(1) == "::"
            && self.word(2).starts_with(|first: char| first.is_alphabetic() || first == '_')
        {
            path.push(self.word(2).to_owned());
            self.place += 2;
        }
        self.place += 1;
        self.mention(path, line);
    }

    fn mention(&mut self, segments: Vec<String>, line: usize) {
        let in_test = self.inline.iter().any(|(_, is_test)| *is_test);
        self.mentions.push(Mention { segments, depth: self.inline.len(), line, in_test });
    }
}
