//! Bytes that no builder wrote: nothing is lost that matters, nothing grows without bound, and nothing panics.

use std::fmt::Write as _;
use std::io::Read;

use envfix::build_log::read;

use super::{SYMPTOMS, of};

/// Bytes that are made while they are read.
struct Stream {
    piece: Vec<u8>,
    left: u64,
    at: usize,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() && self.left > 0 {
            let rest = &self.piece[self.at..];
            let length = rest.len().min(buffer.len() - written);
            buffer[written..written + length].copy_from_slice(&rest[..length]);
            written += length;
            self.at += length;
            if self.at == self.piece.len() {
                (self.at, self.left) = (0, self.left - 1);
            }
        }
        Ok(written)
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_keeps_its_beginning_and_its_end() {
    let middle = Stream { piece: vec![b'x'; 1 << 20], left: 100, at: 0 };
    let input =
        b"NewConnectionError ".chain(middle).chain(&b" ERROR: end\nERROR: No matching distribution found for a\n"[..]);
    let found = read(input, &SYMPTOMS).unwrap();
    assert_eq!(found.lines, 2);
    assert_eq!(
        found.steps[0].sightings.iter().map(|seen| (seen.symptom, seen.line)).collect::<Vec<_>>(),
        [(2, 1), (0, 2)]
    );
}

#[test]
fn an_error_between_two_redraws_of_an_endless_line_is_not_lost() {
    let bar = || Stream { piece: b"downloading 10%\r".to_vec(), left: 1 << 20, at: 0 };
    let input = bar().chain(&b"NewConnectionError: here\r"[..]).chain(bar()).chain(&b"\n"[..]);
    let found = read(input, &SYMPTOMS).unwrap();
    assert_eq!((found.lines, found.steps[0].sightings.len()), (1, 1));
    assert_eq!(found.steps[0].sightings[0].text, "NewConnectionError: here");
}

#[test]
fn a_million_steps_are_read_and_the_last_are_kept() {
    let mut text = String::new();
    for number in 1..=1_000_000 {
        writeln!(text, "Step {number}/1000000 : RUN x{number}").unwrap();
    }
    let found = of(&text);
    assert!(found.steps.len() <= 400);
    assert_eq!(found.steps.last().and_then(|step| step.number), Some((1_000_000, Some(1_000_000))));

    let text: String = (1..=100_000).map(|number| format!("#{number} [{number}/9] RUN x\n")).collect();
    assert!(of(&text).steps.len() <= 1000);
    let text: String = (1..=100_000).map(|number| format!("#{number} ERROR: x\n")).collect();
    assert!(of(&text).steps.len() <= 400);
    let text: String = (1..=100_000).map(|number| format!(" => [s{number} {number}/9] RUN x  1.0s\n")).collect();
    assert!(of(&text).steps.len() <= 1000);
}

#[test]
fn no_bytes_make_it_panic() {
    let words: [&[u8]; 44] = [
        b"\x1b[",
        b"\x1b]",
        b"\x1b",
        b"[91m",
        b"[",
        b"^[[",
        b"\r",
        b"\n",
        b"\r\n",
        b"\0",
        b"\x08",
        b"\xff",
        b"\xe2\x90\x9b[",
        b"\xef\xbf\xbd[",
        b"------\n",
        b" > [1/2] RUN x:\n",
        b"#1 ",
        b"#7 0.1 ",
        b"#7 ERROR: ",
        b"#7 [2/2] RUN x",
        b"#7 DONE 1s",
        b"#7 ...",
        b" => [1/2] RUN x 1.0s\n",
        b" => => # ",
        b"[+] Building 1.0s (1/2)\n",
        b"Step 1/2 : RUN x\n",
        b"Step 2 : RUN y\n",
        b" ---> 0123456789ab\n",
        b"The command '",
        b"' returned a non-zero code: 1\n",
        b"STEP 1/2: RUN x\n",
        b"INFO[0001] RUN x\n",
        b"failed to solve: ",
        b"process \"",
        b"\" did not complete successfully: exit code: 99999999999999",
        b"error building image: ",
        b"building at STEP \"",
        b"2024-01-01T00:00:00Z ",
        b"> ",
        b"a | ",
        b"Dockerfile:12\n",
        b"  12 | >>> ",
        b"COPY failed: ",
        b"ERROR: ",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let set = &*SYMPTOMS;
    for round in 0..3000 {
        let mut bytes = Vec::new();
        for _ in 0..random() % 60 {
            bytes.extend_from_slice(words[(random() % 44) as usize]);
        }
        if round % 3 == 0 {
            for _ in 0..random() % 20 {
                let at = random() as usize % (bytes.len() + 1);
                bytes.insert(at, random() as u8);
            }
        }
        let _ = read(&bytes[..], set);
    }
    for _ in 0..200 {
        let bytes: Vec<u8> = (0..4096).map(|_| random() as u8).collect();
        let _ = read(&bytes[..], set);
        let text: Vec<u8> = bytes.iter().map(|byte| b" \n\r\x1b[m;19#=>ESTEP:/"[*byte as usize % 19]).collect();
        let _ = read(&text[..], set);
    }
}
