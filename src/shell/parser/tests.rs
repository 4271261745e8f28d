//! Tests of the grammar, the lexer and here-documents.

use super::super::{Nesting, Operator, Script};
use super::{MAX_DEPTH, parse};

fn read(text: &str) -> Script {
    parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Each command's words, joined by a blank.
fn commands(text: &str) -> Vec<String> {
    let words = |command: &super::super::Command| {
        command.words.iter().map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" ")
    };
    read(text).commands.iter().map(words).collect()
}

/// Panics unless the tokens hold every byte but blanks, escaped newlines and comments, and all ranges fit.
fn check_ranges(text: &str, script: &Script) {
    let mut at = 0;
    for token in &script.tokens {
        assert!(token.range.start >= at, "{text:?}: tokens overlap");
        assert_eq!(text.get(token.range.clone()), Some(token.text.as_str()), "{text:?}");
        assert!(skipped(&text[at..token.range.start]), "{text:?}: lost {:?}", &text[at..token.range.start]);
        at = token.range.end;
    }
    assert!(skipped(&text[at..]), "{text:?}: lost {:?}", &text[at..]);
    for command in &script.commands {
        for word in command.words.iter().chain(command.redirects.iter().map(|redirect| &redirect.target)) {
            assert_eq!(text.get(word.range.clone()), Some(word.raw.as_str()), "{text:?}");
            assert!(command.range.start <= word.range.start && word.range.end <= command.range.end);
        }
        let others = command.redirects.iter().map(|redirect| &redirect.range);
        for range in others.chain(command.assignments.iter().map(|assignment| &assignment.range)) {
            assert!(text.get(range.clone()).is_some_and(|text| !text.is_empty()), "{text:?}");
        }
    }
    assert!(script.commands.is_sorted_by_key(|command| command.range.start), "{text:?}");
}

fn skipped(gap: &str) -> bool {
    let gap = gap.replace("\\\n", "  ");
    gap.split('\n')
        .all(|line| line.trim_matches([' ', '\t']).is_empty() || line.trim_start_matches([' ', '\t']).starts_with('#'))
}

#[test]
fn operators_stand_before_and_behind_the_commands_they_join() {
    let script = read("a && b || c | d; e & f\ng");
    let operators: Vec<_> = script.commands.iter().map(|command| (command.before, command.after)).collect();
    use Operator::{And, Background, Newline, Or, Pipe, Semicolon};
    let joined = [And, Or, Pipe, Semicolon, Background, Newline];
    for (index, operator) in joined.into_iter().enumerate() {
        assert_eq!(operators[index].1, Some(operator));
        assert_eq!(operators[index + 1].0, Some(operator));
    }
    assert_eq!((operators[0].0, operators[6].1), (None, None));
}

#[test]
fn an_operator_that_ends_a_list_counts() {
    let script = read("if a; then b & fi");
    assert_eq!(script.commands[0].after, Some(Operator::Semicolon));
    assert_eq!(script.commands[1].after, Some(Operator::Background));
    assert_eq!(script.commands[1].before, None);
}

#[test]
fn nesting_names_what_is_around_a_command_outermost_first() {
    let text = "a; { b; }; (c); if d; then e; fi; for x in $(f); do g; done; case h in i) j;; esac; k() { l; }; m \"`n`\" <(o)";
    let nestings: Vec<_> =
        read(text).commands.iter().map(|command| (command.words[0].raw.clone(), command.nesting.clone())).collect();
    use Nesting::{Case, Function, Group, If, Loop, Subshell, Substitution};
    let expected: [(&str, &[Nesting]); 12] = [
        ("a", &[]),
        ("b", &[Group]),
        ("c", &[Subshell]),
        ("d", &[If]),
        ("e", &[If]),
        ("f", &[Substitution]),
        ("g", &[Loop]),
        ("j", &[Case]),
        ("l", &[Function, Group]),
        ("m", &[]),
        ("n", &[Substitution]),
        ("o", &[Substitution]),
    ];
    assert_eq!(nestings, expected.map(|(name, nesting)| (name.to_owned(), nesting.to_vec())));
}

#[test]
fn assignments_and_redirections_are_no_words() {
    let script = read("A=1 B='x y' C=$D foo <in bar 2>&1 >>out baz >| last");
    let command = &script.commands[0];
    let assigned: Vec<_> =
        command.assignments.iter().map(|assigned| (assigned.name.as_str(), assigned.value.as_deref())).collect();
    assert_eq!(assigned, [("A", Some("1")), ("B", Some("x y")), ("C", None)]);
    let words: Vec<_> = command.words.iter().map(|word| word.raw.as_str()).collect();
    assert_eq!(words, ["foo", "bar", "baz"]);
    let redirects: Vec<_> =
        command.redirects.iter().map(|redirect| (redirect.operator.as_str(), redirect.target.raw.as_str())).collect();
    assert_eq!(redirects, [("<", "in"), ("2>&", "1"), (">>", "out"), (">|", "last")]);
}

#[test]
fn an_unquoted_specifier_is_a_redirection() {
    let script = read("pip install pip>20 'a<2'");
    assert_eq!(script.commands[0].redirects[0].target.raw, "20");
    assert_eq!(script.commands[0].words[3].value.as_deref(), Some("a<2"));
}

#[test]
fn quoted_operators_join_nothing() {
    assert_eq!(commands(r#"echo "a && b; c | d" '; e' f\&\&g"#).len(), 1);
}

#[test]
fn commands_in_double_quotes_are_found() {
    assert_eq!(commands("echo \"x $(pip --version) y\""), ["echo \"x $(pip --version) y\"", "pip --version"]);
    assert_eq!(commands("echo \"${A:-$(b \"c d\")}\"")[1], "b \"c d\"");
}

#[test]
fn a_comment_swallows_the_rest_of_a_line() {
    assert_eq!(commands("a b # && c"), ["a b"]);
    assert_eq!(commands("a b#c && d"), ["a b#c", "d"]);
    assert_eq!(commands("a # x ' \" $(\nb"), ["a", "b"]);
}

#[test]
fn an_escaped_newline_is_a_blank_between_words_and_nothing_in_one() {
    let script = read("pip install \\\n  a \\\n  b\\\nc\nd");
    let words: Vec<_> = script.commands[0].words.iter().map(|word| word.text().to_owned()).collect();
    assert_eq!(words, ["pip", "install", "a", "bc"]);
    assert_eq!(script.commands.len(), 2);
}

#[test]
fn here_documents_are_no_commands_but_their_substitutions_are() {
    let script = read("cat <<EOF >out && b\npip install $(c)\nEOF\nd <<-'X' \n\t$(e)\n\tX\nf");
    let names: Vec<_> = script.commands.iter().map(|command| command.words[0].raw.as_str()).collect();
    assert_eq!(names, ["cat", "b", "c", "d", "f"]);
    assert_eq!(commands("a <<A <<B\n1\nA\n2\nB\nb"), ["a", "b"]);
}

#[test]
fn compound_commands_of_every_kind_are_read() {
    for text in [
        "while a; do b; done < c",
        "until ! a; do b; done",
        "for i; do a; done",
        "for i in 1 $x \"y z\" ; do a; done",
        "for i\nin a\ndo\nb\ndone",
        "for ((i=0; i<3; i++)); do a; done",
        "select x in a b; do c; done",
        "if a; then b; elif c; then d; else e; fi && f",
        "case $a in (b|c) d ;; *) e;& f) ;; esac",
        "case a in b) c; esac",
        "[[ -f a && ( $b == c* || ! d =~ ^(e|f)$ ) ]] && g",
        "((a = 1 << 2)) || b",
        "f() ( a )",
        "function f { a; }",
        "function f() { a; }",
        "A=(1 \"2 3\" $(b)) c",
        "declare -a X=(a b)",
        "echo $((1 + (2 * 3))) ${#a} ${a[0]} ${a%%*.} ${a//x/y} \"${a:-'b c'}\" $'x\\n'",
        "a &>b |& c",
        "! a | b",
        "time -p a",
        "exec {fd}>a",
        "[ -f a ] && b",
        "{ a; } 2>/dev/null",
        "set -eux; a",
        "",
        " # nothing",
    ] {
        check_ranges(text, &read(text));
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for text in [
        "a &&",
        "&& a",
        "a ;; b",
        "(a",
        "a)",
        "()",
        "{ a",
        "if a; then fi",
        "if a; fi",
        "for i in a; b; done",
        "case a in b c) d;; esac",
        "a 'b",
        "a \"b",
        "a $(b",
        "a `b",
        "a ${b",
        "a ${b c}",
        "a $[1+2]",
        "a <<EOF\nb",
        "a <<EOF",
        "$((a) | b)",
        "rm !(a)",
        "a >",
        "a | ! b",
        "f() a",
        "a `b \\`c\\``",
        "a\0b",
        "a\r\nb",
        "a \\",
        "coproc a",
        "fi",
        "a[x y]=z",
        "a &\\\n& b",
    ] {
        assert!(parse(text).is_err(), "{text:?} was read");
    }
}

#[test]
fn an_error_says_where() {
    let error = parse("pip install 'a").unwrap_err();
    assert_eq!(error.offset, 12);
    assert!(error.to_string().contains("single quote"), "{error}");
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let pairs = [
        ("( ", "a", ")"),
        ("$(", "", ")"),
        ("{ ", "a", "; }"),
        ("${a:-", "", "}"),
        ("\"$(", "", ")\""),
        ("$((", "1", "))"),
    ];
    for (open, inner, close) in pairs {
        let nest = |depth: usize| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
        assert!(parse(&nest(MAX_DEPTH / 2)).is_ok(), "{open}");
        assert!(parse(&nest(100_000)).is_err(), "{open}");
    }
    assert!(parse(&"if a; then ".repeat(100_000)).is_err());
    assert!(parse(&"f() { ".repeat(100_000)).is_err());
    assert!(parse(&"A=( $( ".repeat(100_000)).is_err());
}

#[test]
fn long_texts_are_read_in_linear_time() {
    let long = [
        "a && ".repeat(200_000) + "b",
        "a ".repeat(500_000),
        "a\n".repeat(300_000),
        format!("echo {}", "'".repeat(1_000_000)),
        format!("echo {}", "(".repeat(1_000_000)),
        "a <<E\nE\n".repeat(100_000),
        format!("echo {}", "`a` ".repeat(200_000)),
        format!("{}=1", "a[".repeat(500_000)),
    ];
    let start = std::time::Instant::now();
    for text in &long {
        let _ = parse(text);
    }
    assert!(start.elapsed().as_secs() < 30);
}

#[test]
fn random_texts_never_panic_and_ranges_always_fit() {
    let pieces = [
        "a",
        "pip install ",
        " ",
        "\t",
        "\n",
        "\\",
        "\\\n",
        "'",
        "\"",
        "`",
        "$",
        "$(",
        "${",
        "}",
        "(",
        ")",
        "((",
        "))",
        "{ ",
        "; ",
        "&&",
        "||",
        "|",
        "&",
        ";;",
        "<",
        ">",
        "2>&1",
        "<<EOF\n",
        "\nEOF\n",
        "#",
        "if ",
        "then ",
        "fi ",
        "for i in a; do ",
        "done ",
        "case a in b) ",
        "esac ",
        "[[ ",
        " ]]",
        "=",
        "A=",
        "A=(",
        "ä",
        "\u{a0}",
        "é漢",
        "*",
        "f() { ",
        "<(",
        "=~ ",
        "! ",
        "$'x'",
        "{a,b}",
        "~",
        "conda run -n ",
        "sudo -E ",
        "python -",
        "--",
        "-m ",
        "==1",
        "apt-get install ",
        "[",
        "]",
        "::",
        "-",
        "/",
        "sh -c \"",
        "ln -s ",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(limit).unwrap_or(1)).unwrap_or(0)
    };
    let mut accepted = 0;
    for _ in 0..60_000 {
        let text: String = (0..1 + random(14)).map(|_| pieces[random(pieces.len())]).collect();
        if let Ok(script) = parse(&text) {
            accepted += 1;
            check_ranges(&text, &script);
            for command in &script.commands {
                use super::super::tool;
                let _ = format!("{:?}", tool::tool(command));
                let _ = (tool::nested(command), tool::links(command), tool::makes_venv(command));
                let _ = (tool::cleans_apt_lists(command), tool::sources_activate(command));
            }
            let _ = super::super::tool::get_pip_in(&script);
        }
    }
    assert!(accepted > 1000, "{accepted}");
}
