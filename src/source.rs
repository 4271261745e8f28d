//! One file as it was read: its bytes, its lines, its newline style.
//!
//! Everything that points into a file is a [`Span`] of byte offsets. Lines and columns are made
//! from spans at the very end, for people.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A half-open range of byte offsets in one [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to, not including, `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "span {start}..{end} runs backwards");
        Self { start, end }
    }

    /// The empty span at `offset`: a place to insert at.
    #[must_use]
    pub fn at(offset: usize) -> Self {
        Self { start: offset, end: offset }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span holds no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `other` lies wholly inside this span.
    #[must_use]
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The smallest span that holds both.
    #[must_use]
    pub fn join(self, other: Span) -> Span {
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// A line and a column for people, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for LineColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The newline that most lines of a file end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newline {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

impl Newline {
    /// The bytes of the newline.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Newline::Lf => "\n",
            Newline::CrLf => "\r\n",
        }
    }
}

/// How the text of a file is written in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// What Docker, conda and Azure ML's clients read.
    Utf8,
    /// UTF-16 behind its byte order mark, the lower byte first: what PowerShell 5 writes with `>`.
    Utf16Le,
    /// UTF-16 behind its byte order mark, the higher byte first.
    Utf16Be,
}

/// Why bytes are not a text that envfix reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A NUL byte: no tool writes one into a text on purpose.
    #[error("line {line}: NUL byte at offset {offset}: this is a binary file, not text")]
    Binary {
        /// Line of the byte, from 1.
        line: usize,
        /// Its offset.
        offset: usize,
    },
    /// Bytes that are no UTF-8; they are never re-encoded by a guess.
    #[error("line {line}: invalid UTF-8 at byte offset {offset}; save the file as UTF-8 and run again")]
    InvalidUtf8 {
        /// Line of the byte, from 1.
        line: usize,
        /// Its offset.
        offset: usize,
    },
    /// A UTF-16 byte order mark, and then something else.
    #[error(
        "the file begins as UTF-16, but half a character stands at byte offset {offset}; save it as UTF-8 and run again"
    )]
    InvalidUtf16 {
        /// Its offset.
        offset: usize,
    },
}

/// One file: what it is called, where it is, and its text exactly as read.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    path: Option<PathBuf>,
    text: String,
    encoding: Encoding,
    line_starts: OnceLock<Vec<usize>>,
    newline: OnceLock<Newline>,
}

impl SourceError {
    /// The line of what is wrong, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            SourceError::Binary { line, .. } | SourceError::InvalidUtf8 { line, .. } => *line,
            SourceError::InvalidUtf16 { .. } => 1,
        }
    }
}

impl Source {
    /// Takes a file's bytes. `name` is what reports and diffs call the file.
    ///
    /// # Errors
    /// When the bytes are not a text in UTF-8, or in UTF-16 behind a byte order mark.
    pub fn new(name: impl Into<String>, path: Option<PathBuf>, bytes: Vec<u8>) -> Result<Self, SourceError> {
        let (encoding, bytes) = match bytes.get(..2) {
            Some([0xff, 0xfe]) => (Encoding::Utf16Le, utf16(&bytes, u16::from_le_bytes)?.into_bytes()),
            Some([0xfe, 0xff]) => (Encoding::Utf16Be, utf16(&bytes, u16::from_be_bytes)?.into_bytes()),
            _ => (Encoding::Utf8, bytes),
        };
        let line_of = |bytes: &[u8], offset: usize| 1 + memchr::memchr_iter(b'\n', &bytes[..offset]).count();
        if let Some(offset) = memchr::memchr(0, &bytes) {
            return Err(SourceError::Binary { line: line_of(&bytes, offset), offset });
        }
        match String::from_utf8(bytes) {
            Ok(text) => {
                let (line_starts, newline) = (OnceLock::new(), OnceLock::new());
                Ok(Self { name: name.into(), path, text, encoding, line_starts, newline })
            }
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                Err(SourceError::InvalidUtf8 { line: line_of(error.as_bytes(), offset), offset })
            }
        }
    }

    /// A source made from text, for examples and for texts that come from no file.
    #[must_use]
    pub fn from_text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: None,
            text: text.into(),
            encoding: Encoding::Utf8,
            line_starts: OnceLock::new(),
            newline: OnceLock::new(),
        }
    }

    /// The same file with another text.
    #[must_use]
    pub fn with_text(&self, text: String) -> Self {
        Self {
            name: self.name.clone(),
            path: self.path.clone(),
            text,
            encoding: self.encoding,
            line_starts: OnceLock::new(),
            newline: OnceLock::new(),
        }
    }

    /// The same file with its text in another encoding.
    #[must_use]
    pub fn encoded(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// How its text is written in bytes.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The file as it is on the disk.
    #[must_use]
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| {
            std::iter::once(0xfeff).chain(self.text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>()
        };
        match self.encoding {
            Encoding::Utf8 => Cow::Borrowed(self.text.as_bytes()),
            Encoding::Utf16Le => Cow::Owned(utf16(u16::to_le_bytes)),
            Encoding::Utf16Be => Cow::Owned(utf16(u16::to_be_bytes)),
        }
    }

    /// What reports and diffs call the file, with `/` between folders.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the file is, when it came from disk.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The whole text, a byte order mark of UTF-8 included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        &self.text[span.start..span.end]
    }

    /// Whether the text begins with a byte order mark (three bytes, part of the text and of spans).
    #[must_use]
    pub fn has_bom(&self) -> bool {
        self.text.starts_with('\u{feff}')
    }

    /// The newline that most lines end in; `\n` where there is none.
    #[must_use]
    pub fn newline(&self) -> Newline {
        *self.newline.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let (mut crlf, mut lf) = (0usize, 0usize);
            for at in memchr::memchr_iter(b'\n', bytes) {
                if at > 0 && bytes[at - 1] == b'\r' { crlf += 1 } else { lf += 1 }
            }
            if crlf > lf { Newline::CrLf } else { Newline::Lf }
        })
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', self.text.as_bytes()).map(|at| at + 1)).collect()
        })
    }

    /// The line of an offset, from 1.
    #[must_use]
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|start| *start <= offset)
    }

    /// The line and column of an offset, for people.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> LineColumn {
        let line = self.line(offset);
        let start = self.line_starts()[line - 1];
        LineColumn { line, column: 1 + self.text[start..offset].chars().count() }
    }

    /// The offset at which the line that holds `offset` begins.
    #[must_use]
    pub fn line_start(&self, offset: usize) -> usize {
        self.line_starts()[self.line(offset) - 1]
    }

    /// The offset behind the line that holds `offset`, its newline left out.
    #[must_use]
    pub fn line_end(&self, offset: usize) -> usize {
        let end = memchr::memchr(b'\n', &self.text.as_bytes()[offset..]).map_or(self.text.len(), |at| offset + at);
        if end > offset && self.text.as_bytes()[end - 1] == b'\r' && end < self.text.len() { end - 1 } else { end }
    }

    /// The blanks that the line that holds `offset` begins with.
    #[must_use]
    pub fn indent(&self, offset: usize) -> &str {
        let start = self.line_start(offset);
        let line = &self.text[start..];
        let width = line.len() - line.trim_start_matches([' ', '\t']).len();
        &self.text[start..start + width]
    }
}

/// The text behind a UTF-16 byte order mark.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, SourceError> {
    let (units, rest) = bytes[2..].as_chunks::<2>();
    let mut text = String::with_capacity(units.len());
    let mut offset = 2;
    for decoded in char::decode_utf16(units.iter().map(|pair| unit(*pair))) {
        let decoded = decoded.map_err(|_| SourceError::InvalidUtf16 { offset })?;
        offset += 2 * decoded.len_utf16();
        text.push(decoded);
    }
    if rest.is_empty() { Ok(text) } else { Err(SourceError::InvalidUtf16 { offset }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_read_behind_its_mark_and_written_back_byte_for_byte() {
        for (encoding, bytes) in [
            (Encoding::Utf16Le, b"\xff\xfeF\0\xe9\0\x3d\xd8\0\xde\n\0".to_vec()),
            (Encoding::Utf16Be, b"\xfe\xff\0F\0\xe9\xd8\x3d\xde\0\0\n".to_vec()),
        ] {
            let source = Source::new("f", None, bytes.clone()).unwrap();
            assert_eq!((source.text(), source.encoding()), ("F\u{e9}\u{1f600}\n", encoding));
            assert_eq!(source.bytes(), bytes);
            assert_eq!(source.encoded(Encoding::Utf8).bytes(), "F\u{e9}\u{1f600}\n".as_bytes());
        }
    }

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let source = Source::from_text("f", "äb\ncd");
        assert_eq!(source.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(source.line_column(2), LineColumn { line: 1, column: 2 });
        assert_eq!(source.line_column(4), LineColumn { line: 2, column: 1 });
        assert_eq!(source.line_column(6), LineColumn { line: 2, column: 3 });
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_line() {
        assert_eq!(Source::new("f", None, b"a\nb\0".to_vec()).unwrap_err(), SourceError::Binary { line: 2, offset: 3 });
        assert_eq!(
            Source::new("f", None, b"a\n\xe9".to_vec()).unwrap_err(),
            SourceError::InvalidUtf8 { line: 2, offset: 2 }
        );
        let half = |bytes: &[u8]| Source::new("f", None, bytes.to_vec()).unwrap_err();
        assert_eq!(half(&[0xff, 0xfe, 65, 0, 66]), SourceError::InvalidUtf16 { offset: 4 });
        assert_eq!(half(&[0xfe, 0xff, 0xd8, 0x3d, 0, 65]), SourceError::InvalidUtf16 { offset: 2 });
        assert_eq!(half(&[0xff, 0xfe, 65, 0, 0, 0]), SourceError::Binary { line: 1, offset: 1 });
    }

    #[test]
    fn the_newline_is_that_of_most_lines() {
        assert_eq!(Source::from_text("f", "a\r\nb\r\nc\n").newline(), Newline::CrLf);
        assert_eq!(Source::from_text("f", "a\rb\n").newline(), Newline::Lf);
        assert_eq!(Source::from_text("f", "").newline(), Newline::Lf);
    }

    #[test]
    fn a_line_ends_before_its_newline_of_either_kind() {
        let source = Source::from_text("f", "ab\r\ncd\nef");
        assert_eq!((source.line_end(0), source.line_end(4), source.line_end(7)), (2, 6, 9));
    }
}
