//! Tests of the scanner: the rules one by one, texts that no one wrote, and sizes that no one needs.

use super::*;
use crate::source::Source;

fn source(text: &str) -> Source {
    Source::from_text("Dockerfile", text)
}

fn read(text: &str) -> Dockerfile {
    let source = source(text);
    let dockerfile = parse(&source).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    check_places(&source, &dockerfile);
    dockerfile
}

fn problem(text: &str) -> Problem {
    parse(&source(text)).unwrap_err().problem
}

fn lines(text: &str) -> Vec<String> {
    read(text).instructions.into_iter().map(|it| it.logical.text).collect()
}

/// Every span lies in the text, on characters, in order; every joined byte is the byte it comes from.
fn check_places(source: &Source, dockerfile: &Dockerfile) {
    let text = source.text();
    let mut last = 0;
    for instruction in &dockerfile.instructions {
        assert!(instruction.span.start >= last, "instructions overlap");
        last = instruction.span.end;
        check_instruction(text, instruction);
    }
    for comment in &dockerfile.comments {
        assert!(text[comment.start..comment.end].starts_with('#'));
        assert!(!text[comment.start..comment.end].contains('\n'));
    }
    assert!(dockerfile.comments.is_sorted());
    let mut end = dockerfile.stages.first().map_or(0, |stage| stage.instructions.start);
    for stage in &dockerfile.stages {
        assert_eq!((stage.from, stage.instructions.start), (end, end));
        assert_eq!(dockerfile.instructions[stage.from].keyword, "FROM");
        end = stage.instructions.end;
    }
    assert!(dockerfile.stages.is_empty() || end == dockerfile.instructions.len());
}

fn check_instruction(text: &str, instruction: &Instruction) {
    let logical = &instruction.logical;
    let whole = instruction.span;
    assert!(text.is_char_boundary(whole.start) && text.is_char_boundary(whole.end));
    assert!(whole.contains(instruction.keyword_span));
    assert!(
        text[instruction.keyword_span.start..instruction.keyword_span.end].eq_ignore_ascii_case(&instruction.keyword)
            || text[instruction.keyword_span.start..instruction.keyword_span.end].contains('\n')
    );
    for (at, byte) in logical.text.bytes().enumerate() {
        assert_eq!(text.as_bytes()[logical.to_source(at)], byte, "byte {at} of {:?}", logical.text);
    }
    let mut last = 0;
    for flag in &instruction.flags {
        assert!(flag.range.start >= last && logical.text[flag.range.clone()].starts_with("--"));
        last = flag.range.end;
    }
    assert!(instruction.arguments.start >= last);
    assert_eq!(instruction.arguments_text(), instruction.arguments_text().trim());
    for word in instruction.words() {
        assert!(!logical.text[word].is_empty());
    }
    for pair in instruction.pairs('\\').into_iter().chain(instruction.pairs('`')) {
        assert!(logical.text[pair.range.clone()].starts_with(&pair.name));
        assert_eq!(pair.value_range.map(|range| &logical.text[range]), pair.value.as_deref());
    }
    for item in instruction.exec.iter().flatten() {
        let span = logical.span(item.range.clone());
        assert!(whole.contains(span) && text[span.start..span.end].starts_with('"'));
    }
    let mut last = whole.start;
    for heredoc in &instruction.heredocs {
        assert!(heredoc.body.start >= last && heredoc.body.end == heredoc.terminator.start);
        last = heredoc.terminator.end;
        let terminator = &text[heredoc.terminator.start..last];
        assert_eq!(if heredoc.strip_tabs { terminator.trim_start_matches('\t') } else { terminator }, heredoc.name);
        assert!(text[heredoc.body.start..heredoc.body.end].is_empty() || text[..heredoc.body.end].ends_with('\n'));
        assert!(whole.contains(heredoc.body) && whole.contains(heredoc.terminator));
    }
    if let Some(inner) = &instruction.onbuild {
        assert!(inner.logical == *logical && inner.onbuild.is_none());
        check_instruction(text, inner);
    }
}

#[test]
fn a_line_continues_where_an_escape_character_ends_it() {
    assert_eq!(lines("RUN a \\\n  b"), ["RUN a   b"]);
    assert_eq!(lines("RUN a\\ \t\r\nb"), ["RUN ab"]);
    assert_eq!(lines("RUN a \\\\\nUSER b"), ["RUN a \\\\", "USER b"]);
    assert_eq!(lines("RUN a \\\u{a0}\nUSER b"), ["RUN a \\\u{a0}", "USER b"]);
    assert_eq!(lines("  \\\n RUN a"), [" RUN a"]);
    assert_eq!(lines("RUN a \\\n\\\n\\\nb"), ["RUN a b"]);
}

#[test]
fn comments_and_blank_lines_inside_a_continuation_are_left_out() {
    let dockerfile = read("# one\nRUN a \\\n  # two\n\n \t\n b \\\n# three");
    assert_eq!(dockerfile.instructions[0].logical.text, "RUN a  b ");
    assert_eq!(dockerfile.comments.len(), 3);
    assert_eq!(dockerfile.instructions[0].span, Span::new(6, 38));
}

#[test]
fn a_lone_carriage_return_ends_no_line() {
    assert_eq!(lines("RUN a\rUSER b\r\nUSER c\r"), ["RUN a\rUSER b", "USER c"]);
}

#[test]
fn directives_stand_at_the_top_and_nowhere_else() {
    let dockerfile = read("\u{feff}# Syntax = x \r\n#CHECK=skip=all\n  # escape=`\nFROM a `\n b\n");
    let names: Vec<_> = dockerfile.directives.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    assert_eq!(names, [("syntax", "x"), ("check", "skip=all"), ("escape", "`")]);
    assert_eq!((dockerfile.escape, dockerfile.comments.len()), ('`', 0));
    assert_eq!(dockerfile.directives[0].span, Span::new(3, 16));
    assert_eq!(read("# a\n# escape=`\nFROM a").escape, '\\');
    assert_eq!(read("\n# escape=`\nFROM a").escape, '\\');
    assert_eq!(read("# escape=\nFROM a").comments.len(), 1);
}

#[test]
fn a_directive_that_cannot_be_followed_is_an_error() {
    assert_eq!(problem("# escape=x\nFROM a"), Problem::Escape { value: "x".into() });
    assert_eq!(problem("# escape= \nFROM a"), Problem::Escape { value: String::new() });
    assert_eq!(problem("# syntax=a\n# SYNTAX=b\nFROM a"), Problem::RepeatedDirective { name: "syntax".into() });
}

#[test]
fn every_word_may_be_an_instruction() {
    let dockerfile = read("from a\nfoo --x bar\n<<EOF\n");
    let keywords: Vec<_> = dockerfile.instructions.iter().map(|it| it.keyword.as_str()).collect();
    assert_eq!(keywords, ["FROM", "FOO", "<<EOF"]);
    assert_eq!(read("\\\n").instructions[0].keyword, "");
}

#[test]
fn a_text_without_instructions_is_an_error() {
    for text in ["", "\n", "# a\n", "\u{feff}", " \r\n", "# syntax=a"] {
        assert_eq!(problem(text), Problem::NoInstructions, "{text:?}");
    }
}

fn heredocs(text: &str) -> Vec<(String, String)> {
    let source = source(text);
    let dockerfile = read(text);
    let heredocs = dockerfile.instructions[0].heredocs.iter();
    heredocs.map(|it| (it.name.clone(), source.slice(it.body).to_owned())).collect()
}

#[test]
fn heredocs_are_words_of_run_copy_and_add() {
    let one = |name: &str, body: &str| vec![(name.to_owned(), body.to_owned())];
    assert_eq!(heredocs("RUN <<EOF\na\n# b\n\nEOF\n"), one("EOF", "a\n# b\n\n"));
    assert_eq!(heredocs("copy 3<<-'A B' /c\r\n\ta\r\n\tA B\r\n"), one("A B", "\ta\r\n"));
    assert_eq!(heredocs("RUN cat <<EOF>out\nEOF>out"), one("EOF>out", ""));
    assert_eq!(heredocs("RUN echo 1<<2\n2"), one("2", ""));
    assert_eq!(heredocs("RUN a <<X \\\n b\nc\nX"), one("X", "c\n"));
    assert_eq!(heredocs("ADD <<A <<B /c\nB\nA\nA\nB\n").len(), 2);
    for text in [
        "RUN \"<<EOF\"",
        "RUN a<<EOF",
        "RUN <<<EOF",
        "RUN <<EOF 'a",
        "RUN <<''",
        "RUN [\"<<EOF\"]",
        "CMD <<EOF",
        "RUN <<EOF ${a@Q}",
    ] {
        assert_eq!(heredocs(text), [], "{text}");
    }
}

#[test]
fn a_quoted_name_means_that_the_body_is_not_expanded() {
    let expand = |text: &str| read(text).instructions[0].heredocs[0].expand;
    assert!(expand("RUN <<E\nE") && expand("RUN <<e\\'f\ne'f"));
    assert!(!expand("RUN <<'E'\nE") && !expand("RUN <<\"E\"\nE") && !expand("RUN <<E'F'\nEF"));
}

#[test]
fn onbuild_defers_its_heredocs_with_the_instruction() {
    let dockerfile = read("ONBUILD RUN --x cat <<E\na\nE\nUSER b");
    let inner = dockerfile.instructions[0].onbuild.as_ref().unwrap();
    assert_eq!((inner.keyword.as_str(), inner.arguments_text(), inner.heredocs.len()), ("RUN", "cat <<E", 1));
    assert_eq!(dockerfile.instructions.len(), 2);
    assert!(read("ONBUILD ONBUILD RUN <<E").instructions[0].heredocs.is_empty());
}

#[test]
fn a_blank_before_the_name_makes_a_heredoc_only_where_its_end_follows() {
    let dockerfile = read("RUN cat << EOF > x\na\nEOF\nUSER b");
    assert_eq!(dockerfile.instructions.len(), 2);
    assert!(dockerfile.instructions[0].heredocs[0].spaced);
    assert_eq!(lines("RUN echo $((1 << 2))\nUSER a").len(), 2);
    assert_eq!(heredocs("RUN echo $((1 << 2)) <<E\na\nE\n"), [("E".to_owned(), "a\n".to_owned())]);
}

#[test]
fn what_buildkit_refuses_is_an_error() {
    assert_eq!(problem("FROM a\nRUN <<EOF\nEOF "), Problem::UnterminatedHeredoc { name: "EOF".into() });
    assert_eq!(problem("ENV A"), Problem::MissingValue { keyword: "ENV".into() });
    assert_eq!(problem("LABEL a=b c"), Problem::MissingEquals { word: "c".into() });
    assert_eq!(problem("ONBUILD ONBUILD CMD [1]"), Problem::NotStrings { keyword: "CMD".into() });
    assert!(matches!(problem("RUN <<${a:-'b c'}"), Problem::HeredocName { .. }));
    let long = "x".repeat(65_536);
    assert_eq!(problem(&format!("RUN {long}")), Problem::LineTooLong { bytes: 65_540 });
    assert_eq!(problem(&format!("RUN <<E\n{long}\nE")), Problem::LineTooLong { bytes: 65_536 });
    assert_eq!(lines(&format!("RUN {}\n", &long[5..])).len(), 1);
}

#[test]
fn errors_tell_where() {
    let text = "FROM a\nENV A=1 \\\n  b";
    let error = parse(&source(text)).unwrap_err();
    assert_eq!(&text[error.span.start..error.span.end], "b");
    let text = "FROM a\nRUN <<E\n";
    assert_eq!(parse(&source(text)).unwrap_err().span, Span::new(7, 14));
}

#[test]
fn ranges_across_a_continuation_map_to_the_source() {
    let text = "RUN pip \\\n  install \\\n# c\n  x";
    let dockerfile = read(text);
    let logical = &dockerfile.instructions[0].logical;
    let at = logical.text.find("install").unwrap();
    let span = logical.span(at..at + 7);
    assert_eq!(&text[span.start..span.end], "install");
    let span = logical.span(dockerfile.instructions[0].arguments.clone());
    assert_eq!(&text[span.start..span.end], &text[4..]);
}

const SEEDS: [&str; 5] = [
    "FROM a\nRUN b \\\n  c\nCOPY <<EOF /d\ne\nEOF\n",
    "\u{feff}# escape=`\n# syntax=x\nFROM a `\n  AS b\nENV A=1 B=\"c d\" C=e\\ f\n",
    "FROM a\nRUN [\"b\", \"\u{e9}\"]\nHEALTHCHECK --interval=1s CMD [\"d\"]\nONBUILD RUN e <<F\ng\nF\n",
    "ARG A=b C\nLABEL d e f\nFROM ${A:-$C}x AS y\nENV g \\\n# h\n\n i\nVOLUME [\"j\"]\n",
    "RUN <<-'A' <<B c\n\td\n\tA\ne\nB\nUSER f\r\nWORKDIR \\\r\n /g\r\n",
];

const MARKS: [&str; 48] = [
    "\\\n",
    "\\ \t\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "\\",
    "`",
    "'",
    "\"",
    "$",
    "${",
    "}",
    "${a:-b}",
    "#",
    "# c\n",
    "<<EOF",
    "\nEOF\n",
    "<<-E",
    "<< E",
    "\nE\n",
    "<<",
    "[",
    "]",
    "[\"a\"]",
    ",",
    "--x=y ",
    "--",
    "=",
    "RUN ",
    "COPY ",
    "FROM a\n",
    "ENV ",
    "ARG ",
    "ONBUILD ",
    "HEALTHCHECK ",
    "# escape=`\n",
    "\u{a0}",
    "\u{e9}",
    "\u{2003}",
    "\u{feff}",
    "\x0c",
    "\x0b",
    "1e5",
    "null",
    "${A##*",
    "\\u00e9",
];

/// A small generator, so that every run sees the same texts.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

#[test]
fn no_mutation_panics_and_all_places_hold() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut text = SEEDS[random.below(SEEDS.len())].to_owned();
        for _ in 0..=random.below(8) {
            let (at, other) = (random.place(&text), random.place(&text));
            if random.below(4) > 0 {
                text.insert_str(at, MARKS[random.below(MARKS.len())]);
            } else if other.abs_diff(at) < 8 {
                text.replace_range(at.min(other)..at.max(other), "");
            }
        }
        let source = source(&text);
        match parse(&source) {
            Ok(dockerfile) => {
                accepted += 1;
                check_places(&source, &dockerfile);
            }
            Err(error) => {
                assert!(text.is_char_boundary(error.span.start) && text.is_char_boundary(error.span.end), "{text:?}");
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(accepted > 10_000, "{accepted}");
}

/// Sizes that would take minutes, or the whole stack, if anything were quadratic or recursive.
#[test]
fn large_texts_end_in_time() {
    let start = std::time::Instant::now();
    let lines = 20_000;
    for text in [
        "RUN a \\\n".to_owned() + &"b \\\n".repeat(lines) + "c",
        "RUN a \\\n".to_owned() + &"# b\n".repeat(lines),
        "RUN a <<E \\\n".to_owned() + &"${b:-c} '<<' \\\n".repeat(lines) + "\nE",
        "ENV A=b \\\n".to_owned() + &"C=d \\\n".repeat(lines),
        "RUN [\"a\" \\\n".to_owned() + &",\"b\" \\\n".repeat(lines) + "]",
        "RUN [\\\n".to_owned() + &"[[[[[[[[[[[[\\\n".repeat(lines),
        "ONBUILD \\\n".to_owned() + &"ONBUILD \\\n".repeat(lines) + "RUN a",
        "RUN --a \\\n".to_owned() + &"--b=c \\\n".repeat(lines),
        "RUN a\n".repeat(lines),
        "RUN a << B\n".repeat(lines),
        "RUN <<A\nA\n".repeat(lines),
        "FROM a AS b\n".repeat(lines),
        "ARG A=$A$A$A$A\n".repeat(lines) + "FROM $A",
    ] {
        let text = source(&text);
        let _ =
            parse(&text).map(|dockerfile| dockerfile.instructions.iter().map(|it| it.pairs('\\').len()).sum::<usize>());
    }
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}
