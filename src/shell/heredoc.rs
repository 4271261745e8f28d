//! Here-documents inside a script.

use super::parser::{Read, Reader};
use super::word::decode;
use super::{Nesting, Word};

/// A here-document whose body is still to come.
pub(super) struct Pending {
    delimiter: String,
    /// Whether expansions in its body are left alone.
    quoted: bool,
    /// `<<-`: tabs before its lines are dropped.
    tabs: bool,
    /// What the redirection stands in.
    nesting: Vec<Nesting>,
}

impl Reader<'_> {
    /// Notes the here-document whose delimiter was just read.
    pub(super) fn open_heredoc(&mut self, delimiter: &Word, tabs: bool) -> Read<()> {
        let decoded = decode(&delimiter.raw);
        if decoded.expands || delimiter.raw.contains("\\\n") {
            return Err(self.error_at(delimiter.range.start, "a here-document's delimiter that is not plain"));
        }
        let quoted = delimiter.raw.contains(['\\', '\'', '"']);
        self.pending.push(Pending { delimiter: decoded.text, quoted, tabs, nesting: self.nesting.clone() });
        Ok(())
    }

    /// Reads a newline and the bodies that begin behind it.
    pub(super) fn newline(&mut self) -> Read<()> {
        let start = self.at;
        self.at += 1;
        self.token_from(start);
        for (number, heredoc) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            if number > 0 {
                if self.peek(0) != b'\n' {
                    return Err(self.error("a here-document that does not end"));
                }
                let newline = self.at;
                self.at += 1;
                self.token_from(newline);
            }
            self.heredoc_body(heredoc)?;
        }
        Ok(())
    }

    /// Moves behind the line that ends the body, its newline left out.
    fn heredoc_body(&mut self, heredoc: Pending) -> Read<()> {
        let start = self.at;
        let (body_end, end) = self.heredoc_end(&heredoc)?;
        if !heredoc.quoted {
            let nesting = std::mem::replace(&mut self.nesting, heredoc.nesting);
            let limit = std::mem::replace(&mut self.end, body_end);
            self.in_words += 1;
            self.deeper(Self::heredoc_expansions)?;
            self.in_words -= 1;
            self.end = limit;
            self.nesting = nesting;
        }
        self.at = end;
        self.token_from(start);
        Ok(())
    }

    fn heredoc_expansions(&mut self) -> Read<()> {
        while self.at < self.end {
            match self.peek(0) {
                b'\\' => self.at += if self.text.is_char_boundary(self.at + 2) { 2 } else { 1 },
                b'$' => self.dollar(true)?,
                b'`' => self.backquotes(false)?,
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    /// The end of the body that begins at the place, and the end of the line that ends it.
    fn heredoc_end(&self, heredoc: &Pending) -> Read<(usize, usize)> {
        let mut line_start = self.at;
        let mut continued = false;
        while line_start < self.end {
            let rest = self.bytes.get(line_start..self.end).unwrap_or(&[]);
            let line_end = memchr::memchr(b'\n', rest).map_or(self.end, |length| line_start + length);
            let line = self.text.get(line_start..line_end).unwrap_or("");
            let shown = if heredoc.tabs { line.trim_start_matches('\t') } else { line };
            if shown == heredoc.delimiter {
                if continued {
                    return Err(self.error_at(line_start, "a here-document's delimiter behind a continued line"));
                }
                return Ok((line_start, line_end));
            }
            let backslashes = line.len() - line.trim_end_matches('\\').len();
            continued = !heredoc.quoted && backslashes % 2 == 1;
            line_start = line_end + 1;
        }
        Err(self.error(format!("the here-document `{}` does not end", heredoc.delimiter)))
    }
}
