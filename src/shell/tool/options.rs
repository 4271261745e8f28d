//! Reading arguments by a table of the options that a tool knows.

use super::super::Word;
use super::said;

/// An option as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    /// Its first long name, such as `--upgrade` for `-U`; as written where the tool's table has none.
    pub name: String,
    /// Its value without quotes, variables left as they are written.
    pub value: Option<String>,
    /// The index of the word that holds the option.
    pub word: usize,
    /// The index of the word that holds the value, the option's own for `--name=value` and `-nvalue`.
    pub value_word: Option<usize>,
}

/// One option of a tool: its spellings, the name to report first, and whether it takes a value.
pub(super) struct Known(pub(super) &'static [&'static str], pub(super) bool);

/// How a tool reads its options.
#[derive(Clone, Copy)]
pub(super) struct Table {
    /// Tables to look in, in this order.
    pub(super) known: &'static [&'static [Known]],
    /// Whether options end at the first operand, as before a sub-command.
    pub(super) stops: bool,
}

/// What arguments consist of.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    pub(super) options: Vec<Opt>,
    /// Indices of the words that are no options.
    pub(super) operands: Vec<usize>,
    /// Where reading stopped.
    pub(super) end: usize,
}

impl Table {
    fn find(self, name: &str) -> Option<&'static Known> {
        let all = || self.known.iter().flat_map(|known| known.iter());
        if let Some(known) = all().find(|known| known.0.contains(&name)) {
            return Some(known);
        }
        if !name.starts_with("--") || name.len() < 4 {
            return None;
        }
        // optparse and argparse take any beginning that fits one option only, such as `--no-cache`.
        let mut fitting = all().filter(|known| known.0.iter().any(|spelling| spelling.starts_with(name)));
        match (fitting.next(), fitting.next()) {
            (Some(known), None) => Some(known),
            _ => None,
        }
    }

    /// Reads the words from `from` on.
    pub(super) fn read(self, words: &[Word], from: usize) -> Arguments {
        let mut out = Arguments { end: from, ..Arguments::default() };
        let mut only_operands = false;
        while let Some(word) = words.get(out.end) {
            let index = out.end;
            let text = said(word);
            if only_operands || !text.starts_with('-') || text == "-" {
                if self.stops {
                    return out;
                }
                out.operands.push(index);
                out.end += 1;
            } else if text == "--" {
                only_operands = true;
                out.end += 1;
            } else if text.starts_with("--") {
                self.long(words, &text, &mut out);
            } else {
                self.short(words, &text, &mut out);
            }
        }
        out
    }

    fn long(self, words: &[Word], text: &str, out: &mut Arguments) {
        let word = out.end;
        out.end += 1;
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
        let known = self.find(name);
        let name = known.and_then(|known| known.0.first().copied()).unwrap_or(name).to_owned();
        if value.is_some() {
            out.options.push(Opt { name, value, word, value_word: Some(word) });
        } else if known.is_some_and(|known| known.1) {
            self.with_next(words, name, word, out);
        } else {
            out.options.push(Opt { name, value: None, word, value_word: None });
        }
    }

    /// `-q`, `-qU`, `-rfile`, `-r file`, `-qr file`.
    fn short(self, words: &[Word], text: &str, out: &mut Arguments) {
        let word = out.end;
        out.end += 1;
        for (offset, letter) in text.char_indices().skip(1) {
            let spelled = format!("-{letter}");
            let known = self.find(&spelled);
            let name = known.and_then(|known| known.0.first().copied()).unwrap_or(&spelled).to_owned();
            let rest = text.get(offset + letter.len_utf8()..).unwrap_or("");
            let takes_value = known.is_some_and(|known| known.1);
            if !takes_value && !rest.starts_with('=') {
                out.options.push(Opt { name, value: None, word, value_word: None });
                continue;
            }
            if rest.is_empty() {
                self.with_next(words, name, word, out);
            } else {
                let value = rest.strip_prefix('=').unwrap_or(rest).to_owned();
                out.options.push(Opt { name, value: Some(value), word, value_word: Some(word) });
            }
            return;
        }
    }

    fn with_next(self, words: &[Word], name: String, word: usize, out: &mut Arguments) {
        let value = words.get(out.end).map(|word| said(word).into_owned());
        let value_word = value.is_some().then_some(out.end);
        out.end += usize::from(value.is_some());
        out.options.push(Opt { name, value, word, value_word });
    }
}

/// The last option of a name, which is the one that counts.
pub(super) fn last<'o>(options: &'o [Opt], name: &str) -> Option<&'o Opt> {
    options.iter().rev().find(|option| option.name == name)
}
