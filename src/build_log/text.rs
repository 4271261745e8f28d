//! Bytes to lines: encodings, lines that never end, and what is no text at all.
//!
//! Both `\n` and a lone `\r` end a *segment*; only `\n` counts as a line. A progress bar that redraws itself is many
//! segments of one line, so that nothing written between two redraws is lost however long the line grows.

use std::io::{ErrorKind, Read};

use memchr::{memchr_iter, memchr2};

use super::LogError;

/// A longer segment keeps its beginning and its end.
const LONGEST: usize = 64 * 1024;
const HEAD: usize = 48 * 1024;
const TAIL: usize = 8 * 1024;
/// What stands for what was left out of a long segment.
const GAP: &[u8] = b" [...] ";
/// How many bytes the kind of file is told from.
const SNIFFED: usize = 4096;
const BLOCK: usize = 128 * 1024;

/// A piece of the log that ends in `\n`, `\r` or the end of the log, which are left out.
pub(super) struct Segment<'a> {
    /// The line it is in, from 1.
    pub line: u64,
    /// Whether it is the first of its line.
    pub first: bool,
    /// UTF-8, or what was meant to be.
    pub bytes: &'a [u8],
}

/// The segments of a log that are not empty.
pub(super) struct Lines<R> {
    input: R,
    encoding: Encoding,
    ended: bool,
    /// The block as read, when it has to be decoded.
    raw: Vec<u8>,
    /// UTF-8 not yet given out begins at `at`.
    block: Vec<u8>,
    at: usize,
    /// The segment that is being put together from several blocks.
    long: Long,
    line: u64,
    first: bool,
    /// Whether anything stands behind the last `\n`.
    open: bool,
}

impl<R: Read> Lines<R> {
    /// Looks at the beginning of the log.
    pub fn new(mut input: R) -> Result<Self, LogError> {
        let mut raw = vec![0; SNIFFED];
        let length = fill(&mut input, &mut raw)?;
        raw.truncate(length);
        let (encoding, skip) = sniff(&raw)?;
        let mut lines = Self {
            input,
            encoding,
            ended: length < SNIFFED,
            raw: Vec::new(),
            block: Vec::with_capacity(BLOCK),
            at: 0,
            long: Long::default(),
            line: 1,
            first: true,
            open: false,
        };
        lines.take(raw.get(skip..).unwrap_or_default().to_vec());
        Ok(lines)
    }

    /// How many lines were read so far.
    pub fn count(&self) -> u64 {
        self.line - u64::from(!self.open)
    }

    /// The next segment.
    pub fn next(&mut self) -> Result<Option<Segment<'_>>, LogError> {
        loop {
            if self.at == self.block.len() && !self.more()? {
                if self.long.is_empty() {
                    return Ok(None);
                }
                return Ok(Some(Segment { line: self.line, first: self.first, bytes: self.long.take() }));
            }
            let rest = &self.block[self.at..];
            let Some(length) = memchr2(b'\n', b'\r', rest) else {
                self.long.push(rest);
                self.at = self.block.len();
                self.open = true;
                continue;
            };
            let start = self.at;
            self.at += length + 1;
            let (line, first) = (self.line, self.first);
            if rest[length] == b'\n' {
                (self.line, self.first, self.open) = (self.line + 1, true, false);
            } else {
                // A carriage return alone leaves the next segment the first one: it is what CRLF and progress bars end in.
                (self.first, self.open) = (first && length == 0 && self.long.is_empty(), true);
            }
            if self.long.is_empty() && length <= LONGEST {
                if length > 0 {
                    return Ok(Some(Segment { line, first, bytes: &self.block[start..start + length] }));
                }
                continue;
            }
            self.long.push(&self.block[start..start + length]);
            return Ok(Some(Segment { line, first, bytes: self.long.take() }));
        }
    }

    /// Reads another block; `false` at the end of the log.
    fn more(&mut self) -> Result<bool, LogError> {
        while self.at == self.block.len() {
            if self.ended {
                return Ok(false);
            }
            let mut raw = std::mem::take(&mut self.raw);
            if matches!(self.encoding, Encoding::Utf8) {
                raw = std::mem::take(&mut self.block);
            }
            raw.resize(BLOCK, 0);
            let length = match self.input.read(&mut raw) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.ended = length == 0;
            raw.truncate(length);
            self.take(raw);
        }
        Ok(true)
    }

    fn take(&mut self, raw: Vec<u8>) {
        self.at = 0;
        match &mut self.encoding {
            Encoding::Utf8 => self.block = raw,
            Encoding::Utf16(decoder) => {
                self.block.clear();
                decoder.decode(&raw, self.ended, &mut self.block);
                self.raw = raw;
            }
        }
    }
}

fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize, LogError> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(length)
}

/// A segment that came in several blocks or is longer than is kept.
#[derive(Default)]
struct Long {
    /// The beginning, and of what is longer than [`LONGEST`] the latest end.
    head: Vec<u8>,
    tail: Vec<u8>,
    given: bool,
}

impl Long {
    fn is_empty(&self) -> bool {
        self.given || self.head.is_empty()
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.given {
            self.head.clear();
            self.tail.clear();
            self.given = false;
        }
        let (now, later) = bytes.split_at(bytes.len().min(LONGEST.saturating_sub(self.head.len())));
        self.head.extend_from_slice(now);
        self.tail.extend_from_slice(&later[later.len().saturating_sub(TAIL)..]);
        if self.tail.len() > 8 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }

    fn take(&mut self) -> &[u8] {
        self.given = true;
        if !self.tail.is_empty() {
            // The end may still be partly in what follows the part of the head that is kept.
            let from_tail = self.tail.len().min(TAIL);
            let from_head = TAIL - from_tail;
            let end = self.head.split_off(self.head.len() - from_head);
            self.head.truncate(HEAD);
            self.head.extend_from_slice(GAP);
            self.head.extend_from_slice(&end);
            self.head.extend_from_slice(&self.tail[self.tail.len() - from_tail..]);
            self.tail.clear();
        }
        &self.head
    }
}

enum Encoding {
    Utf8,
    Utf16(Utf16),
}

/// Decodes UTF-16 that comes in pieces. What is no UTF-16 becomes U+FFFD.
struct Utf16 {
    big: bool,
    /// The first byte of a unit whose second is still to come.
    half: Option<u8>,
    /// A high surrogate whose low one is still to come.
    high: Option<u16>,
}

impl Utf16 {
    fn decode(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        for byte in bytes {
            let Some(half) = self.half.take() else {
                self.half = Some(*byte);
                continue;
            };
            let unit = if self.big { u16::from_be_bytes([half, *byte]) } else { u16::from_le_bytes([half, *byte]) };
            self.unit(unit, out);
        }
        if last && (self.half.take().is_some() | self.high.take().is_some()) {
            push(char::REPLACEMENT_CHARACTER, out);
        }
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        match (self.high.take(), unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                let code = 0x1_0000 + (u32::from(high - 0xd800) << 10) + u32::from(unit - 0xdc00);
                push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), out);
                return;
            }
            (Some(_), _) => push(char::REPLACEMENT_CHARACTER, out),
            (None, _) => {}
        }
        match unit {
            0xd800..=0xdbff => self.high = Some(unit),
            _ => push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER), out),
        }
    }
}

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Tells the encoding from the first bytes, and how many of them are the mark of it.
fn sniff(bytes: &[u8]) -> Result<(Encoding, usize), LogError> {
    let utf16 = |big| Encoding::Utf16(Utf16 { big, half: None, high: None });
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Ok((Encoding::Utf8, 3));
    }
    if bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xff, 0xfe, 0, 0]) {
        return Ok((utf16(false), 2));
    }
    if bytes.starts_with(&[0xfe, 0xff]) {
        return Ok((utf16(true), 2));
    }
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(LogError::Binary { what });
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Err(LogError::Binary { what: "a tar archive" });
    }
    // Without a mark UTF-16 shows by the NULs in every other byte of ASCII.
    let (mut even, mut odd) = (0, 0);
    for at in memchr_iter(0, bytes) {
        if at % 2 == 0 { even += 1 } else { odd += 1 }
    }
    if odd * 4 > bytes.len() && odd > even * 8 {
        return Ok((utf16(false), 0));
    }
    if even * 4 > bytes.len() && even > odd * 8 {
        return Ok((utf16(true), 0));
    }
    let control = bytes.iter().filter(|byte| is_control(**byte)).count();
    if control >= 8 && control * 20 > bytes.len() {
        return Err(LogError::Binary { what: "binary data" });
    }
    Ok((Encoding::Utf8, 0))
}

/// Control characters that no program prints on a terminal.
fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | 0x08 | 0x0c | 0x07)) || byte == 0x7f
}

/// First bytes of files that are taken for a log by mistake.
const MAGIC: &[(&[u8], &str)] = &[
    (&[0x1f, 0x8b], "a gzip archive"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x7fELF", "a program (ELF)"),
    (b"\x89PNG\r\n\x1a\n", "an image (PNG)"),
    (&[0xff, 0xd8, 0xff], "an image (JPEG)"),
    (b"GIF8", "an image (GIF)"),
    (b"%PDF-", "a PDF document"),
    (b"BZh", "a bzip2 archive"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "an xz archive"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"SQLite format 3\0", "a database (SQLite)"),
    (b"MZ\x90\0", "a program (Windows)"),
    (&[0xff, 0xfe, 0, 0], "text in UTF-32"),
];
